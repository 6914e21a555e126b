import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../patience.ts';
import { engines } from './engines.ts';
import { type Asker, visited, type Visited } from './overload-ground.ts';
import { inTurn } from './overload-healthy.ts';

/** So long each engine is visited, milliseconds: it takes the edge ten seconds to learn what is usual. */
const moment = 16_000;

interface Overloaded {
  readonly name: string;
  readonly times: number;
  readonly pool?: Visited['pool'];
  readonly enough: (asker: Asker) => boolean;
}

/** 50 requests a second; asked for half of it, until the edge may know that, and then for `times` as many, until enough were refused. */
function overloaded({ name, times, pool, enough }: Overloaded): Visited {
  return {
    name,
    listener: inTurn(() => 20),
    ...(pool === undefined ? {} : { pool }),
    async visit(asker) {
      const begun = performance.now();
      await asker.rate(25, () => performance.now() - begun >= 12_000);
      assert.deepEqual([...asker.statuses.keys()], [200], 'nothing is refused while it can be answered');
      await asker.rate(times * 50, () => enough(asker));
      await asker.settled();
      // When all that was let in has been answered, it is as before.
      for (let i = 0; i < 20; i += 1) assert.equal(await asker.ask(), 200);
    },
  };
}

describe('overload: what is more than can be answered is refused, unless the pool says otherwise', {
  concurrency: true,
}, () => {
  for (const kind of engines) {
    test(kind.name, async () => {
      await using under = await kind.make();
      await under.edge.ensure();
      const refused = (asker: Asker): boolean => (asker.statuses.get(503) ?? 0) >= 10;
      const begun = performance.now();
      const services = [
        overloaded({ name: 'crowded', times: 5, enough: refused }),
        // Told to pass everything on: nobody is refused, whatever else becomes of them.
        overloaded({
          name: 'open',
          times: 3,
          pool: { overload: 'off' },
          enough: () => performance.now() - begun > moment,
        }),
      ];
      const told = async (wanted: readonly string[]): Promise<void> =>
        until(`overloaded are ${wanted.join()}`, async () => {
          const { overloaded: seen } = await under.edge.status();
          return seen.join() === wanted.join();
        });
      const [askers] = await Promise.all([visited(under, services, moment), told(['crowded.1'])]);
      for (const [name, { statuses }] of askers) if (name === 'open') assert.equal(statuses.get(503), undefined);
      const crowded = askers.get('crowded');
      assert.ok(crowded !== undefined);
      assert.ok(crowded.statuses.has(200) && crowded.statuses.has(503));
      assert.ok([...crowded.retryAfter].every((seconds) => /^[1-3]$/.test(seconds)));
      assert.ok(crowded.retryAfter.size > 1, 'not all are told to come back at the same moment');
      const shed = (await under.edge.counters()).filter((counters) => counters.shed > 0);
      assert.deepEqual(
        shed.map((counters) => [counters.pool, counters.shed]),
        [['crowded', crowded.statuses.get(503)]],
      );
      assert.deepEqual((await under.edge.status()).shed, { crowded: crowded.statuses.get(503) });
      await until('nothing is under way', async () => (await under.edge.inFlight()).size === 0);
      await told([]);
    });
  }
});
