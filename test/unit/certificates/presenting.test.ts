import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { covers, domainText, readDomain } from '../../../src/model/domains.ts';
import { presentation } from '../../../src/reconcile/certificate-presenting.ts';
import { transportOf } from '../../../src/reconcile/transport.ts';
import type { CertificateRow } from '../../../src/state/records.ts';

function row(host: string, change: Partial<CertificateRow> = {}): CertificateRow {
  return {
    host,
    source: 'acme',
    digest: host,
    authority: null,
    chain: '',
    sealedKey: '',
    names: [host],
    issuer: '',
    notBefore: 0,
    notAfter: 100,
    trusted: true,
    superseded: false,
    warnedAt: null,
    ...change,
  };
}

function shown(
  rows: readonly CertificateRow[],
  hosts: readonly string[],
): readonly (readonly [string, readonly string[]])[] {
  return presentation(rows, hosts).map((one) => [one.row.host, one.names] as const);
}

describe('presentation', () => {
  test('each for its own host; none for hosts that are gone', () => {
    assert.deepEqual(shown([row('a.b'), row('c.d')], ['a.b']), [['a.b', ['a.b']]]);
  });

  test('hosts without one share what covers them, the one that lives longest', () => {
    const rows = [
      row('*.example.com'),
      row('x.example.com', { names: ['x.example.com', 'y.example.com'], notAfter: 200 }),
    ];
    assert.deepEqual(shown(rows, ['x.example.com', 'y.example.com', 'z.example.com']), [
      ['x.example.com', ['x.example.com', 'y.example.com']],
      ['*.example.com', ['z.example.com']],
    ]);
  });
});

describe('covers', () => {
  for (const [name, host, expected] of [
    ['a.b', 'a.b', true],
    ['*.b', 'a.b', true],
    ['*.b', 'b', false],
    ['*.b', 'x.a.b', false],
    ['*.b', '*.b', true],
    ['*.b', '*.a.b', false],
    ['a.b', '*.b', false],
  ] as const) {
    test(`${name} ${expected ? 'covers' : 'does not cover'} ${host}`, () => assert.equal(covers(name, host), expected));
  }
});

describe('transportOf', () => {
  const trusted = { https: true, trusted: true };
  const year = 31_536_000;
  for (const [what, host, trust, declared, expected] of [
    ['a trusted name', 'a.b', trusted, undefined, { redirectToHttps: true, hsts: year }],
    ['one without a trusted certificate', 'a.b', { https: true, trusted: false }, undefined, {}],
    ['localhost', 'a.localhost', trusted, { redirect: 'always', hsts: 5 }, {}],
    ['no HTTPS', 'a.b', { https: false, trusted: true }, { redirect: 'always' }, {}],
    ['always', 'a.b', { https: true, trusted: false }, { redirect: 'always', hsts: 5 }, { redirectToHttps: true }],
    ['never', 'a.b', trusted, { redirect: 'never' }, {}],
    ['never, but HSTS declared', 'a.b', trusted, { redirect: 'never', hsts: 5 }, { hsts: 5 }],
    ['HSTS off', 'a.b', trusted, { redirect: 'auto', hsts: 0 }, { redirectToHttps: true }],
  ] as const) {
    test(what, () => assert.deepEqual(transportOf(host, trust, declared), expected));
  }
});

describe('domains as text', () => {
  for (const [text, host, path] of [
    ['Example.com', 'example.com', '/'],
    ['example.com.', 'example.com', '/'],
    ['example.com/', 'example.com', '/'],
    ['example.com/api/', 'example.com', '/api'],
    ['*.example.com/a/b', '*.example.com', '/a/b'],
  ] as const) {
    test(text, () => assert.deepEqual(readDomain(text), { host, path }));
  }
  for (const text of [
    '',
    '/api',
    'a b',
    'https://a.b',
    'a.b:80',
    'a.b//c',
    'a.b/../c',
    'a.b/%2e',
    'a.b/c?d',
    'a.b/./c',
    'a.b/é',
  ]) {
    test(`${JSON.stringify(text)} is none`, () => assert.equal(readDomain(text), null));
  }
  test('is written as it is read', () => assert.equal(domainText({ host: 'a.b', path: '/c' }), 'a.b/c'));
});
