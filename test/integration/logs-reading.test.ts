import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KapalError } from '../../src/model/errors.ts';
import { hang } from '../patience.ts';
import { api, Logs, until, web } from './logs-fixture.ts';

describe('reading', () => {
  async function filled(): Promise<Logs> {
    const logs = await Logs.open();
    await logs.store.attach(logs.source({ run: 'a' }));
    await logs.store.attach(logs.source({ run: 'b', service: web, kind: 'build', instance: null, release: null }));
    for (let index = 0; index < 1_500; index += 1) logs.append('a', `a ${index}\n`);
    await logs.store.flush('a');
    logs.append('b', 'b 0\nb 1\n');
    await logs.store.flush('b');
    logs.store.write({
      service: api,
      kind: 'kapal',
      run: 'a',
      instance: 'i1',
      release: 3,
      text: 'started\nover two lines',
    });
    return logs;
  }

  test('the last lines, oldest first, by service, run and kind', async () => {
    await using logs = await filled();
    assert.deepEqual(await logs.texts({ limit: 3 }), ['b 1', 'started', 'over two lines']);
    assert.deepEqual(await logs.texts({ limit: 2, service: web }), ['b 0', 'b 1']);
    assert.deepEqual(await logs.texts({ limit: 1, run: 'b' }), ['b 1']);
    assert.deepEqual(await logs.texts({ limit: 2, service: api, kinds: ['app'] }), ['a 1498', 'a 1499']);
    assert.deepEqual(await logs.texts({ run: 'a', kinds: ['kapal', 'build'] }), ['started', 'over two lines']);
    assert.equal((await logs.texts({ service: api })).length, 1_502);
    assert.deepEqual(await logs.texts({ run: 'b', service: api }), []);
    assert.deepEqual(await logs.texts({ service: 'no/such/service' as typeof api }), []);
    assert.deepEqual(await logs.texts({ run: 'nope' }), []);
    assert.deepEqual(await logs.texts({ limit: 0 }), []);
    const [line] = await logs.lines({ run: 'b', limit: 1 });
    assert.deepEqual([line?.instance, line?.release, line?.kind, line?.service], [null, null, 'build', web]);
  });

  test('after a cursor come the first lines, so that a follower misses none', async () => {
    await using logs = await filled();
    const seen: string[] = [];
    for (let after = 0; ; ) {
      const lines = await logs.lines({ service: api, after, limit: 700 });
      const last = lines.at(-1);
      if (last === undefined) break;
      seen.push(...lines.map((line) => line.text));
      after = last.sequence;
    }
    assert.deepEqual(seen, [...Array.from({ length: 1_500 }, (_, index) => `a ${index}`), 'started', 'over two lines']);
  });

  test('since a time', async () => {
    await using logs = await filled();
    const [line] = await logs.lines({ run: 'b', limit: 1 });
    assert.ok(line !== undefined);
    assert.deepEqual(await logs.texts({ since: line.time + 1_000_000 }), []);
    assert.equal((await logs.texts({ since: line.time - 1_000_000 })).length, 1_504);
    assert.ok((await logs.lines({ since: line.time })).every((one) => one.time >= line.time));
  });

  test('by a pattern', async () => {
    await using logs = await filled();
    assert.deepEqual(await logs.texts({ service: api, grep: '^a 1.*7$', limit: 3 }), ['a 1477', 'a 1487', 'a 1497']);
    assert.deepEqual(await logs.texts({ service: api, grep: '^a 1.*7$', limit: 3, after: 0 }), [
      'a 17',
      'a 107',
      'a 117',
    ]);
    assert.deepEqual(await logs.texts({ grep: 'nothing like it' }), []);
    const wrong = (error: unknown): boolean =>
      error instanceof KapalError && error.code === 'usage' && error.hint !== null;
    await assert.rejects(logs.texts({ grep: '(' }), wrong);
  });

  test('a pattern that would take for ever ends, and the store goes on', async () => {
    await using logs = await filled();
    logs.append('a', `${'a'.repeat(200)}!\n`);
    await logs.store.flush('a');
    const began = performance.now();
    await assert.rejects(
      logs.texts({ grep: '(a+a+)+$' }),
      (error) => error instanceof KapalError && error.code === 'usage',
    );
    assert.ok(performance.now() - began < hang);
    logs.append('a', 'still here\n');
    await logs.store.flush('a');
    assert.deepEqual(await logs.texts({ limit: 1 }), ['still here']);
  });

  test('watchers hear of their own service; what they then read is there', async () => {
    await using logs = await Logs.open();
    const heard = { api: 0, web: 0, any: 0 };
    using _api = logs.store.watch(api, () => (heard.api += 1));
    using _any = logs.store.watch(null, () => (heard.any += 1));
    const web1 = logs.store.watch(web, () => (heard.web += 1));
    await logs.store.attach(logs.source({ run: 'a' }));
    await logs.store.attach(logs.source({ run: 'b', service: web }));
    logs.append('a', 'x\n');
    await until(
      'the notice',
      () => heard.api,
      (count) => count > 0,
    );
    assert.deepEqual([await logs.texts(), heard.web, heard.any > 0], [['x'], 0, true]);
    web1[Symbol.dispose]();
    logs.append('b', 'y\n');
    const before = heard.any;
    await until(
      'the notice',
      () => heard.any,
      (count) => count > before,
    );
    assert.equal(heard.web, 0);
  });

  test('a follower sees every line of a stream, in order, soon', async () => {
    await using logs = await Logs.open();
    const seen: string[] = [];
    let after = 0;
    let reading = Promise.resolve();
    const read = async (): Promise<void> => {
      const lines = await logs.lines({ service: api, after, limit: 50 });
      seen.push(...lines.map((line) => line.text));
      after = lines.at(-1)?.sequence ?? after;
      if (lines.length === 50) await read();
    };
    using _watch = logs.store.watch(api, () => {
      reading = reading.then(read);
    });
    await logs.store.attach(logs.source({ run: 'a' }));
    for (let index = 0; index < 400; index += 1) {
      logs.append('a', `${index}\n`);
      if (index % 40 === 0)
        await until(
          'some',
          () => seen.length,
          (count) => count >= index / 2,
        );
    }
    await until(
      'all',
      () => seen.length,
      (count) => count === 400,
    );
    assert.deepEqual(
      seen,
      Array.from({ length: 400 }, (_, index) => String(index)),
    );
    await reading;
  });
});
