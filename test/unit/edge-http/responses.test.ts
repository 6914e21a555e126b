import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { byByte, cut, readResponses } from './reading.ts';

type Case = readonly [name: string, bytes: string, reason: string];
const ok = (lines: string, body = ''): string => `HTTP/1.1 200 OK\r\n${lines}\r\n${body}`;

const refused: readonly Case[] = [
  ['another protocol', 'SIP/2.0 200 OK\r\n\r\n', 'status line'],
  ['HTTP/2', 'HTTP/2.0 200 OK\r\n\r\n', 'status line'],
  ['HTTP/1.2', 'HTTP/1.2 200 OK\r\n\r\n', 'status line'],
  ['a lower-case protocol', 'http/1.1 200 OK\r\n\r\n', 'status line'],
  ['two spaces', 'HTTP/1.1  200 OK\r\n\r\n', 'status code'],
  ['two digits', 'HTTP/1.1 20 OK\r\n\r\n', 'status code'],
  ['four digits', 'HTTP/1.1 2000 OK\r\n\r\n', 'status code'],
  ['no digits', 'HTTP/1.1 abc OK\r\n\r\n', 'status code'],
  ['a sign', 'HTTP/1.1 +20 OK\r\n\r\n', 'status code'],
  ['a status of 0xx', 'HTTP/1.1 099 OK\r\n\r\n', 'status code'],
  ['a status of 6xx', 'HTTP/1.1 600 OK\r\n\r\n', 'status code'],
  ['a tab after the status', 'HTTP/1.1 200\tOK\r\n\r\n', 'status code'],
  ['a control character in the reason', 'HTTP/1.1 200 O\x1fK\r\n\r\n', 'status line'],
  ['line feeds only', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', 'line feed without carriage return'],
  ['a bare carriage return', ok('X: a\rb\r\n'), 'carriage return without line feed'],
  ['a folded field', ok('X: a\r\n b\r\n'), 'folded field'],
  ['a space before the colon', ok('X : a\r\n'), 'field name'],
  ['no colon', ok('X\r\n'), 'field name'],
  ['NUL in a value', ok('X: \0\r\n'), 'control character'],
  ['two lengths', ok('Content-Length: 1\r\nContent-Length: 1\r\n', 'a'), 'several Content-Length'],
  ['a list of lengths', ok('Content-Length: 1, 1\r\n', 'a'), 'invalid Content-Length'],
  ['a signed length', ok('Content-Length: +1\r\n', 'a'), 'invalid Content-Length'],
  [
    'length and encoding',
    ok('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    'Content-Length with Transfer-Encoding',
  ],
  ['another encoding', ok('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'), 'Transfer-Encoding other than chunked'],
  [
    'two encodings',
    ok('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    'several Transfer-Encoding',
  ],
  [
    'chunked on HTTP/1.0',
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'Transfer-Encoding on HTTP/1.0',
  ],
  ['a bad chunk', ok('Transfer-Encoding: chunked\r\n', '-1\r\n'), 'invalid chunk size'],
  ['a Connection that is no list', ok('Connection: a b\r\n'), 'invalid Connection'],
  ['too many fields', ok('X: a\r\n'.repeat(41)), 'too many fields'],
];

describe('refused responses', () => {
  for (const [name, bytes, reason] of refused) {
    test(name, () => {
      const whole = readResponses(cut(bytes));
      assert.equal(whole.refused?.reason, reason);
      assert.deepEqual(readResponses(byByte(bytes)), whole, 'byte by byte');
    });
  }
});

test('the form in which responses are passed on', () => {
  const bytes =
    'HTTP/1.1 404 Not Found here\r\nServer:x\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX_y: kept\r\n' +
    'Host: kept\r\nX-Request-Id: kept\r\nX-Forwarded-For: kept\r\nDate: now\r\nContent-Length: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nTrailer: X\r\n\r\nhi';
  const [message] = readResponses(cut(bytes)).messages;
  assert.ok(message);
  const { head, body } = message;
  assert.equal(body, 'hi');
  assert.deepEqual(
    [head.status, head.reason, head.minor, head.dated, head.keepAlive],
    [404, 'Not Found here', 1, true, true],
  );
  assert.equal(
    head.fields,
    'Server: x\r\nX_y: kept\r\nHost: kept\r\nX-Request-Id: kept\r\nX-Forwarded-For: kept\r\nDate: now\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n',
  );
});

test('status lines without a reason', () => {
  for (const line of ['HTTP/1.1 200', 'HTTP/1.1 200 ']) {
    const [message] = readResponses(cut(`${line}\r\nContent-Length: 0\r\n\r\n`)).messages;
    assert.deepEqual([message?.head.status, message?.head.reason], [200, '']);
  }
});

test('persistence', () => {
  const keeps = (bytes: string): boolean | undefined =>
    readResponses(cut(`${bytes}Content-Length: 0\r\n\r\n`)).messages[0]?.head.keepAlive;
  assert.equal(keeps('HTTP/1.1 200 OK\r\n'), true);
  assert.equal(keeps('HTTP/1.1 200 OK\r\nConnection: close\r\n'), false);
  assert.equal(keeps('HTTP/1.0 200 OK\r\n'), false);
  assert.equal(keeps('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n'), true);
});
