import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RequestHead } from '../../../src/edge/embedded/http/request-head.ts';
import { byByte, cut, readRequests } from './reading.ts';

const host = 'Host: a.test\r\n';

function only(bytes: string): { head: RequestHead; body: string } {
  const whole = readRequests(cut(bytes));
  assert.equal(whole.refused, null);
  assert.equal(whole.messages.length, 1);
  assert.deepEqual(readRequests(byByte(bytes)), whole, 'byte by byte');
  const [message] = whole.messages;
  assert.ok(message);
  return message;
}

const headOf = (lines: string, requestLine = 'GET / HTTP/1.1'): RequestHead =>
  only(`${requestLine}\r\n${host}${lines}\r\n`).head;

/** Every accepted spelling has one form in which it is forwarded: field lines as sent, field lines as forwarded. */
const forms: readonly (readonly [name: string, sent: string, forwarded: string])[] = [
  ['a plain field', 'X: a\r\n', 'X: a\r\n'],
  ['no space after the colon', 'X:a\r\n', 'X: a\r\n'],
  ['several spaces after the colon', 'X:   a\r\n', 'X: a\r\n'],
  ['tabs around a value', 'X:\t a \t\r\n', 'X: a\r\n'],
  ['a space after a value', 'X: a \r\n', 'X: a\r\n'],
  ['an empty value', 'X:\r\n', 'X: \r\n'],
  ['spaces inside a value', 'X: a  b\tc\r\n', 'X: a  b\tc\r\n'],
  ['a colon inside a value', 'X: a:b\r\n', 'X: a:b\r\n'],
  ['text outside ASCII in a value', 'X: caf\xe9\r\n', 'X: caf\xe9\r\n'],
  ['odd but legal names', "!#$%&'*+-.^`|~: a\r\n", "!#$%&'*+-.^`|~: a\r\n"],
  ['the case of a name', 'x-UPPER: a\r\n', 'x-UPPER: a\r\n'],
  ['several fields of one name', 'X: a\r\nY: b\r\nX: c\r\n', 'X: a\r\nY: b\r\nX: c\r\n'],
  ['cookies', 'Cookie: a=1\r\nCookie: b=2\r\n', 'Cookie: a=1\r\nCookie: b=2\r\n'],
  ['an underscore in a name', 'X_Real_IP: 6.6.6.6\r\nX: a\r\n', 'X: a\r\n'],
  ['an underscore in a known name', 'Content_Length: 5\r\nX: a\r\n', 'X: a\r\n'],
  ['keep-alive', 'Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nX: a\r\n', 'X: a\r\n'],
  ['a named field', 'Connection: close, X-Hop\r\nX-Hop: 1\r\nX: a\r\n', 'X: a\r\n'],
  ['a named field in other case', 'connection: x-HOP\r\nX-Hop: 1\r\nX: a\r\n', 'X: a\r\n'],
  ['named fields of two lines', 'Connection: a\r\nConnection: b\r\nA: 1\r\nB: 2\r\nC: 3\r\n', 'C: 3\r\n'],
  ['empty elements in Connection', 'Connection: , a ,,\r\nA: 1\r\nB: 2\r\n', 'B: 2\r\n'],
  [
    'all hop-by-hop fields',
    'TE: trailers\r\nTrailer: X\r\nProxy-Connection: close\r\nProxy-Authorization: x\r\nProxy: http://evil\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nX: a\r\n',
    'X: a\r\n',
  ],
  [
    'forwarding from outside',
    'X-Forwarded-For: 6.6.6.6\r\nx-forwarded-proto: https\r\nX-FORWARDED-HOST: evil\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Anything: x\r\nX-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX: a\r\n',
    'X: a\r\n',
  ],
  [
    'names like those of forwarding',
    'X-Forwarded: a\r\nForwarded-For: b\r\nX-Real-IP2: c\r\n',
    'X-Forwarded: a\r\nForwarded-For: b\r\nX-Real-IP2: c\r\n',
  ],
  ['a request id of its own field', 'X-Request-Id: abcdefgh\r\nX: a\r\n', 'X: a\r\n'],
  ['a run, a gap and a run', 'A: 1\r\nB: 2\r\nTE: x\r\nC: 3\r\nD: 4\r\n', 'A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n'],
  ['a run, a line to be rewritten and a run', 'A: 1\r\nB:2\r\nC: 3\r\n', 'A: 1\r\nB: 2\r\nC: 3\r\n'],
];

