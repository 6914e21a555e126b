import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startedBy } from '../../../src/spec/language/node/started.ts';
import { outcomeOf } from './recipe-of.ts';
import type { Tree } from './source.ts';

const kept = 'Development dependencies stay in the release: ';

/** The step that removes them, or why they stay; null where nothing is said. */
function pruningOf(manifest: object, files: Tree = {}): string | null {
  const { recipe, notes } = outcomeOf({ 'package.json': JSON.stringify(manifest), ...files });
  const [step] = recipe.build.filter(({ unless }) => unless !== undefined);
  if (step !== undefined) return step.command;
  return notes.find((note) => note.startsWith(kept))?.slice(kept.length) ?? null;
}

const npm = 'npm prune --omit=dev --ignore-scripts';
const api = {
  scripts: { build: 'tsc', start: 'node dist/index.js' },
  dependencies: { express: '5' },
  devDependencies: {
    typescript: '5',
    '@types/express': '5',
    eslint: '9',
    jest: '29',
    dotenv: '16',
    'pino-pretty': '11',
  },
};
const source = { 'src/index.ts': "import express from 'express';\n" };

describe('development dependencies after a build', () => {
  const pruned: Record<string, readonly [manifest: object, files: Tree, command: string]> = {
    'of a compiled server': [api, source, npm],
    'with tests and settings of tools that name them': [
      api,
      {
        ...source,
        'src/index.test.ts': "import 'jest';",
        'src/app.e2e-spec.ts': "import 'jest';",
        'test/setup.js': "require('dotenv')",
        'eslint.config.js': "import 'eslint';",
        'jest.config.ts': "import 'jest';",
        'types/index.d.ts': "import 'dotenv';",
        'src/only.ts': "import type { Linter } from 'eslint';\n",
      },
      npm,
    ],
    'of Nest': [
      {
        scripts: { build: 'nest build', start: 'nest start', 'start:prod': 'node dist/main' },
        dependencies: { '@nestjs/core': '10' },
        devDependencies: { '@nestjs/cli': '10', '@nestjs/testing': '10' },
      },
      { 'src/main.ts': "import { NestFactory } from '@nestjs/core';", 'src/app.spec.ts': "import '@nestjs/testing';" },
      npm,
    ],
    'of a server without a build': [
      { scripts: { start: 'node --max-old-space-size=512 server.js' }, devDependencies: { nodemon: '3' } },
      { 'server.js': "require('node:http')" },
      npm,
    ],
    'whose build script alone needs one': [
      { scripts: { build: 'node build.js', start: 'node server.js' }, devDependencies: { esbuild: '0.25' } },
      { 'build.js': "require('esbuild')", 'server.js': '' },
      npm,
    ],
    'by pnpm': [
      api,
      { ...source, 'pnpm-lock.yaml': "lockfileVersion: '9.0'\n" },
      'CI=true npm_config_ignore_scripts=true pnpm prune --prod',
    ],
    'by yarn 1': [
      api,
      { ...source, 'yarn.lock': '# yarn lockfile v1\n' },
      'yarn install --production=true --ignore-scripts --prefer-offline --frozen-lockfile --non-interactive',
    ],
    'by yarn 4': [
      { ...api, packageManager: 'yarn@4.18.1' },
      { ...source, 'yarn.lock': '__metadata:\n  version: 8\n', '.yarnrc.yml': 'nodeLinker: node-modules\n' },
      'yarn workspaces focus --production',
    ],
    'of Next': [
      {
        scripts: { build: 'next build', start: 'cross-env NODE_ENV=production next start -p $PORT' },
        dependencies: { next: '15', 'cross-env': '7' },
        devDependencies: { typescript: '5' },
      },
      { 'next.config.mjs': 'export default {};', 'app/page.tsx': '' },
      npm,
    ],
  };
  for (const [name, [manifest, files, command]] of Object.entries(pruned))
    test(`are removed: ${name}`, () => assert.equal(pruningOf(manifest, files), command));

  const start = (text: string) => ({ ...api, scripts: { ...api.scripts, start: text } });
  const staying: Record<string, readonly [manifest: object, files: Tree, why: RegExp]> = {
    'the start script calls one': [
      { scripts: { start: 'tsx src/index.ts' }, devDependencies: { tsx: '4' } },
      source,
      /^what is started calls tsx, which is one of them\.$/,
    ],
    'a script that it runs calls one': [
      { ...start('npm run serve'), scripts: { start: 'npm run serve', serve: 'NODE_ENV=production nodemon dist' } },
      source,
      /"nodemon" needs at run time is not known/,
    ],
    'what runs before it calls one': [
      {
        scripts: { prestart: 'knex migrate:latest', start: 'node server.js' },
        devDependencies: { knex: '3' },
      },
      {},
      /calls knex/,
    ],
    'the preDeployCommand calls one': [
      api,
      {
        ...source,
        'kapal.yaml':
          'services:\n  - {type: web, name: a, runtime: node, startCommand: npm start, preDeployCommand: npx jest}\n',
      },
      /calls jest/,
    ],
    'Node loads one first': [start('node -r dotenv/config dist'), source, /^node loads dotenv before it starts/],
    'Node loads one by NODE_OPTIONS': [
      start("NODE_OPTIONS='--import tsx' node src/index.ts"),
      source,
      /^node loads tsx before it starts/,
    ],
    'a file imports one': [api, { 'src/index.ts': "import 'dotenv/config';" }, /^src\/index\.ts names dotenv\.$/],
    'a file names one as text': [
      api,
      { 'src/log/index.ts': "pino({ transport: { target: 'pino-pretty' } })" },
      /^src\/log\/index\.ts names pino-pretty/,
    ],
    'code in a usual folder, with the name of a tool': [
      api,
      { 'src/docs/app.config.ts': "require('dotenv')" },
      /^src\/docs\/app\.config\.ts names dotenv/,
    ],
    'the start file itself lies among the tests': [
      start('node test/server.js'),
      { 'test/server.js': "require('dotenv')" },
      /^test\/server\.js names dotenv/,
    ],
    'a program of unknown needs': [start('strapi start'), source, /^what "strapi" needs at run time is not known/],
    'what only a shell can tell': [start('node $(cat main)'), source, /^which programs "npm start" starts/],
    'a script that calls itself': [start('npm start'), source, /^which programs/],
    'a settings file in TypeScript': [
      {
        scripts: { build: 'next build', start: 'next start' },
        dependencies: { next: '15' },
        devDependencies: { typescript: '5' },
      },
      { 'next.config.ts': '', 'app/page.tsx': '' },
      /^next\.config\.ts is compiled by typescript/,
    ],
    'settings of Next that name one': [
      {
        scripts: { build: 'next build', start: 'next start' },
        dependencies: { next: '15' },
        devDependencies: { '@next/bundle-analyzer': '15' },
      },
      { 'next.config.mjs': "import '@next/bundle-analyzer';", 'app/page.js': '' },
      /^next\.config\.mjs names @next\/bundle-analyzer/,
    ],
    'a workspace': [{ ...api, workspaces: ['packages/*'] }, source, /^the packages of a workspace share one install/],
    'a package of the folder, by pnpm': [
      { ...api, dependencies: { native: 'file:./native' } },
      { ...source, 'pnpm-lock.yaml': "lockfileVersion: '9.0'\n" },
      /^pnpm would take native from its folder again/,
    ],
    'yarn without node_modules': [
      { ...api, packageManager: 'yarn@4.18.1' },
      { ...source, 'yarn.lock': '__metadata:\n  version: 8\n' },
      /^this way of yarn \(4\.18\.1\) cannot remove them/,
    ],
  };
  for (const [name, [manifest, files, why]] of Object.entries(staying))
    test(`stay: ${name}`, () => assert.match(pruningOf(manifest, files) ?? 'removed, or nothing said', why));

  test('of which there are none, or by a declared command, or for a site, nothing is said', () => {
    assert.equal(pruningOf({ ...api, devDependencies: {} }, source), null);
    assert.equal(
      pruningOf({ scripts: { build: 'vite build' }, devDependencies: { vite: '5' } }, { 'index.html': '' }),
      null,
    );
    const declared =
      'services:\n  - {type: web, name: a, runtime: node, buildCommand: npm ci, startCommand: npm start}\n';
    assert.equal(pruningOf(api, { ...source, 'kapal.yaml': declared }), null);
  });

  test('that is removed is said with how to keep it', () => {
    const { notes, recipe } = outcomeOf({ 'package.json': JSON.stringify(api), ...source });
    assert.match(notes.join('\n'), /removed after the build.*NPM_CONFIG_PRODUCTION=false keeps them\./);
    assert.match(recipe.build.at(-1)?.title ?? '', /NPM_CONFIG_PRODUCTION=false keeps them/);
  });
});

