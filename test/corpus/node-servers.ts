import { type CorpusProject, manifest } from './shape.ts';

const ci = 'npm ci --include=dev';
const install = 'npm install --include=dev';
const build = 'npm run build';
const prune = 'npm prune --omit=dev --ignore-scripts';

/** Answers with its name and the version of Node, on PORT, by Node alone. */
export const nodeServer = (name: string): string =>
  `require('node:http').createServer((request, response) => response.end('${name} on ' + process.version)).listen(process.env.PORT);\n`;

/** The same for Node of before 14.18, which has no \`node:\`. */
const oldNodeServer = (name: string): string => nodeServer(name).replace('node:http', 'http');

const lockOf = (name: string): string =>
  manifest({ name, lockfileVersion: 3, requires: true, packages: { '': { name } } });

const express = `const app = require('express')();
app.get('/', (request, response) => response.send('express answers'));
app.listen(process.env.PORT);
`;

const fastify = `import Fastify from 'fastify';
const app = Fastify();
app.get('/', async () => ({ by: 'fastify' }));
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
`;

const libraries: readonly CorpusProject[] = [
  {
    name: 'node-express',
    files: {
      'package.json': manifest({
        name: 'a',
        scripts: { start: 'node index.js', dev: 'nodemon index.js' },
        dependencies: { express: '^4.18.2' },
      }),
      'index.js': express,
    },
    expect: [{ runtime: 'node', install: [install], start: 'npm start' }],
    visits: { 'node-express': { path: '/', sees: /^express answers$/ } },
  },
  {
    name: 'node-express-without-start',
    files: {
      'package.json': manifest({ name: 'a', main: 'app.js', dependencies: { express: '4' } }),
      'package-lock.json': '{}',
      'app.js': express,
    },
    expect: [{ runtime: 'node', install: [ci], start: 'node app.js' }],
  },
  {
    name: 'node-fastify',
    files: {
      'package.json': manifest({
        name: 'a',
        type: 'module',
        scripts: { start: 'node src/server.js' },
        dependencies: { fastify: '^5.0.0' },
      }),
      'src/server.js': fastify,
    },
    expect: [{ runtime: 'node', install: [install], start: 'npm start' }],
    visits: { 'node-fastify': { path: '/', sees: /^\{"by":"fastify"\}$/ } },
  },
  {
    name: 'node-nest',
    files: {
      'package.json': manifest({
        scripts: {
          prebuild: 'rimraf dist',
          build: 'nest build',
          start: 'nest start',
          'start:dev': 'nest start --watch',
          'start:prod': 'node dist/main',
        },
        dependencies: { '@nestjs/core': '^10.0.0', '@nestjs/platform-express': '^10.0.0' },
        devDependencies: { '@nestjs/cli': '^10.0.0', typescript: '^5.1.3' },
      }),
      'package-lock.json': '{}',
    },
    expect: [{ runtime: 'node', install: [ci], build: [build, prune], start: 'npm run start:prod' }],
  },
  {
    name: 'node-typescript',
    files: {
      'package.json': manifest({
        scripts: { build: 'tsc', start: 'node dist/index.js' },
        dependencies: { koa: '2' },
        devDependencies: { typescript: '5' },
      }),
      'yarn.lock': '# yarn lockfile v1\n',
      'src/index.ts': '',
    },
    expect: [
      {
        runtime: 'node',
        install: ['yarn install --frozen-lockfile --production=false --non-interactive'],
        build: [
          'yarn run build',
          'yarn install --production=true --ignore-scripts --prefer-offline --frozen-lockfile --non-interactive',
        ],
        start: 'yarn start',
        needs: ['yarn 1.22.22'],
      },
    ],
  },
  {
    name: 'node-one-file',
    files: { 'server.js': nodeServer('satu') },
    expect: [{ runtime: 'node', start: 'node server.js' }],
    visits: { 'node-one-file': { path: '/', sees: /^satu on v24\./ } },
  },
  {
    name: 'node-library',
    files: {
      'package.json': manifest({ name: 'left-pad', main: 'lib/index.js', scripts: { test: 'tap' } }),
      'lib/other.js': '',
    },
    expect: {
      code: 'nothing_to_deploy',
      words: [/package\.json was found, but it does not say how to start/, /start script/],
    },
  },
  {
    name: 'node-damaged',
    files: { 'package.json': '{\n  "scripts": {,}\n}\n' },
    expect: { code: 'declaration_invalid', words: [/^package\.json:2:\d+: is not valid JSON/] },
  },
];

