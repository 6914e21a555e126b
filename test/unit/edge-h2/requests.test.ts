import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FieldTable } from '../../../src/edge/embedded/http/fields.ts';
import { RequestHead } from '../../../src/edge/embedded/http/request-head.ts';
import { RequestReader } from '../../../src/edge/embedded/h2/request-reader.ts';

type Field = readonly [name: string, value: string];

const table = new FieldTable(128);
const usual: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/a?b'],
  [':authority', 'a.test'],
];

function read(fields: readonly Field[], bodyless = true): ReturnType<RequestReader['head']> {
  const reader = new RequestReader({ headSize: 32_768, requestLineSize: 16_384 });
  for (const [name, value] of fields) reader.field(name, value);
  return reader.head(bodyless, table);
}

function sound(fields: readonly Field[], bodyless = true): RequestHead {
  const head = read(fields, bodyless);
  assert.ok(head instanceof RequestHead, JSON.stringify(head));
  return head;
}

describe('requests of HTTP/2', () => {
  test('have the form of HTTP/1.1 for what comes after', () => {
    const head = sound([...usual, ['accept', 'x/y'], ['cookie', 'a=1'], ['x-some', 'v'], ['cookie', 'b=2']]);
    assert.deepEqual(
      [head.method, head.target, head.pathLength, head.host, head.minor, head.http2, head.protocol],
      ['GET', '/a?b', 2, 'a.test', 1, true, 'HTTP/2.0'],
    );
    assert.equal(head.fields, 'accept: x/y\r\nx-some: v\r\nCookie: a=1; b=2\r\n');
    assert.deepEqual([head.contentLength, head.chunked], [-1, false]);
  });

  test('with a body of unknown length are chunked, and of a known one are not', () => {
    assert.equal(sound(usual, false).chunked, true);
    const known = sound([...usual, ['content-length', '5']], false);
    assert.deepEqual([known.chunked, known.contentLength], [false, 5]);
  });

  test('cannot say who sends them, nor name a hop', () => {
    const spoofed = [
      'x-forwarded-for',
      'x-forwarded-proto',
      'x-real-ip',
      'forwarded',
      'proxy',
      'http2-settings',
      'x_y',
    ];
    const head = sound([...usual, ...spoofed.map((name): Field => [name, '1']), ['te', 'trailers']]);
    assert.equal(head.fields, '');
  });

  test('never make more than one head of HTTP/1.1', () => {
    const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
    const text = fc
      .array(fc.oneof(byte, fc.constantFrom('\r\n', ':', ' ', '\n', 'a')), { maxLength: 12 })
      .map((all) => all.join(''));
    const field = fc.tuple(fc.oneof(text, fc.constantFrom(':path', ':method', ':authority', 'host', 'x-a')), text);
    fc.assert(
      fc.property(fc.array(field, { maxLength: 6 }), (fields) => {
        const replaced = usual.filter(([name]) => !fields.some(([other]) => other === name));
        const head = read([...replaced, ...fields.toSorted(([a]) => (a.startsWith(':') ? -1 : 1))]);
        if (!(head instanceof RequestHead)) return;
        for (const part of [head.method, head.target, head.host]) assert.match(part, /^[\x21-\x7e]+$/);
        for (const line of head.fields.split('\r\n').slice(0, -1)) {
          assert.match(line, /^[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\t\x20-\x7e\x80-\xff]*$/);
          assert.doesNotMatch(line, /^(?:host|content-length|transfer-encoding|connection):/i);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
