import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KapalError } from '../../src/model/errors.ts';
import { until } from '../patience.ts';
import { simulatedKapal } from './engine/simulated-kapal.ts';

const gibi = 1024 ** 3;
const yaml = (name: string) => `services:\n  - {type: web, name: ${name}, runtime: node, startCommand: node x.js}\n`;

describe('the disk guard', () => {
  test('refuses builds with what is free and what takes it, lets the rest work, and takes builds again by itself', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(yaml('api'));
    const full = kapal.disk.free - 0.7 * gibi;
    kapal.disk.used += full;
    await assert.rejects(kapal.deploy(yaml('web')), (error: unknown) => {
      assert.ok(error instanceof KapalError);
      assert.equal(error.code, 'disk_full');
      assert.match(
        error.message,
        /no build is begun: only 716 MiB of 100\.0 GiB are free .* 1\.0 GiB are to stay free/,
      );
      assert.match(error.hint ?? '', /holds releases 3\.0 GiB, logs 60 MiB.*--keep-free/);
      return true;
    });
    const [api] = kapal.store.services.all();
    assert.ok(api !== undefined);
    // What needs no build goes on.
    await kapal.engine.scale(api.id, 2);
    await until(
      'two instances',
      () => kapal.store.instances.of(api.id).filter(({ state }) => state === 'ready').length === 2,
    );
    assert.match((await kapal.engine.status()).disk.problem ?? '', /no build is begun/);
    kapal.disk.used -= full;
    await until('there is plenty again', async () => (await kapal.engine.status()).disk.state === 'plenty');
    await kapal.deploy(yaml('web'));
    const kinds = kapal.store.events.after(0, 1_000).flatMap(({ kind }) => (kind.startsWith('disk.') ? [kind] : []));
    assert.deepEqual(kinds, ['disk.refusing', 'disk.plenty']);
  });

  test('gives up the ballast file last, and makes it again', async () => {
    await using kapal = await simulatedKapal();
    const ballast = await kapal.disk.ballast();
    assert.equal(ballast, 64 * 1024 * 1024);
    kapal.disk.used += kapal.disk.free;
    await until('the ballast file is given up', async () => (await kapal.disk.ballast()) === 0);
    await until('it is told', () => kapal.store.events.after(0, 100).some(({ kind }) => kind === 'disk.last'));
    assert.equal(kapal.disk.free, ballast);
    kapal.disk.used = 0;
    await until('it is made again', async () => (await kapal.disk.ballast()) === ballast);
  });
});
