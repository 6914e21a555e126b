import assert from 'node:assert/strict';
import { until } from '../patience.ts';
import type { Answer, BalancingCase, Stage } from './balancing-stage.ts';

function refused(answer: Answer): void {
  assert.equal(answer.status, 503);
  assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/);
}

const patient = { size: 50, timeout: 60_000 };

/** Until the edge has so many requests of this stage, whatever became of them. */
async function arrived(stage: Stage, count: number): Promise<void> {
  await until(`${count} requests at the edge`, async () => {
    const counters = await stage.edge.counters();
    return (counters.find(({ pool }) => pool === stage.host.replace(/\.test$/, ''))?.requests ?? 0) >= count;
  });
}

/** A pool without endpoints, of which the table says that one comes soon. */
export const gapCases: readonly BalancingCase[] = [
  {
    name: 'requests of any method wait for the first endpoint, and all of them are answered by it',
    async run(stage) {
      await stage.serve([], { waitForEndpoint: patient });
      const answers = Array.from({ length: 30 }, (_, i) =>
        stage.ask(i % 3 === 0 ? { method: 'POST', body: 'x'.repeat(i % 2 === 0 ? 10 : 200_000) } : {}),
      );
      await arrived(stage, 30);
      const backend = await stage.backend('next');
      await stage.serve([backend]);
      const served = performance.now();
      for (const answer of answers) assert.deepEqual([(await answer).status, (await answer).body], [200, 'next']);
      assert.ok(performance.now() - served < 2_000, 'they went on when it came, and not later');
      assert.equal(backend.requests, 30, 'each came once');
    },
  },
  {
    name: 'without a word that one comes soon it is 503 with Retry-After at once, and to those who wait when the word is taken back',
    async run(stage) {
      await stage.serve([]);
      refused(await stage.ask());
      await stage.serve([], { waitForEndpoint: patient });
      const waiting = [stage.ask(), stage.ask({ method: 'POST', body: 'order' })];
      await arrived(stage, 3);
      await stage.serve([]);
      for (const answer of waiting) refused(await answer);
    },
  },
  {
    name: 'not more wait than may, over all workers, and none longer than it may',
    async run(stage) {
      await stage.serve([], { waitForEndpoint: { size: 4, timeout: 1_500 } });
      const began = performance.now();
      const times = await Promise.all(
        Array.from({ length: 12 }, async () => {
          refused(await stage.ask());
          return performance.now() - began;
        }),
      );
      assert.equal(times.filter((time) => time >= 1_400).length, 4, `${times.map(Math.round).join(' ')}`);
      await stage.serve([], { waitForEndpoint: patient });
      const after = stage.ask();
      await arrived(stage, 13);
      await stage.serve([await stage.backend('late')]);
      assert.equal((await after).body, 'late', 'who gave up has left the queue');
    },
  },
  {
    name: 'a client that leaves keeps nobody from being answered',
    async run(stage) {
      await stage.serve([], { waitForEndpoint: { size: 2, timeout: 60_000 } });
      const leaving = new AbortController();
      const gone = stage.ask({ signal: leaving.signal }).catch(() => null);
      await arrived(stage, 1);
      const stays = stage.ask({ path: '/stays' });
      await arrived(stage, 2);
      leaving.abort();
      assert.equal(await gone, null);
      await stage.serve([await stage.backend('next')]);
      assert.equal((await stays).status, 200);
      await until('nothing is under way', async () => (await stage.edge.inFlight()).size === 0);
    },
  },
  {
    name: 'where places are counted, those who waited for the endpoint take them in turn, with a queue and without',
    async run(stage) {
      for (const queue of [undefined, patient]) {
        const limit = { maxConnections: 2, ...(queue === undefined ? {} : { queue }) };
        await stage.serve([], { ...limit, waitForEndpoint: patient });
        const before = (await stage.edge.counters())[0]?.requests ?? 0;
        const answers = Array.from({ length: 12 }, () => stage.ask());
        await until('all are there', async () => ((await stage.edge.counters())[0]?.requests ?? 0) >= before + 12);
        const backend = await stage.backend(`limited-${queue?.size ?? 0}`, (_, response) => {
          setTimeout(() => response.end('done'), 15);
        });
        await stage.serve([backend], limit);
        assert.deepEqual(new Set((await Promise.all(answers)).map(({ status }) => status)), new Set([200]));
        assert.equal(backend.busiest, 2);
      }
    },
  },
];
