import type { DeclarationFiles } from '../files.ts';
import { inside, isThere, type Package } from './package-json.ts';

/** How a Node service is started, and what that was seen from. */
export interface Start {
  readonly command: string;
  readonly file: string;
  readonly why: string;
}

/** A site that a framework builds, and the folder that it writes. */
export interface BuiltSite {
  readonly publishPath: string;
  readonly fallback: string | null;
  readonly framework: string;
}

interface Framework {
  readonly dependency: string;
  readonly publishPath: string;
  /** Routes live in the browser: every path is answered with index.html. */
  readonly singlePage: boolean;
}

/** The first that a package depends on decides: what builds on another (Gatsby, Docusaurus, Astro) stands before it. */
const frameworks: readonly Framework[] = [
  { dependency: 'react-scripts', publishPath: 'build', singlePage: true },
  { dependency: '@vue/cli-service', publishPath: 'dist', singlePage: true },
  { dependency: 'gatsby', publishPath: 'public', singlePage: false },
  { dependency: '@docusaurus/core', publishPath: 'build', singlePage: false },
  { dependency: '@11ty/eleventy', publishPath: '_site', singlePage: false },
  { dependency: 'astro', publishPath: 'dist', singlePage: false },
  { dependency: 'parcel', publishPath: 'dist', singlePage: false },
  { dependency: 'parcel-bundler', publishPath: 'dist', singlePage: false },
  { dependency: 'vite', publishPath: 'dist', singlePage: true },
];

/** With one of these the build yields a server, or files beside a server. */
const serverFrameworks = [
  '@sveltejs/kit',
  'next',
  'nuxt',
  '@remix-run/node',
  '@remix-run/serve',
  '@react-router/node',
  '@react-router/serve',
  '@astrojs/node',
  '@solidjs/start',
  '@tanstack/react-start',
  'vike',
  '@builder.io/qwik-city',
  '@nestjs/core',
];

/** What a package depends on when it answers requests. */
const serverLibraries = [
  'express',
  'fastify',
  'koa',
  'hono',
  '@hono/node-server',
  '@hapi/hapi',
  'restify',
  'polka',
  'h3',
  'ws',
  'socket.io',
  'apollo-server',
  '@apollo/server',
  'json-server',
];

const viteConfigs = ['vite.config.ts', 'vite.config.js', 'vite.config.mts', 'vite.config.mjs'];

/** A `start` script that runs a framework's development server must not serve visitors. Environment assignments and npx may stand before it. */
const developmentServer =
  /^(?:\S+=\S*\s+|cross-env\s+|npx\s+)*(?:react-scripts start|vue-cli-service serve|vite(?!\s+build)\b|parcel(?!\s+build)\b|astro (?:dev|start|preview)|gatsby (?:develop|start)|docusaurus start|eleventy\b.*--serve|webpack(?:-dev-server| serve))/;

/** By the `start` script, else by the server file that `main` names, else by a usual name. `null` where nothing tells. */
export function startOf(files: DeclarationFiles, folder: string, manifest: Package | null): Start | null {
  const script = manifest?.scripts.get('start');
  if (manifest !== null && script !== undefined) {
    return { command: `${manifest.manager} start`, file: manifest.file, why: 'its start script' };
  }
  const file = serverFile(files, folder, manifest);
  return file === null
    ? null
    : { command: `node ${word(file)}`, file: inside(folder, file), why: 'a server file, and no start script' };
}

/** Whether a script file beside an index.html is a server at all, and not a script of that page. */
export function looksLikeServer(start: Start, manifest: Package | null): boolean {
  if (manifest?.scripts.has('start') === true || /(?:^|\/)server\.[cm]?js$/.test(start.file)) return true;
  return serverLibraries.some((name) => manifest?.dependencies.has(name));
}

/** A package that builds files alone: a known framework, a build script, and no server of its own. */
export function builtSite(files: DeclarationFiles, manifest: Package): BuiltSite | null {
  const build = manifest.scripts.get('build');
  const start = manifest.scripts.get('start');
  if (build === undefined || (start !== undefined && !developmentServer.test(start.trim()))) return null;
  if (serverFrameworks.some((name) => manifest.dependencies.has(name))) return null;
  const framework = frameworks.find((one) => manifest.dependencies.has(one.dependency));
  if (framework === undefined) return null;
  return {
    publishPath: outputOf(files, manifest, build) ?? framework.publishPath,
    fallback: framework.singlePage ? 'index.html' : null,
    framework: framework.dependency,
  };
}

function serverFile(files: DeclarationFiles, folder: string, manifest: Package | null): string | null {
  const main = manifest?.main?.replace(/^\.\//, '') ?? null;
  if (main !== null && /\.[cm]?js$/.test(main) && isInside(main) && isThere(files, inside(folder, main))) return main;
  const names = files.list(folder);
  const usual = ['server', 'app', 'index'].flatMap((name) =>
    ['js', 'mjs', 'cjs'].map((extension) => `${name}.${extension}`),
  );
  return usual.find((name) => names.includes(name)) ?? null;
}

/** The folder that the build script or a plain vite configuration names; an expression there is not evaluated. */
function outputOf(files: DeclarationFiles, manifest: Package, build: string): string | null {
  const flagged = /--(?:outDir|dist-dir|output)[ =]["']?([\w./-]+)/.exec(build)?.[1];
  if (flagged !== undefined) return cleaned(flagged);
  for (const name of viteConfigs) {
    const text = files.read(inside(manifest.folder, name));
    if (text !== null) return cleaned(/\boutDir:\s*["'`]([\w./-]+)["'`]/.exec(text)?.[1]);
  }
  return null;
}

function cleaned(path: string | undefined): string | null {
  if (path === undefined || !isInside(path)) return null;
  return (
    path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/') || null
  );
}

function isInside(path: string): boolean {
  return !path.startsWith('/') && !path.split('/').includes('..') && !/\p{Cc}/u.test(path);
}

/** One word of a POSIX shell, whatever a file is called (IEEE Std 1003.1, 2.2.2). */
function word(text: string): string {
  return /^[\w./-]+$/.test(text) && !text.startsWith('-') ? text : `'./${text.replaceAll("'", `'\\''`)}'`;
}