const frameworks: readonly CorpusProject[] = [
  {
    name: 'node-next',
    files: {
      'package.json': manifest({
        scripts: { dev: 'next dev', build: 'next build', start: 'next start' },
        dependencies: { next: '14.0.4', react: '^18', 'react-dom': '^18' },
      }),
      'package-lock.json': '{}',
      'app/page.tsx': '',
    },
    expect: [{ runtime: 'node', install: [ci], build: [build], start: 'npm start' }],
  },
  {
    name: 'node-nuxt',
    files: {
      'package.json': manifest({
        scripts: {
          build: 'nuxt build',
          dev: 'nuxt dev',
          generate: 'nuxt generate',
          preview: 'nuxt preview',
          postinstall: 'nuxt prepare',
        },
        dependencies: { nuxt: '^3.9.0', vue: '^3.4.0' },
      }),
      'package-lock.json': '{}',
      'nuxt.config.ts': 'export default defineNuxtConfig({})\n',
    },
    expect: [{ runtime: 'node', install: [ci], build: [build], start: 'node .output/server/index.mjs' }],
  },
  {
    name: 'node-sveltekit',
    files: {
      'package.json': manifest({
        type: 'module',
        scripts: { dev: 'vite dev', build: 'vite build', preview: 'vite preview' },
        devDependencies: {
          '@sveltejs/kit': '^2.0.0',
          '@sveltejs/adapter-node': '^2.0.0',
          svelte: '^4.2.7',
          vite: '^5.0.3',
        },
      }),
      'package-lock.json': '{}',
    },
    expect: [{ runtime: 'node', install: [ci], build: [build, prune], start: 'node build' }],
  },
  {
    name: 'node-remix',
    files: {
      'package.json': manifest({
        scripts: { build: 'remix vite:build', dev: 'remix vite:dev', start: 'remix-serve ./build/server/index.js' },
        dependencies: { '@remix-run/node': '^2.5.0', '@remix-run/serve': '^2.5.0' },
        devDependencies: { vite: '^5.0.0' },
      }),
      'package-lock.json': '{}',
    },
    expect: [{ runtime: 'node', install: [ci], build: [build, prune], start: 'npm start' }],
  },
];

