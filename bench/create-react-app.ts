import { readdir } from 'node:fs/promises';
import { onStage } from './stage.ts';

/**
 * A Create React App of 2020 (react-scripts 3.4.1, webpack 4, 1,900 packages) as its generator left it, with a warning of its linter, deployed with
 * no file added: built by a Node with OpenSSL 1.1, served as the site that it is. Takes minutes and 300 MB of downloads, so it is no test.
 *
 *   scripts/node24 bench/create-react-app.ts
 *
 * Figure: the page, its script and a route of the browser answer.
 */
const files = {
  'package.json': JSON.stringify({
    name: 'toko',
    version: '0.1.0',
    private: true,
    dependencies: {
      '@testing-library/jest-dom': '^4.2.4',
      '@testing-library/react': '^9.3.2',
      '@testing-library/user-event': '^7.1.2',
      react: '^16.13.1',
      'react-dom': '^16.13.1',
      'react-scripts': '3.4.1',
    },
    scripts: {
      start: 'react-scripts start',
      build: 'react-scripts build',
      test: 'react-scripts test',
      eject: 'react-scripts eject',
    },
    eslintConfig: { extends: 'react-app' },
    browserslist: { production: ['>0.2%', 'not dead', 'not op_mini all'], development: ['last 1 chrome version'] },
  }),
  'public/index.html': '<!DOCTYPE html><html lang="en"><title>Toko</title><div id="root"></div></html>',
  'src/index.js': `import React from 'react';
import ReactDOM from 'react-dom';
const unused = 1;
ReactDOM.render(<h1>Selamat datang</h1>, document.getElementById('root'));
`,
};

await onStage(async (kapal, figures) => {
  await kapal.up();
  const folder = await kapal.project('toko', files);
  const [service] = (await kapal.deploy(folder)).services;
  const log = (await kapal.run('logs', 'toko')).stdout;
  const page = await kapal.visit('toko.localhost');
  const script = /src="(\/static\/js\/main[^"]+)"/.exec(page.body)?.[1] ?? '/nowhere';
  const route = await kapal.visit('toko.localhost', '/basket/7', { headers: { accept: 'text/html' } });
  const holds = {
    'the warning is in the log, and fails nothing': /Compiled with warnings[^]*'unused' is assigned/.test(log),
    'the page answers': page.status === 200 && page.body.includes('<title>Toko</title>'),
    'its script holds the text': (await kapal.visit('toko.localhost', script)).body.includes('Selamat datang'),
    'a route of the browser is the page': route.status === 200 && route.body === page.body,
    'nothing runs': (await kapal.service('toko')).instances.length === 0,
    'nothing is written into the folder of the user': !(await readdir(folder)).includes('node_modules'),
  };
  console.log(`built in ${Math.round((service?.milliseconds.build ?? 0) / 1000)} s`);
  for (const [what, is] of Object.entries(holds)) figures.holds(what, { wanted: 'so', is });
});
