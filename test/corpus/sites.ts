import { type CorpusProject, manifest } from './shape.ts';

const ci = 'npm ci --include=dev';
const build = 'npm run build';

/** A build by a framework, whose output is served. */
function site(
  name: string,
  pack: object,
  expected: {
    readonly publishPath: string;
    readonly needs?: readonly string[];
    readonly files?: Readonly<Record<string, string>>;
  },
): CorpusProject {
  const { publishPath, needs = [], files = {} } = expected;
  return {
    name,
    files: { 'package.json': manifest(pack), 'package-lock.json': '{}', ...files },
    expect: [{ type: 'static', runtime: 'static', install: [ci], build: [build], publishPath, needs }],
  };
}

const frameworks: readonly CorpusProject[] = [
  site(
    'site-react-scripts-of-2020',
    {
      scripts: {
        start: 'react-scripts start',
        build: 'react-scripts build',
        test: 'react-scripts test',
        eject: 'react-scripts eject',
      },
      dependencies: { react: '^16.13.1', 'react-dom': '^16.13.1', 'react-scripts': '3.4.1' },
    },
    {
      publishPath: 'build',
      needs: ['Node 16 (react-scripts 3.4.1 of package.json, which needs OpenSSL 1.1)'],
      files: { 'public/index.html': '' },
    },
  ),
  site(
    'site-vite',
    {
      scripts: { dev: 'vite', build: 'tsc && vite build', preview: 'vite preview' },
      devDependencies: { vite: '^5.0.8', typescript: '^5' },
    },
    { publishPath: 'dist', files: { 'index.html': '' } },
  ),
  site(
    'site-astro',
    {
      scripts: { dev: 'astro dev', start: 'astro dev', build: 'astro build', preview: 'astro preview' },
      dependencies: { astro: '^4.0.0' },
    },
    { publishPath: 'dist', files: { 'astro.config.mjs': 'export default {};\n' } },
  ),
  site(
    'site-gatsby',
    {
      scripts: { develop: 'gatsby develop', start: 'gatsby develop', build: 'gatsby build' },
      dependencies: { gatsby: '^5.13.0', react: '18' },
    },
    { publishPath: 'public' },
  ),
  site(
    'site-docusaurus',
    {
      scripts: { start: 'docusaurus start', build: 'docusaurus build', serve: 'docusaurus serve' },
      dependencies: { '@docusaurus/core': '3.0.1' },
      engines: { node: '>=18.0' },
    },
    { publishPath: 'build', needs: ['Node >=18.0 (engines.node of package.json)'] },
  ),
  site(
    'site-eleventy',
    { scripts: { start: 'eleventy --serve', build: 'eleventy' }, devDependencies: { '@11ty/eleventy': '^2.0.1' } },
    { publishPath: '_site' },
  ),
  site(
    'site-vue-cli',
    {
      scripts: { serve: 'vue-cli-service serve', build: 'vue-cli-service build' },
      dependencies: { vue: '^3.2.13' },
      devDependencies: { '@vue/cli-service': '~5.0.0' },
    },
    { publishPath: 'dist' },
  ),
  site(
    'site-angular',
    {
      name: 'etalase',
      scripts: { ng: 'ng', start: 'ng serve', build: 'ng build', watch: 'ng build --watch' },
      dependencies: { '@angular/core': '^17.0.0' },
      devDependencies: { '@angular/cli': '^17.0.0', '@angular-devkit/build-angular': '^17.0.0' },
    },
    {
      publishPath: 'dist/etalase/browser',
      files: {
        'angular.json': manifest({
          projects: {
            etalase: {
              architect: {
                build: {
                  builder: '@angular-devkit/build-angular:application',
                  options: { outputPath: 'dist/etalase' },
                },
              },
            },
          },
        }),
      },
    },
  ),
  site(
    'site-next-export',
    { scripts: { dev: 'next dev', build: 'next build', start: 'next start' }, dependencies: { next: '14' } },
    { publishPath: 'out', files: { 'next.config.mjs': "export default { output: 'export' };\n" } },
  ),
];

const asTheyAre: readonly CorpusProject[] = [
  {
    name: 'site-plain',
    files: { 'index.html': '<h1>Halo</h1>', 'style.css': '', 'img/logo.svg': '<svg/>' },
    expect: [{ type: 'static', runtime: 'static', publishPath: '.' }],
    visits: { 'site-plain': { path: '/', sees: /^<h1>Halo<\/h1>$/ } },
  },
  {
    name: 'site-in-public',
    files: { 'public/index.html': '<h1>Umum</h1>', 'README.md': '', Makefile: '' },
    expect: [{ type: 'static', runtime: 'static', publishPath: 'public' }],
    visits: { 'site-in-public': { path: '/', sees: /Umum/ } },
  },
  {
    name: 'site-of-a-script',
    files: {
      'kapal.yaml':
        'services:\n  - type: static\n    name: site-of-a-script\n    buildCommand: npm run build\n    staticPublishPath: keluar\n',
      'package.json': manifest({ scripts: { build: 'node build.js' } }),
      'build.js':
        "const fs = require('node:fs');\nfs.mkdirSync('keluar');\nfs.writeFileSync('keluar/index.html', 'hasil');\n",
    },
    expect: [{ type: 'static', runtime: 'static', build: ['npm run build'], publishPath: 'keluar' }],
    visits: { 'site-of-a-script': { path: '/', sees: /^hasil$/ } },
  },
  {
    name: 'site-twice',
    files: { 'public/index.html': '', 'docs/index.html': '' },
    expect: {
      code: 'nothing_to_deploy',
      words: [/several folders have an index\.html: public, docs/, /staticPublishPath/],
    },
  },
];

export const sites: readonly CorpusProject[] = [...frameworks, ...asTheyAre];