describe('the one form of fields', () => {
  for (const [name, sent, forwarded] of forms) test(name, () => assert.equal(headOf(sent).fields, forwarded));
});

const targets: readonly (readonly [sent: string, target: string, path: string, unusual: boolean])[] = [
  ['/', '/', '/', false],
  ['/a/b?c=d', '/a/b?c=d', '/a/b', false],
  ['/?', '/?', '/', false],
  ['/a?b?c', '/a?b?c', '/a', false],
  ['/a?b=//../%2e', '/a?b=//../%2e', '/a', false],
  ['/a%20b', '/a%20b', '/a%20b', true],
  ['//a', '//a', '//a', true],
  ['/../a', '/../a', '/../a', true],
  ['/a/.', '/a/.', '/a/.', true],
  ['/.well-known/x', '/.well-known/x', '/.well-known/x', true],
  ['/a\\b', '/a\\b', '/a\\b', true],
  ["/!$&'()*+,;=:@-._~", "/!$&'()*+,;=:@-._~", "/!$&'()*+,;=:@-._~", false],
  ['/{}|^"<>[]`', '/{}|^"<>[]`', '/{}|^"<>[]`', false],
  ['http://a.test', '/', '/', false],
  ['http://a.test/', '/', '/', false],
  ['HTTP://A.TEST/x?y', '/x?y', '/x', false],
  ['http://a.test?x', '/?x', '/', false],
  ['https://a.test/x/../y', '/x/../y', '/x/../y', true],
];

describe('targets', () => {
  for (const [sent, target, path, unusual] of targets) {
    test(sent, () => {
      const head = headOf('', `GET ${sent} HTTP/1.1`);
      assert.equal(head.target, target);
      assert.equal(head.target.slice(0, head.pathLength), path);
      assert.equal(head.unusualPath, unusual);
    });
  }

  test('OPTIONS of the whole server', () => {
    assert.equal(headOf('', 'OPTIONS * HTTP/1.1').target, '*');
    assert.equal(headOf('', 'OPTIONS http://a.test HTTP/1.1').target, '*');
    assert.equal(headOf('', 'OPTIONS /x HTTP/1.1').target, '/x');
  });

  test('an absolute form gives HTTP/1.0 its host', () => {
    const { head } = only('GET http://b.test:81/x HTTP/1.0\r\n\r\n');
    assert.deepEqual([head.host, head.target, head.minor], ['b.test:81', '/x', 0]);
  });
});

test('hosts are taken as they are sent', () => {
  for (const name of [
    'a.test',
    'A.Test',
    'a.test:8080',
    'a.test.',
    'localhost',
    '127.0.0.1:1',
    '[::1]',
    '[::1]:65535',
    'a_b.test',
    'xn--caf-dma.test',
    'a',
  ]) {
    assert.equal(only(`GET / HTTP/1.1\r\nHost: ${name}\r\n\r\n`).head.host, name);
  }
  assert.equal(only('GET / HTTP/1.0\r\n\r\n').head.host, '');
});

test('persistence is that of the version unless Connection says otherwise', () => {
  const keeps = (version: string, connection: string): boolean => headOf(connection, `GET / HTTP/${version}`).keepAlive;
  assert.equal(keeps('1.1', ''), true);
  assert.equal(keeps('1.1', 'Connection: close\r\n'), false);
  assert.equal(keeps('1.1', 'Connection: Close\r\n'), false);
  assert.equal(keeps('1.1', 'Connection: keep-alive, close\r\n'), false);
  assert.equal(keeps('1.1', 'Connection: keep-alive\r\nConnection: close\r\n'), false);
  assert.equal(keeps('1.0', ''), false);
  assert.equal(keeps('1.0', 'Connection: Keep-Alive\r\n'), true);
  assert.equal(keeps('1.0', 'Connection: keep-alive, close\r\n'), false);
});

