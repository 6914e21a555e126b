import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { byByte, cut, readRequests } from './reading.ts';

/** Requests that are malformed, or that two readers could take differently: name, bytes, status, reason. */
const host = 'Host: a.test\r\n';
const get = (lines: string): string => `GET / HTTP/1.1\r\n${host}${lines}\r\n`;
const post = (lines: string, body = ''): string => `POST / HTTP/1.1\r\n${host}${lines}\r\n${body}`;
const line = (requestLine: string): string => `${requestLine}\r\n${host}\r\n`;

type Case = readonly [name: string, bytes: string, status: number, reason: string];

const requestLines: readonly Case[] = [
  ['two spaces before the target', line('GET  / HTTP/1.1'), 400, 'request target'],
  ['two spaces before the version', line('GET /  HTTP/1.1'), 400, 'protocol version'],
  ['a tab before the target', line('GET\t/ HTTP/1.1'), 400, 'method'],
  ['a tab before the version', line('GET /\tHTTP/1.1'), 400, 'request target'],
  ['a space before the method', line(' GET / HTTP/1.1'), 400, 'method'],
  ['a space after the version', line('GET / HTTP/1.1 '), 400, 'protocol version'],
  ['a vertical tab as a separator', line('GET\x0b/ HTTP/1.1'), 400, 'control character'],
  ['a fourth word', line('GET / x HTTP/1.1'), 400, 'protocol version'],
  ['no version (HTTP/0.9)', line('GET /'), 400, 'request line'],
  ['no target', line('GET HTTP/1.1'), 400, 'request line'],
  ['no target but its spaces', line('GET  HTTP/1.1'), 400, 'request target'],
  ['a method only', line('GET'), 400, 'method'],
  ['a lower-case method', line('get / HTTP/1.1'), 400, 'method'],
  ['a mixed-case method', line('Get / HTTP/1.1'), 400, 'method'],
  ['digits in the method', line('GET1 / HTTP/1.1'), 400, 'method'],
  ['a separator in the method', line('GE(T / HTTP/1.1'), 400, 'method'],
  ['a non-ASCII method', line('G\xc9T / HTTP/1.1'), 400, 'method'],
  ['a fragment', line('GET /a#b HTTP/1.1'), 400, 'request target'],
  ['a non-ASCII path', line('GET /caf\xe9 HTTP/1.1'), 400, 'request target'],
  ['a non-ASCII query', line('GET /?q=\xff HTTP/1.1'), 400, 'request target'],
  ['DEL in the path', line('GET /\x7f HTTP/1.1'), 400, 'request target'],
  ['NUL in the path', line('GET /\0 HTTP/1.1'), 400, 'control character'],
  ['an escape character in the path', line('GET /\x1b HTTP/1.1'), 400, 'request target'],
  ['a relative path', line('GET a HTTP/1.1'), 400, 'request target'],
  ['a query alone', line('GET ?a=1 HTTP/1.1'), 400, 'request target'],
  ['an authority form without CONNECT', line('GET a.test:80 HTTP/1.1'), 400, 'request target'],
  ['an asterisk without OPTIONS', line('GET * HTTP/1.1'), 400, 'request target'],
  ['an asterisk and more', line('OPTIONS *a HTTP/1.1'), 400, 'request target'],
  ['CONNECT in authority form', line('CONNECT a.test:443 HTTP/1.1'), 405, 'CONNECT'],
  ['CONNECT in origin form', line('CONNECT / HTTP/1.1'), 405, 'CONNECT'],
  [
    'another host in the absolute form',
    line('GET http://b.test/ HTTP/1.1'),
    400,
    'authority of the target differs from Host',
  ],
  [
    'another port in the absolute form',
    line('GET http://a.test:81/ HTTP/1.1'),
    400,
    'authority of the target differs from Host',
  ],
  ['user and password in the absolute form', line('GET http://u:p@a.test/ HTTP/1.1'), 400, 'request target'],
  ['an absolute form without host', line('GET http:///a HTTP/1.1'), 400, 'request target'],
  ['another scheme', line('GET ftp://a.test/ HTTP/1.1'), 400, 'request target'],
  ['a file URL', line('GET file:///etc/passwd HTTP/1.1'), 400, 'request target'],
  ['an absolute form with one slash', line('GET http:/a.test/ HTTP/1.1'), 400, 'request target'],
  ['a lower-case protocol', line('GET / http/1.1'), 400, 'protocol version'],
  ['another protocol', line('GET / HTTX/1.1'), 400, 'protocol version'],
  ['a version without minor', line('GET / HTTP/1'), 400, 'protocol version'],
  ['a version without dot', line('GET / HTTP/11'), 400, 'protocol version'],
  ['a version with two digits', line('GET / HTTP/1.10'), 400, 'protocol version'],
  ['a version with a leading zero', line('GET / HTTP/01.1'), 400, 'protocol version'],
  ['a version with a sign', line('GET / HTTP/+1.1'), 400, 'protocol version'],
  ['a version of letters', line('GET / HTTP/x.y'), 400, 'protocol version'],
  ['a version with a comma', line('GET / HTTP/1,1'), 400, 'protocol version'],
  ['HTTP/0.9 by name', line('GET / HTTP/0.9'), 505, 'protocol version not spoken'],
  ['HTTP/1.2', line('GET / HTTP/1.2'), 505, 'protocol version not spoken'],
  ['HTTP/2.0', line('GET / HTTP/2.0'), 505, 'protocol version not spoken'],
  ['HTTP/3.0', line('GET / HTTP/3.0'), 505, 'protocol version not spoken'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505, 'protocol version not spoken'],
  ['a TLS client hello', '\x16\x03\x01\x02\x00\x01\x00', 400, 'control character'],
  ['a SOCKS greeting', '\x05\x01\x00', 400, 'control character'],
  ['a line that is too long', line(`GET /${'a'.repeat(1100)} HTTP/1.1`), 414, 'request line too long'],
  ['an endless line', `GET /${'a'.repeat(5000)}`, 414, 'request line too long'],
];

