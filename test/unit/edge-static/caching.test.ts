import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheControlOf, contentTypeOf } from '../../../src/edge/embedded/content-types.ts';

test('names that change with their content are kept for a year', () => {
  const names = [
    '/main.3f2a1b9c.js',
    '/css/app-3f2a1b9c0d1e2f3a.chunk.css',
    '/assets/index-B3kx9aQz.js',
    '/assets/index-B3kx9aQz.js.map',
    '/_astro/page.C4x_9-Qz.css',
    '/_next/static/chunks/webpack.js',
    '/_app/immutable/nodes/0.Dz.js',
  ];
  for (const name of names) assert.match(cacheControlOf(name), /immutable/, name);
});

test('dates, versions, words and pages are not', () => {
  const names = [
    '/index.html',
    '/main.3f2a1b9c.html',
    '/report-20250131.pdf',
    '/photo.20250131.jpg',
    '/jquery-3.6.0.min.js',
    '/app-settings.js',
    '/assets/app-settings.js',
    '/assets/app-MyWidget.js',
    '/assets/app-Version2.js',
    '/facade-defaced.js',
    '/3f2a1b9c/app.js',
    '/app.js',
  ];
  for (const name of names) assert.equal(cacheControlOf(name), 'no-cache', name);
});

test('content types go by the extension in any case', () => {
  assert.equal(contentTypeOf('/A.PNG'), 'image/png');
  assert.equal(contentTypeOf('/site.webmanifest'), 'application/manifest+json');
  assert.equal(contentTypeOf('/no-extension'), 'application/octet-stream');
  assert.equal(contentTypeOf('/x.unheard'), 'application/octet-stream');
});
