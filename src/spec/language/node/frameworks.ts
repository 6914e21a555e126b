import type { SitePlan } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';
import { angularOutput } from './angular.ts';
import { isInside } from '../source-folder.ts';
import type { Package } from './package-json.ts';

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
  /^(?:\S+=\S*\s+|cross-env\s+|npx\s+)*(?:react-scripts start|vue-cli-service serve|vite(?!\s+build)\b|parcel(?!\s+build)\b|astro (?:dev|start|preview)|gatsby (?:develop|start)|docusaurus start|ng serve|eleventy\b.*--serve|webpack(?:-dev-server| serve))/;

export function isDevelopmentServer(script: string): boolean {
  return developmentServer.test(script.trim());
}

export function answersRequests(manifest: Package): boolean {
  return serverLibraries.some((name) => manifest.dependencies.has(name));
}

/** A package that builds files alone: a known framework, a build script, and no server of its own. */
export function builtSite(folder: SourceFolder, manifest: Package): SitePlan | null {
  const build = manifest.scripts.get('build');
  const start = manifest.scripts.get('start');
  if (build === undefined) return null;
  const written = isExport(folder, manifest);
  // Next itself refuses to start what it has exported.
  if (written !== null && (start === undefined || /^(?:npx )?next\b/.test(start.trim()))) return written;
  if (start !== undefined && !isDevelopmentServer(start)) return null;
  if (manifest.dependencies.has('@angular/core') && !manifest.dependencies.has('@angular/ssr'))
    return angularSite(folder, manifest);
  if (manifest.dependencies.has('@sveltejs/adapter-static')) return staticSvelte(folder, manifest);
  if (serverFrameworks.some((name) => manifest.dependencies.has(name))) return null;
  const framework = frameworks.find((one) => manifest.dependencies.has(one.dependency));
  if (framework === undefined) return null;
  const publishPath = outputOf(folder, build) ?? framework.publishPath;
  return site(manifest, {
    publishPath,
    fallback: framework.singlePage ? 'index.html' : null,
    by: framework.dependency,
  });
}

/** Next with `output: 'export'` writes files, and has no server of its own. */
function isExport(folder: SourceFolder, manifest: Package): SitePlan | null {
  if (!manifest.dependencies.has('next')) return null;
  const config = folder.firstOf(['next.config.js', 'next.config.mjs', 'next.config.ts', 'next.config.cjs']);
  if (config === null || !/\boutput:\s*["'`]export["'`]/.test(folder.read(config) ?? '')) return null;
  return site(manifest, { publishPath: 'out', fallback: null, by: `next with output: 'export' in ${config}` });
}

function angularSite(folder: SourceFolder, manifest: Package): SitePlan | null {
  const publishPath = angularOutput(folder);
  return publishPath === null ? null : site(manifest, { publishPath, fallback: 'index.html', by: 'angular.json' });
}

/** The adapter's own options stand in svelte.config.js: a folder, and a page for what matches nothing (https://svelte.dev/docs/kit/adapter-static). */
function staticSvelte(folder: SourceFolder, manifest: Package): SitePlan {
  const text = folder.read(folder.firstOf(['svelte.config.js', 'svelte.config.ts']) ?? '') ?? '';
  const publishPath = cleaned(/\bpages:\s*["'`]([\w./-]+)["'`]/.exec(text)?.[1]) ?? 'build';
  const fallback = /\bfallback:\s*["'`]([\w.-]+\.html)["'`]/.exec(text)?.[1] ?? null;
  return site(manifest, { publishPath, fallback, by: '@sveltejs/adapter-static' });
}

function site(
  manifest: Package,
  { publishPath, fallback, by }: { publishPath: string; fallback: string | null; by: string },
): SitePlan {
  const why = `its build script and ${by}, which writes ${publishPath}`;
  return { kind: 'site', file: manifest.file, why, publishPath, fallback, notes: [] };
}

/** The folder that the build script or a plain vite configuration names; an expression there is not evaluated. */
function outputOf(folder: SourceFolder, build: string): string | null {
  const flagged = /--(?:outDir|dist-dir|output)[ =]["']?([\w./-]+)/.exec(build)?.[1];
  if (flagged !== undefined) return cleaned(flagged);
  const config = folder.firstOf(viteConfigs);
  const text = config === null ? null : folder.read(config);
  return text === null ? null : cleaned(/\boutDir:\s*["'`]([\w./-]+)["'`]/.exec(text)?.[1]);
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