const lineEnds: readonly Case[] = [
  ['line feeds only', 'GET / HTTP/1.1\nHost: a.test\n\n', 400, 'line feed without carriage return'],
  [
    'a bare line feed after the request line',
    'GET / HTTP/1.1\nHost: a.test\r\n\r\n',
    400,
    'line feed without carriage return',
  ],
  ['a bare line feed after a field', 'GET / HTTP/1.1\r\nHost: a.test\n\r\n', 400, 'line feed without carriage return'],
  ['a bare line feed in a value', get('X: a\nY: b\r\n'), 400, 'line feed without carriage return'],
  [
    'a bare line feed as the empty line',
    'GET / HTTP/1.1\r\nHost: a.test\r\n\n',
    400,
    'line feed without carriage return',
  ],
  ['a bare carriage return in a value', get('X: a\rb\r\n'), 400, 'carriage return without line feed'],
  ['a bare carriage return in a name', get('X\ra: b\r\n'), 400, 'carriage return without line feed'],
  ['a bare carriage return in the path', line('GET /\ra HTTP/1.1'), 400, 'carriage return without line feed'],
  ['two carriage returns', 'GET / HTTP/1.1\r\r\nHost: a.test\r\n\r\n', 400, 'carriage return without line feed'],
  [
    'a carriage return as the empty line',
    'GET / HTTP/1.1\r\nHost: a.test\r\n\rX',
    400,
    'carriage return without line feed',
  ],
  ['a carriage return hiding a length', post('X: a\rContent-Length: 5\r\n'), 400, 'carriage return without line feed'],
];

