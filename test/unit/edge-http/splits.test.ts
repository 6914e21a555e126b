import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cut, readRequests, readResponses } from './reading.ts';

/** Bytes that matter to a parser far more often than chance would have them. */
const piece = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      'GET ',
      'POST ',
      '/',
      '/a?b',
      ' HTTP/1.1',
      ' HTTP/1.0',
      '\r\n',
      '\r\n\r\n',
      '\r',
      '\n',
      ' ',
      '\t',
      ':',
      ': ',
      '0',
      '5',
      'a',
      ';',
      ',',
    ),
  },
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      'Host: a.test\r\n',
      'Content-Length: 5\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Connection: close\r\n',
      'X: y\r\n',
      'hello',
      '5\r\nhello\r\n',
      '0\r\n\r\n',
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello',
      'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    ),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('a', '/', 'X: ', '\r\nX: ')
      .chain((text) => fc.integer({ min: 1, max: 1500 }).map((count) => text.repeat(Math.ceil(count / text.length)))),
  },
);
const stream = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''));
const cuts = fc.array(fc.nat({ max: 6000 }), { maxLength: 30 });

test('requests are read alike however they are cut into segments', () => {
  fc.assert(
    fc.property(stream, cuts, (text, positions) => {
      assert.deepEqual(readRequests(cut(text, positions)), readRequests(cut(text)));
    }),
    { numRuns: 5000 },
  );
});

test('responses are read alike however they are cut into segments', () => {
  const response = stream.map((text) => `HTTP/1.1 200 OK\r\n${text}`);
  fc.assert(
    fc.property(response, cuts, (text, positions) => {
      assert.deepEqual(readResponses(cut(text, positions)), readResponses(cut(text)));
    }),
    { numRuns: 3000 },
  );
});

test('what is forwarded is read by ourselves as the same again', () => {
  const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/);
  const value = fc.stringMatching(/^[\x21-\x7e\x80-\xff]?[\x20-\x7e\x80-\xff]{0,20}$/);
  const fields = fc.array(fc.tuple(name, value, fc.constantFrom('', ' ', '\t', '  ')), { maxLength: 12 });
  fc.assert(
    fc.property(fields, (lines) => {
      const text = lines.map(([key, content, space]) => `${key}:${space}${content}${space}\r\n`).join('');
      const first = readRequests(cut(`GET / HTTP/1.1\r\nHost: a.test\r\n${text}\r\n`)).messages[0];
      if (first === undefined) return;
      const second = readRequests(cut(`GET / HTTP/1.1\r\nHost: a.test\r\n${first.head.fields}\r\n`)).messages[0];
      assert.equal(second?.head.fields, first.head.fields);
    }),
    { numRuns: 2000 },
  );
});