const versions: readonly CorpusProject[] = [
  {
    name: 'node-engines-12',
    files: {
      'package.json': manifest({ name: 'lama', engines: { node: '12.x' }, scripts: { start: 'node server.js' } }),
      'package-lock.json': lockOf('lama'),
      'server.js': oldNodeServer('lama'),
    },
    expect: [
      { runtime: 'node', install: [ci], start: 'npm start', needs: ['Node 12.x (engines.node of package.json)'] },
    ],
    visits: { 'node-engines-12': { path: '/', sees: /^lama on v12\./ } },
  },
  {
    name: 'node-engines-at-least-18',
    files: {
      'package.json': manifest({ engines: { node: '>=18' }, scripts: { start: 'node server.js' } }),
      'server.js': nodeServer('luas'),
    },
    expect: [{ runtime: 'node', start: 'npm start', needs: ['Node >=18 (engines.node of package.json)'] }],
    visits: { 'node-engines-at-least-18': { path: '/', sees: /^luas on v24\./ } },
  },
  {
    name: 'node-nvmrc',
    files: {
      '.nvmrc': 'lts/hydrogen\n',
      'package.json': manifest({ engines: { node: '>=14' }, scripts: { start: 'node server.js' } }),
      'server.js': nodeServer('hidrogen'),
    },
    expect: [{ runtime: 'node', start: 'npm start', needs: ['Node 18 (.nvmrc)'] }],
    visits: { 'node-nvmrc': { path: '/', sees: /^hidrogen on v18\./ } },
  },
  {
    name: 'node-volta',
    files: {
      'package.json': manifest({
        volta: { node: '20.10.0' },
        engines: { node: '>=12 <26' },
        scripts: { start: 'node server.js' },
      }),
      'server.js': nodeServer('volta'),
    },
    expect: [{ runtime: 'node', start: 'npm start', needs: ['Node 20.10.0 (volta.node of package.json)'] }],
  },
  {
    name: 'node-engines-26',
    files: {
      'package.json': manifest({ engines: { node: '^26.0.0' }, scripts: { start: 'node server.js' } }),
      'server.js': nodeServer('baru'),
    },
    expect: [{ runtime: 'node', start: 'npm start', needs: ['Node ^26.0.0 (engines.node of package.json)'] }],
  },
  {
    name: 'node-package-manager',
    files: {
      'package.json': manifest({
        packageManager: 'pnpm@9.15.9',
        scripts: { build: 'node build.js', start: 'node server.js' },
        dependencies: {},
      }),
      'build.js': "require('node:fs').writeFileSync('name.txt', 'pnpm');\n",
      'server.js': nodeServer('pnpm').replace("'pnpm on '", "require('node:fs').readFileSync('name.txt') + ' on '"),
    },
    expect: [{ runtime: 'node', build: ['pnpm run build'], start: 'pnpm start', needs: ['pnpm 9.15.9'] }],
    visits: { 'node-package-manager': { path: '/', sees: /^pnpm on v24\./ } },
  },
];

const lockfiles: readonly CorpusProject[] = [
  {
    name: 'node-two-lockfiles',
    files: {
      'package.json': manifest({ name: 'dua', scripts: { start: 'node server.js' } }),
      'package-lock.json': lockOf('dua'),
      'yarn.lock': '# yarn lockfile v1\n',
      'server.js': nodeServer('dua'),
    },
    expect: [{ runtime: 'node', install: [ci], start: 'npm start' }],
    visits: { 'node-two-lockfiles': { path: '/', sees: /^dua on / } },
  },
  {
    name: 'node-berry',
    files: {
      'package.json': manifest({ scripts: { start: 'node server.js' }, dependencies: { ms: '2' } }),
      'yarn.lock':
        '# This file is generated by running "yarn install" inside your project.\n\n__metadata:\n  version: 8\n  cacheKey: 10c0\n',
      '.yarnrc.yml': 'nodeLinker: node-modules\n',
      'server.js': '',
    },
    expect: [{ runtime: 'node', install: ['yarn install --immutable'], start: 'yarn start', needs: ['yarn 4.18.1'] }],
  },
  {
    name: 'node-procfile',
    files: {
      Procfile: '# proses\nweb: node server.js\nclock: node clock.js # every minute\nrelease: node migrate.js\n',
      'package.json': manifest({ name: 'proses' }),
      'server.js': nodeServer('proses'),
      'clock.js': 'setInterval(() => {}, 1e9);\n',
      'migrate.js': "console.log('migrated');\n",
    },
    expect: [
      { runtime: 'node', preDeploy: 'node migrate.js', start: 'node server.js' },
      { name: 'clock', type: 'worker', runtime: 'node', start: 'node clock.js # every minute' },
    ],
    visits: { 'node-procfile': { path: '/', sees: /^proses on / } },
  },
];

export const nodeServers: readonly CorpusProject[] = [...libraries, ...frameworks];
export const nodeVersions: readonly CorpusProject[] = [...versions, ...lockfiles];