const fields: readonly Case[] = [
  ['a folded value', get('X: a\r\n b\r\n'), 400, 'folded field'],
  ['a value folded by a tab', get('X: a\r\n\tb\r\n'), 400, 'folded field'],
  ['a fold before the first field', `GET / HTTP/1.1\r\n ${host}\r\n`, 400, 'folded field'],
  ['a folded Transfer-Encoding', post('Transfer-Encoding:\r\n chunked\r\n'), 400, 'folded field'],
  ['a space before the colon', get('X : a\r\n'), 400, 'field name'],
  ['a tab before the colon', get('X\t: a\r\n'), 400, 'field name'],
  ['a space before the colon of a length', post('Content-Length : 5\r\n', 'hello'), 400, 'field name'],
  ['no colon', get('X\r\n'), 400, 'field name'],
  ['an empty name', get(': a\r\n'), 400, 'field name'],
  ['a space in a name', get('X Y: a\r\n'), 400, 'field name'],
  ['a parenthesis in a name', get('X(: a\r\n'), 400, 'field name'],
  ['a comma in a name', get('X,Y: a\r\n'), 400, 'field name'],
  ['a slash in a name', get('X/Y: a\r\n'), 400, 'field name'],
  ['a quote in a name', get('"X": a\r\n'), 400, 'field name'],
  ['an at sign in a name', get('X@: a\r\n'), 400, 'field name'],
  ['a bracket in a name', get('X[0]: a\r\n'), 400, 'field name'],
  ['a non-ASCII name', get('X\xe9: a\r\n'), 400, 'field name'],
  ['DEL in a name', get('X\x7f: a\r\n'), 400, 'field name'],
  ['NUL in a name', get('X\0: a\r\n'), 400, 'control character'],
  ['a control character in a name', get('X\x1f: a\r\n'), 400, 'field name'],
  ['NUL in a value', get('X: a\0b\r\n'), 400, 'control character'],
  ['a bell in a value', get('X: \x07\r\n'), 400, 'control character'],
  ['a form feed in a value', get('X: \x0c\r\n'), 400, 'control character'],
  ['an escape in a value', get('X: \x1b[31m\r\n'), 400, 'field value'],
  ['a unit separator in a value', get('X: \x1f\r\n'), 400, 'field value'],
  ['DEL in a value', get('X: \x7f\r\n'), 400, 'field value'],
  ['more fields than the limit', get('X: a\r\n'.repeat(40)), 431, 'too many fields'],
  ['a head that is too large', get(`X: ${'a'.repeat(4100)}\r\n`), 431, 'head too large'],
  ['a head without end', `GET / HTTP/1.1\r\nX: ${'a'.repeat(5000)}`, 431, 'head too large'],
];

const hosts: readonly Case[] = [
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400, 'no Host'],
  ['no Host with an absolute form', 'GET http://a.test/ HTTP/1.1\r\n\r\n', 400, 'no Host'],
  ['two Host', get('Host: b.test\r\n'), 400, 'several Host'],
  ['two equal Host', get(host), 400, 'several Host'],
  ['two Host in other case', get('hOST: a.test\r\n'), 400, 'several Host'],
  ['two Host on HTTP/1.0', `GET / HTTP/1.0\r\n${host}${host}\r\n`, 400, 'several Host'],
  ...[
    ['an empty Host', ''],
    ['a list of hosts', 'a.test, b.test'],
    ['a space in Host', 'a test'],
    ['a path in Host', 'a.test/x'],
    ['a user in Host', 'u@a.test'],
    ['a quote in Host', 'a"b'],
    ['a non-ASCII Host', 'caf\xe9'],
    ['percent encoding in Host', 'a%2eb'],
    ['a port that is no number', 'a.test:x'],
    ['an empty port', 'a.test:'],
    ['a port with a sign', 'a.test:+80'],
    ['a port that is too large', 'a.test:65536'],
    ['a port of six digits', 'a.test:000080'],
    ['two ports', 'a.test:80:80'],
    ['a port alone', ':80'],
    ['an IPv6 address without brackets', '::1'],
    ['brackets that do not close', '[::1'],
    ['brackets around a name', '[a.test]'],
    ['text after the brackets', '[::1]x'],
    ['empty brackets', '[]'],
    ['a hash in Host', 'a.test#b'],
    ['a question mark in Host', 'a.test?b'],
    ['a backslash in Host', 'a.test\\b'],
  ].map(([name, value]): Case => [name ?? '', `GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`, 400, 'invalid Host']),
];

