import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorPage } from '../../../src/edge/embedded/pages.ts';

test('a page in both languages with the request id and nothing from elsewhere', () => {
  for (const status of [404, 502, 503, 504]) {
    const { contentType, body } = errorPage(status, { accept: 'text/html', id: 'req-1<' });
    const text = body.toString();
    assert.equal(contentType, 'text/html; charset=utf-8');
    assert.match(text, /lang="en"/);
    assert.match(text, /<p lang="id">/);
    assert.match(text, /req-1&#60;/);
    assert.match(text, new RegExp(`${status} &middot;`));
    assert.doesNotMatch(text, /https?:|src=|@import|kapal|node/i);
    assert.ok(body.length < 2000);
  }
});

test('JSON for who asks for it and not for HTML', () => {
  const page = (accept: string | null) => errorPage(503, { accept, id: 'r' }).contentType;
  assert.match(page('application/json'), /json/);
  assert.match(page('application/problem+json, */*'), /json/);
  assert.match(page('text/html, application/json'), /html/);
  assert.match(page('*/*'), /html/);
  assert.match(page(null), /html/);
  const { body } = errorPage(503, { accept: 'application/json', id: 'r' });
  assert.deepEqual(Object.keys((JSON.parse(body.toString()) as { error: object }).error), [
    'status',
    'message',
    'requestId',
  ]);
});

test('a status without a page of its own takes the nearest', () => {
  assert.match(errorPage(418, { accept: null, id: '' }).body.toString(), /could not be understood/);
  assert.match(errorPage(505, { accept: null, id: '' }).body.toString(), /could not answer/);
});
