import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filePath, routedPath } from '../../../src/edge/embedded/http/path.ts';
import { forwardedFieldsOf, routedHost } from '../../../src/edge/embedded/plane/forwarded.ts';

test('routes look at the resolved path, however it is spelled', () => {
  const spelled: readonly (readonly [string, string | null])[] = [
    ['/', '/'],
    ['/a/b', '/a/b'],
    ['/a/b/', '/a/b/'],
    ['//a///b', '/a/b'],
    ['/a/./b', '/a/b'],
    ['/a/../b', '/b'],
    ['/a/..', '/'],
    ['/a/b/..', '/a/'],
    ['/%61dmin', '/admin'],
    ['/x/%2e%2e/admin', '/admin'],
    ['/x/%2E./admin', '/admin'],
    ['/group%2Fname', '/group%2Fname'],
    ['/a%2F..%2fb', '/a%2F..%2fb'],
    ['/caf%C3%A9', '/café'],
    ['/100%25', '/100%'],
    ['/%252e%252e/a', '/%2e%2e/a'],
    ['/a\\b', '/a\\b'],
    ['/..', null],
    ['/a/../../b', null],
    ['/%2e%2e/a', null],
    ['/a%00', null],
    ['/100%', null],
    ['/%zz', null],
    ['/%4', null],
  ];
  for (const [raw, path] of spelled) assert.equal(routedPath(raw), path, raw);
});

test('files are asked for by a path that has one meaning', () => {
  assert.equal(filePath('/a%20b/caf%C3%A9.txt'), '/a b/café.txt');
  assert.equal(filePath('/a/../b'), '/b');
  for (const raw of [
    '/../etc/passwd',
    '/%2e%2e/etc/passwd',
    '/a%2fb',
    '/a%5Cb',
    '/a\\b',
    '/a%00b',
    '/%ff',
    '/%',
    '/a/../..',
  ]) {
    assert.equal(filePath(raw), null, raw);
  }
});

test('hosts are routed by name alone', () => {
  const names: readonly (readonly [string, string])[] = [
    ['A.Test', 'a.test'],
    ['a.test:8080', 'a.test'],
    ['a.test.', 'a.test'],
    ['a.test.:80', 'a.test'],
    ['[::1]', '[::1]'],
    ['[::1]:80', '[::1]'],
    ['', ''],
  ];
  for (const [host, name] of names) assert.equal(routedHost(host), name, host);
});

test('forwarding fields', () => {
  assert.equal(
    forwardedFieldsOf({ remote: '10.0.0.7', scheme: 'http', host: 'a.test:8080' }),
    'X-Forwarded-For: 10.0.0.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a.test:8080\r\nX-Forwarded-Port: 8080\r\n' +
      'X-Real-IP: 10.0.0.7\r\nForwarded: for=10.0.0.7;host="a.test:8080";proto=http\r\n',
  );
  assert.match(
    forwardedFieldsOf({ remote: '::1', scheme: 'https', host: '[::1]' }),
    /Port: 443\r\n.*for="\[::1\]";host="\[::1\]";proto=https\r\n$/s,
  );
});