const framing: readonly Case[] = [
  [
    'length and encoding',
    post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    400,
    'Content-Length with Transfer-Encoding',
  ],
  [
    'encoding and length',
    post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n'),
    400,
    'Content-Length with Transfer-Encoding',
  ],
  [
    'length 0 and encoding',
    post('Content-Length: 0\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    400,
    'Content-Length with Transfer-Encoding',
  ],
  ['two lengths', post('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello'), 400, 'several Content-Length'],
  ['two equal lengths', post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'), 400, 'several Content-Length'],
  [
    'two lengths in other case',
    post('Content-Length: 5\r\ncontent-length: 5\r\n', 'hello'),
    400,
    'several Content-Length',
  ],
  ...[
    '+5',
    '-5',
    '5,5',
    '5, 5',
    '0x5',
    '5 5',
    '5\t5',
    '',
    ' ',
    '5.0',
    '5e1',
    '5;',
    '"5"',
    'five',
    '\xb2',
    '1_000',
    '1000000000000000',
    '99999999999999999999',
    '-0',
    '5,',
  ].map(
    (value): Case => [
      `the length ${JSON.stringify(value)}`,
      post(`Content-Length: ${value}\r\n`, 'hello'),
      400,
      'invalid Content-Length',
    ],
  ),
  ...[
    'gzip',
    'identity',
    'chunked, chunked',
    'gzip, chunked',
    'chunked, gzip',
    'chunked, identity',
    'xchunked',
    'chunkedx',
    'chunked;',
    'chunked;q=1',
    '"chunked"',
    "'chunked'",
    'chunked,',
    ',chunked',
    '',
    'chun ked',
    '\xa0chunked',
    'x',
  ].map(
    (value): Case => [
      `the encoding ${JSON.stringify(value)}`,
      post(`Transfer-Encoding: ${value}\r\n`, '0\r\n\r\n'),
      400,
      'Transfer-Encoding other than chunked',
    ],
  ),
  ['a vertical tab before chunked', post('Transfer-Encoding: \x0bchunked\r\n', '0\r\n\r\n'), 400, 'control character'],
  [
    'two encodings',
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    400,
    'several Transfer-Encoding',
  ],
  [
    'a second encoding that is unknown',
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n', '0\r\n\r\n'),
    400,
    'several Transfer-Encoding',
  ],
  [
    'chunked on HTTP/1.0',
    `POST / HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    'Transfer-Encoding on HTTP/1.0',
  ],
  ['an option of Connection that is no token', get('Connection: close; x\r\n'), 400, 'invalid Connection'],
  ['an unknown expectation', post('Expect: 200-ok\r\nContent-Length: 5\r\n', 'hello'), 417, 'unknown expectation'],
  [
    'two expectations',
    post('Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 5\r\n', 'hello'),
    417,
    'unknown expectation',
  ],
];

const chunked = 'Transfer-Encoding: chunked\r\n';
const bodies: readonly Case[] = [
  ...[
    '+5',
    '-5',
    ' 5',
    '5 ',
    '\t5',
    '0x5',
    '5h',
    'g',
    '',
    '_5',
    '5_',
    '"5"',
    '5,',
    '10000000000000',
    '00000000000005',
    'fffffffffffffffff',
    '5.',
    '\xb2',
    '\x005',
    '5\x00',
  ].map(
    (size): Case => [
      `the chunk size ${JSON.stringify(size)}`,
      post(chunked, `${size}\r\nhello\r\n0\r\n\r\n`),
      400,
      'invalid chunk size',
    ],
  ),
  ['a chunk size that ends in a line feed', post(chunked, '5\nhello\r\n0\r\n\r\n'), 400, 'invalid chunk size'],
  ['a chunk size that ends in a carriage return', post(chunked, '5\rhello\r\n0\r\n\r\n'), 400, 'invalid chunk size'],
  ['a chunk longer than its size', post(chunked, '4\r\nhello\r\n0\r\n\r\n'), 400, 'chunk without its end'],
  ['a chunk shorter than its size', post(chunked, '6\r\nhello\r\n0\r\n\r\n'), 400, 'chunk without its end'],
  ['a chunk that ends in a line feed', post(chunked, '5\r\nhello\n0\r\n\r\n'), 400, 'chunk without its end'],
  ['a chunk that ends in a carriage return', post(chunked, '5\r\nhello\r0\r\n\r\n'), 400, 'chunk without its end'],
  ['a space before an extension', post(chunked, '5 ;a=b\r\nhello\r\n0\r\n\r\n'), 400, 'invalid chunk size'],
  ['a line feed in an extension', post(chunked, '5;a\nb\r\nhello\r\n0\r\n\r\n'), 400, 'chunk extension'],
  ['NUL in an extension', post(chunked, '5;a\0\r\nhello\r\n0\r\n\r\n'), 400, 'chunk extension'],
  ['a carriage return in an extension', post(chunked, '5;a\rb\r\nhello\r\n0\r\n\r\n'), 400, 'invalid chunk size'],
  [
    'an extension that is too long',
    post(chunked, `5;${'a'.repeat(5000)}\r\nhello\r\n0\r\n\r\n`),
    400,
    'chunk extension',
  ],
  [
    'many extensions that together are too long',
    post(chunked, `1;${'a'.repeat(100)}\r\nx\r\n`.repeat(50)),
    400,
    'chunk extension',
  ],
  ['a trailer without colon', post(chunked, '0\r\nX\r\n\r\n'), 400, 'trailer'],
  ['a folded trailer', post(chunked, '0\r\nX: a\r\n b\r\n\r\n'), 400, 'trailer'],
  ['a trailer with an empty name', post(chunked, '0\r\n: a\r\n\r\n'), 400, 'trailer'],
  ['a trailer with a space before its colon', post(chunked, '0\r\nX : a\r\n\r\n'), 400, 'trailer'],
  ['NUL in a trailer', post(chunked, '0\r\nX: \0\r\n\r\n'), 400, 'trailer'],
  ['a trailer that ends in a line feed', post(chunked, '0\r\nX: a\n\r\n'), 400, 'trailer'],
  ['trailers that are too long', post(chunked, `0\r\nX: ${'a'.repeat(9000)}\r\n\r\n`), 400, 'trailer'],
  ['a line feed as the end', post(chunked, '0\r\n\n'), 400, 'trailer'],
  ['a carriage return and more as the end', post(chunked, '0\r\n\rX'), 400, 'trailer'],
];

const groups = { requestLines, lineEnds, fields, hosts, framing, bodies };

for (const [group, cases] of Object.entries(groups)) {
  describe(`refused: ${group}`, () => {
    for (const [name, bytes, status, reason] of cases) {
      test(name, () => {
        const whole = readRequests(cut(bytes));
        assert.deepEqual(whole.refused, { status, reason });
        assert.deepEqual(whole.messages, [], 'nothing of it is taken');
        assert.deepEqual(readRequests(byByte(bytes)), whole, 'byte by byte');
      });
    }
  });
}

test('the table is as long as it says', () => {
  const count = Object.values(groups).reduce((sum, cases) => sum + cases.length, 0);
  assert.ok(count >= 160, `${count} cases`);
});