test('bodies', () => {
  const post = (lines: string, body: string): string => only(`POST / HTTP/1.1\r\n${host}${lines}\r\n${body}`).body;
  assert.equal(post('Content-Length: 5\r\n', 'hello'), 'hello');
  assert.equal(post('content-length:5\r\n', 'hello'), 'hello');
  assert.equal(post('Content-Length: 005\r\n', 'hello'), 'hello');
  assert.equal(post('Content-Length: 0\r\n', ''), '');
  assert.equal(post('', ''), '');
  const chunked = (body: string): string => post('Transfer-Encoding: chunked\r\n', body);
  assert.equal(chunked('5\r\nhello\r\n0\r\n\r\n'), 'hello');
  assert.equal(chunked('2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n'), 'hello');
  assert.equal(chunked('A\r\n0123456789\r\n0\r\n\r\n'), '0123456789');
  assert.equal(chunked('a\r\n0123456789\r\n00\r\n\r\n'), '0123456789');
  assert.equal(chunked('0000000000005\r\nhello\r\n0\r\n\r\n'), 'hello');
  assert.equal(chunked('5;a=b;c="d e"\r\nhello\r\n0;x\r\n\r\n'), 'hello');
  assert.equal(chunked('5\r\nhello\r\n0\r\nX: a\r\nY:\r\n\r\n'), 'hello');
  assert.equal(post('Transfer-Encoding: CHUNKED\r\n', '0\r\n\r\n'), '');
  assert.equal(post('Transfer-Encoding:\tchunked \r\n', '0\r\n\r\n'), '');
});

test('expectations', () => {
  assert.equal(
    only(`POST / HTTP/1.1\r\n${host}Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx`).head.expectContinue,
    true,
  );
  assert.equal(headOf('Expect: 100-continue\r\n').expectContinue, false, 'without a body there is nothing to wait for');
  assert.equal(headOf('Expect: 100-continue\r\n', 'GET / HTTP/1.0').expectContinue, false);
  assert.equal(headOf('Expect: whatever\r\n', 'GET / HTTP/1.0').expectContinue, false);
});

test('upgrades', () => {
  const upgrade = (lines: string, requestLine?: string): string | null => headOf(lines, requestLine).upgrade;
  const asks = 'Connection: keep-alive, Upgrade\r\n';
  assert.equal(upgrade(`${asks}Upgrade: websocket\r\n`), 'websocket');
  assert.equal(upgrade(`${asks}Upgrade: WebSocket\r\n`), 'WebSocket');
  assert.equal(upgrade('Upgrade: websocket\r\n'), null, 'Connection has to say so');
  assert.equal(upgrade(asks), null);
  assert.equal(upgrade(`${asks}Upgrade: websocket\r\n`, 'GET / HTTP/1.0'), null);
  const { head } = only(`GET / HTTP/1.1\r\n${host}${asks}Upgrade: websocket\r\nContent-Length: 1\r\n\r\nx`);
  assert.equal(head.upgrade, null, 'a body would be taken for the new protocol');
  for (const hidden of ['h2c', 'H2C', 'h2', 'HTTP/2.0', 'TLS/1.0', 'websocket, h2c', 'h2c, websocket', '']) {
    assert.equal(upgrade(`${asks}Upgrade: ${hidden}\r\n`), null, hidden);
  }
});

test('request ids from outside are kept only when well-formed', () => {
  const id = (value: string): string | null => headOf(`X-Request-Id: ${value}\r\n`).requestId;
  assert.equal(id('abcDEF-0123'), 'abcDEF-0123');
  assert.equal(id('a'.repeat(64)), 'a'.repeat(64));
  for (const bad of ['short', 'a'.repeat(65), 'has space1', 'semi;colon', 'under_score', ''])
    assert.equal(id(bad), null, bad);
});

test('what the access log and error pages read', () => {
  const head = headOf('User-Agent: x/1\r\nReferer: http://b/\r\nAccept: text/html\r\nAccept: */*\r\n');
  assert.deepEqual([head.userAgent, head.referer, head.accept], ['x/1', 'http://b/', 'text/html, */*']);
});

test('requests one after the other', () => {
  const bytes = `POST /1 HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabcPOST /2 HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nGET /3 HTTP/1.1\r\n${host}\r\n`;
  const { messages, refused } = readRequests(cut(bytes));
  assert.equal(refused, null);
  assert.deepEqual(
    messages.map(({ head, body }) => [head.target, body]),
    [
      ['/1', 'abc'],
      ['/2', 'x'],
      ['/3', ''],
    ],
  );
});