describe('what a command starts', () => {
  const scripts = new Map([
    ['prestart', 'echo before'],
    ['start', 'yarn serve -- --flag'],
    ['serve', 'exec node dist/index.js'],
  ]);
  const cases: Record<string, readonly string[] | null> = {
    'npm start': ['echo before', 'node dist/index.js'],
    'pnpm run serve': ['node dist/index.js'],
    'npm run --silent serve': ['node dist/index.js'],
    'PORT=${PORT:-3000} node . # the server': ['node .'],
    'cd app && exec node "my server.js" >out.log 2>&1 &': ['cd app', 'node my server.js'],
    'dotenv -e .env -- node a.js; sleep 1 | cat': ['dotenv -e .env -- node a.js', 'node a.js', 'sleep 1', 'cat'],
    'yarn tsx a.ts': ['tsx a.ts'],
    'npx --yes serve': ['serve'],
    'npm --prefix web start': null,
    'npm run nothing': null,
    'npm ci': null,
    'node "a.js': null,
    '(node a.js)': null,
    'node `cat main`': null,
  };
  for (const [command, expected] of Object.entries(cases))
    test(command, () => {
      const started = startedBy(command, scripts);
      assert.deepEqual(started?.map(({ program, args }) => [program, ...args].join(' ')) ?? null, expected);
    });
});
