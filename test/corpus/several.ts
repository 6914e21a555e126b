import { goServer } from './go.ts';
import { nodeServer } from './node-servers.ts';
import { type CorpusProject, manifest } from './shape.ts';

/** More than one thing in a repository. */
export const severalInOne: readonly CorpusProject[] = [
  {
    name: 'mono-npm',
    files: {
      'package.json': manifest({ name: 'mono', private: true, workspaces: ['apps/*', 'packages/*'] }),
      'package-lock.json': manifest({
        name: 'mono',
        lockfileVersion: 3,
        requires: true,
        packages: {
          '': { name: 'mono', workspaces: ['apps/*', 'packages/*'] },
          'apps/api': { name: 'api', version: '1.0.0', dependencies: { words: '*' } },
          'packages/words': { name: 'words', version: '1.0.0' },
          'node_modules/api': { resolved: 'apps/api', link: true },
          'node_modules/words': { resolved: 'packages/words', link: true },
        },
      }),
      'apps/api/package.json': manifest({
        name: 'api',
        version: '1.0.0',
        scripts: { start: 'node server.js' },
        dependencies: { words: '*' },
      }),
      'apps/api/server.js': nodeServer('x').replace("'x on '", "require('words') + ' on '"),
      'packages/words/package.json': manifest({ name: 'words', version: '1.0.0', main: 'index.js' }),
      'packages/words/index.js': "module.exports = 'kata bersama';\n",
    },
    expect: [
      { runtime: 'node', rootDir: 'apps/api', install: ['cd ../.. && npm ci --include=dev'], start: 'npm start' },
    ],
    visits: { 'mono-npm': { path: '/', sees: /^kata bersama on / } },
  },
  {
    name: 'mono-pnpm-turbo',
    files: {
      'package.json': manifest({
        private: true,
        packageManager: 'pnpm@8.9.0',
        scripts: { build: 'turbo run build', dev: 'turbo run dev' },
        devDependencies: { turbo: 'latest' },
      }),
      'pnpm-workspace.yaml': 'packages:\n  - "apps/*"\n  - "packages/*"\n',
      'pnpm-lock.yaml': "lockfileVersion: '6.0'\n",
      'turbo.json': '{}',
      'apps/web/package.json': manifest({
        name: 'web',
        scripts: { build: 'next build', start: 'next start' },
        dependencies: { next: '14' },
      }),
      'packages/ui/package.json': manifest({ name: 'ui' }),
    },
    expect: [
      {
        runtime: 'node',
        rootDir: 'apps/web',
        install: ['cd ../.. && pnpm install --frozen-lockfile --prod=false'],
        build: ['pnpm run build'],
        start: 'pnpm start',
        needs: ['pnpm 8.9.0'],
      },
    ],
  },
  {
    name: 'mono-yarn-two-apps',
    files: {
      'package.json': manifest({ private: true, workspaces: { packages: ['services/*'] } }),
      'yarn.lock': '# yarn lockfile v1\n',
      'services/api/package.json': manifest({ name: 'api', scripts: { start: 'node .' } }),
      'services/jobs/package.json': manifest({ name: 'jobs', scripts: { start: 'node .' } }),
    },
    expect: {
      code: 'nothing_to_deploy',
      words: [/package\.json was found, but it does not say how to start/, /kapal\.yaml/],
    },
  },
  {
    name: 'mono-declared',
    files: {
      'kapal.yaml':
        'services:\n  - {type: web, name: depan, rootDir: web}\n  - {type: web, name: belakang, rootDir: api}\n  - {type: static, name: halaman, rootDir: pages}\n',
      'web/package.json': manifest({ name: 'web', scripts: { start: 'node server.js' } }),
      'web/server.js': nodeServer('depan'),
      'api/go.mod': 'module example.com/api\n\ngo 1.19\n',
      'api/main.go': goServer('belakang'),
      'pages/index.html': 'halaman',
    },
    expect: [
      { name: 'depan', runtime: 'node', rootDir: 'web', start: 'npm start' },
      {
        name: 'belakang',
        runtime: 'go',
        rootDir: 'api',
        build: ['command -v "${CC:-gcc}" >/dev/null || export CGO_ENABLED=0; go build -trimpath -o ./bin/api .'],
        start: './bin/api',
        needs: ['go 1.19 or later (the go line of api/go.mod) (golang-go)'],
      },
      { name: 'halaman', type: 'static', runtime: 'static', rootDir: 'pages', publishPath: '.' },
    ],
    visits: {
      depan: { path: '/', sees: /^depan on / },
      belakang: { path: '/y', sees: /^belakang at \/y$/ },
      halaman: { path: '/', sees: /^halaman$/ },
    },
  },
  {
    name: 'mono-render-blueprint',
    files: {
      'render.yaml': `services:
  - type: web
    name: toko
    runtime: node
    rootDir: server
    buildCommand: npm install
    startCommand: node index.js
  - type: worker
    name: surat
    runtime: node
    rootDir: server
    startCommand: node mail.js
`,
      'server/package.json': manifest({ name: 'server' }),
      'server/index.js': nodeServer('toko'),
      'server/mail.js': 'setInterval(() => {}, 1e9);\n',
    },
    expect: [
      { name: 'toko', runtime: 'node', rootDir: 'server', build: ['npm install'], start: 'node index.js' },
      { name: 'surat', type: 'worker', runtime: 'node', rootDir: 'server', start: 'node mail.js' },
    ],
    visits: { toko: { path: '/', sees: /^toko on / } },
  },
];

/** What is not built, and is told what it is. */
export const images: readonly CorpusProject[] = [
  {
    name: 'image-alone',
    files: { Dockerfile: 'FROM nginx\n', 'nginx.conf': '' },
    expect: { code: 'nothing_to_deploy', words: [/found Dockerfile, which this version of Kapal does not build/] },
  },
  {
    name: 'image-beside-node',
    files: {
      Dockerfile: 'FROM node:20\n',
      '.dockerignore': '',
      'package.json': manifest({ scripts: { start: 'node server.js' } }),
      'server.js': nodeServer('kotak'),
    },
    expect: [{ runtime: 'node', start: 'npm start' }],
    visits: { 'image-beside-node': { path: '/', sees: /^kotak on / } },
  },
  {
    name: 'compose-alone',
    files: { 'docker-compose.yml': 'services: {}\n' },
    expect: { code: 'nothing_to_deploy', words: [/found docker-compose\.yml/] },
  },
];

export const nothing: readonly CorpusProject[] = [
  {
    name: 'readme-only',
    files: { 'README.md': '# Soon' },
    expect: {
      code: 'nothing_to_deploy',
      words: [/the source has none of the files that tell what to run/, /kapal\.yaml/],
    },
  },
  {
    name: 'elixir-phoenix',
    files: { 'mix.exs': '', 'assets/package.json': '{}' },
    expect: { code: 'nothing_to_deploy', words: [/mix\.exs \(Elixir\)/] },
  },
];
