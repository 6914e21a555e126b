import { parseArgs } from 'node:util';
import { engines } from '../test/conformance/engines.ts';
import { visited } from '../test/conformance/overload-ground.ts';
import { healthyServices } from '../test/conformance/overload-healthy.ts';
import { Figures } from './figures.ts';

/**
 * Services that look busy and are well (long-poll, events, streams, quick and slow answers mixed, a slow start, uploads, a closed loop) are visited for
 * some minutes by both engines' edges. Needs a machine with a free core: visitors and services are one process, which must not be starved itself.
 *
 *   scripts/node24 bench/overload-healthy.ts [--clients 500] [--hold 30] [--seconds 120]
 *
 * Figure: no request is refused.
 */
const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '500' },
    hold: { type: 'string', default: '30' },
    seconds: { type: 'string', default: '120' },
  },
});
const scale = { clients: Number(values.clients), hold: 1_000 * Number(values.hold) };
const figures = new Figures();
for (const kind of engines) {
  await using under = await kind.make();
  await under.edge.ensure();
  const askers = await visited(under, healthyServices(scale), 1_000 * Number(values.seconds));
  for (const [name, { statuses }] of askers) {
    console.log(`${kind.name}, ${name}: ${JSON.stringify(Object.fromEntries(statuses))}`);
    figures.atMost(`${kind.name}, ${name}: refused`, { value: statuses.get(503) ?? 0, most: 0 });
  }
}
process.exit(figures.reached ? 0 : 1);
