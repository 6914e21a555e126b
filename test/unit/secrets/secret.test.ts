import assert from 'node:assert/strict';
import { Console } from 'node:console';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import { format, inspect } from 'node:util';
import { serialize } from 'node:v8';
import { pino } from 'pino';
import { errorDocument, KapalError } from '../../../src/model/errors.ts';
import { Secret } from '../../../src/secrets/secret.ts';

const text = 'hunter2-hunter2';
const secret = new Secret(text);

function logged(write: (logger: ReturnType<typeof pino>) => void): string {
  const parts: string[] = [];
  const sink = new Writable({
    write(part: Buffer, _encoding, done) {
      parts.push(String(part));
      done();
    },
  });
  write(pino(sink));
  return parts.join('');
}

test('only reveal gives it out', () => {
  assert.equal(secret.reveal(), text);
});

test('every other way to text says [secret]', () => {
  const ways: readonly string[] = [
    `${String(secret)}`,
    String(secret),
    secret.toString(),
    [secret].join(),
    JSON.stringify(secret),
    JSON.stringify({ deep: [{ secret }] }),
    inspect(secret),
    inspect({ deep: { secret } }, { depth: null, showHidden: true, getters: true }),
    inspect(new Map([[secret, secret]])),
    format('%s %o %O %j', secret, secret, secret, secret),
    inspect(new Error('failed', { cause: secret })),
    inspect(Object.assign(new Error('failed'), { secret })),
    JSON.stringify(errorDocument(secret)),
    JSON.stringify(new KapalError('internal', `no: ${String(secret)}`).toDocument()),
    logged((logger) => logger.info({ secret, deep: { secret } }, 'm %s %o', secret, secret)),
    logged((logger) => logger.error(Object.assign(new Error('failed', { cause: secret }), { secret }))),
    Object.prototype.toString.call(secret),
  ];
  for (const said of ways) {
    assert.ok(!said.includes('hunter2'), said);
    assert.match(said, /secret/);
  }
});

test('the console, copies and serialisation carry nothing', () => {
  const stream = new PassThrough();
  new Console(stream).log(secret, { secret });
  assert.ok(!String(stream.read()).includes('hunter2'));
  assert.ok(!serialize(secret).includes('hunter2'));
  assert.deepEqual(Object.keys(Object.assign({}, secret)), []);
  assert.deepEqual(Object.getOwnPropertyNames(secret), []);
  assert.ok(!inspect(structuredClone({ secret })).includes('hunter2'));
});
