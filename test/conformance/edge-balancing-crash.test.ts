import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import { Stage } from './balancing-stage.ts';
import { until } from '../patience.ts';
import { engines } from './engines.ts';

for (const kind of engines) {
  describe(`balancing, a worker that is killed: ${kind.name}`, () => {
    test('it leaks no place and nothing in flight, and the limit holds afterwards', { timeout: 600_000 }, async () => {
      await using under = await kind.make();
      await under.edge.ensure();
      await using stage = new Stage(under, 'crash', { next: 0 });
      const waiting: ServerResponse[] = [];
      const backend = await stage.backend('one', (_, response) => void waiting.push(response));
      await stage.serve([backend], { maxConnections: 6, queue: { size: 50, timeout: 60_000 } });
      const first = Array.from({ length: 6 }, () => stage.ask().catch(() => null));
      await until('six are there', () => backend.requests === 6);
      const { workers } = await under.edge.status();
      for (const { pid } of workers) process.kill(pid, 'SIGKILL');
      await until('they are gone from the backend', () => backend.busy === 0);
      await Promise.all(first);
      await until('others are there', async () => {
        const now = await under.edge.status().catch(() => null);
        return (
          now?.workers.length === workers.length &&
          now.workers.every(({ pid }) => workers.every((old) => old.pid !== pid))
        );
      });
      assert.equal((await under.edge.inFlight()).size, 0);
      waiting.length = 0;
      backend.busiest = 0;
      const next = Array.from({ length: 20 }, () => stage.ask());
      await until('six are there again', () => waiting.length === 6);
      const answers = Promise.all(next);
      let done = false;
      void answers.finally(() => (done = true)).catch(() => undefined);
      await until('all are answered', () => {
        waiting.shift()?.end('one');
        return done;
      });
      assert.ok((await answers).every(({ status }) => status === 200));
      assert.equal(backend.busiest, 6);
    });

    test('one of several: its places are free, and those of the others still count', { timeout: 600_000 }, async () => {
      await using under = await kind.make();
      await under.edge.ensure();
      await using stage = new Stage(under, 'crash', { next: 0 });
      const waiting: ServerResponse[] = [];
      const backend = await stage.backend('one', (_, response) => void waiting.push(response));
      await stage.serve([backend], { maxConnections: 4, queue: { size: 50, timeout: 60_000 } });
      const all = Array.from({ length: 24 }, () => stage.ask().catch(() => null));
      await until('four are there', () => backend.requests === 4);
      const [victim] = (await under.edge.status()).workers;
      if (victim === undefined) throw new Error('no worker');
      process.kill(victim.pid, 'SIGKILL');
      // Those whose worker was killed end; the others, and those that come now, are served one after the other.
      const later = Array.from({ length: 12 }, () => stage.ask());
      let done = false;
      const answers = Promise.all([Promise.all(later), Promise.all(all)]).finally(() => (done = true));
      await until('all are over', () => {
        waiting.shift()?.end('one');
        return done;
      });
      assert.ok((await answers)[0].every(({ status }) => status === 200));
      assert.ok(backend.busiest <= 4, `${backend.busiest} at once`);
      await until('nothing is in flight', async () => (await under.edge.inFlight()).size === 0);
    });
  });
}
