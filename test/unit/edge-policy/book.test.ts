import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeTable } from '../../../src/edge/describe-table.ts';
import { PolicyBook } from '../../../src/edge/embedded/policy/compiled.ts';
import { Derivations } from '../../../src/edge/embedded/policy/passwords.ts';
import type { Policy } from '../../../src/edge/policy.ts';

const guarded: Policy = {
  id: 'guarded',
  trustedProxies: ['10.0.0.0/8'],
  maintenance: { retryAfter: 60 },
  allow: ['192.0.2.0/24'],
  deny: ['192.0.2.7/32'],
  rateLimits: [{ requestsPerSecond: 5, burst: 10, key: { kind: 'header', name: 'x-key' } }],
  connectionLimit: { connections: 4, key: { kind: 'ip' } },
  basicAuth: {
    realm: 'staff',
    users: [{ name: 'ann', salt: '5a17'.repeat(4), iterations: 1, digest: 'd16e57'.padEnd(64, '0') }],
  },
  rules: [
    { kind: 'redirect', source: '/a', destination: '/b', status: 301 },
    { kind: 'rewrite', source: '/c', destination: '/d' },
  ],
  requestHeaders: [{ name: 'x-upstream-token', value: 'hidden-value' }],
  responseHeaders: [{ name: 'server', value: null, path: '/x/*' }],
  gzip: true,
};

test('a policy that has not changed keeps its compiled form', () => {
  const book = new PolicyBook(new Derivations());
  book.apply([guarded, { id: 'other', gzip: true }]);
  const before = book.find('guarded');
  assert.ok(book.limited);
  book.apply([structuredClone(guarded)]);
  assert.equal(book.find('guarded'), before);
  book.apply([{ ...guarded, gzip: true, maintenance: { retryAfter: 61 } }]);
  assert.notEqual(book.find('guarded'), before);
  book.apply([{ id: 'other', gzip: true }]);
  assert.ok(!book.limited);
});

test('one that is damaged or missing keeps everybody out', () => {
  const book = new PolicyBook(new Derivations());
  book.apply([{ id: 'damaged', allow: ['not a network'] }]);
  assert.equal(book.find('damaged')?.retryAfter, 60);
  assert.equal(book.find('missing')?.retryAfter, 60);
  assert.equal(book.find(undefined), null);
});

test('the text for people tells all of a policy but its secrets', () => {
  const route = {
    host: 'a.test',
    path: '/',
    pool: 'p',
    policy: 'guarded',
    redirectToHttps: true,
    hsts: 60,
    stripPath: true,
  } as const;
  const pool = { kind: 'static', id: 'p', service: 's', root: '/srv', fallback: null } as const;
  const text = describeTable({ version: 1, routes: [route], pools: [pool], streams: [], policies: [guarded] });
  assert.match(
    text,
    /a\.test\/ -> p \(plain HTTP is led to HTTPS, HSTS for 60 s, the path is taken off, under policy guarded\)/,
  );
  const lines = [
    '  guarded',
    '    believes proxies in 10.0.0.0/8',
    '    closed for maintenance, to be tried again after 60 s',
    '    keeps out 192.0.2.7/32',
    '    lets in only 192.0.2.0/24',
    '    5 requests/s, 10 at once, of one value of x-key, or one address',
    '    4 connections at once, of one address',
    '    asks for a password of ann (realm staff)',
    '    redirects /a to /b (301)',
    '    asks for /d in place of /c',
    '    request header x-upstream-token: set',
    '    response header server: removed at /x/*',
    '    compresses text',
  ];
  assert.ok(text.includes(lines.join('\n')), text);
  for (const secret of ['5a17', 'd16e57', 'hidden-value']) assert.ok(!text.includes(secret), secret);
});
