import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Campaign } from './campaign.ts';
import { Dead } from './life.ts';

/**
 * `npm run simulate -- [--seed N] [--from N] [--seconds S] [--least N] [--bugs] [--bug TEXT] [--json]`: histories of a whole Kapal, each from one seed.
 * `--seed`: one, twice, with its last calls where something did not hold. Else from seed `--from` on until `--seconds` are over, `--least` in any case.
 * `--bugs`: each planted bug until it is found. Exits with 1 where an invariant did not hold, or a planted bug was not found.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '20' },
    least: { type: 'string', default: '10' },
    bugs: { type: 'boolean', default: false },
    bug: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

// What is left of a dead daemon in memory fails without anybody to hear of it.
process.on('unhandledRejection', (error) => {
  if (!(error instanceof Dead)) campaign.crashed(error);
});
// A record in memory: the disk is not what is looked at here.
const memory = statSync('/dev/shm', { throwIfNoEntry: false })?.isDirectory() === true ? '/dev/shm' : tmpdir();
const folder = mkdtempSync(join(memory, 'kapal-simulation-'));
const campaign = new Campaign({ folder, json: values.json });
// The daemon's own timers are simulated: nothing else keeps the process alive between two turns.
const alive = setInterval(() => undefined, 60_000);
try {
  const from = Number(values.from);
  const sound =
    values.seed !== undefined
      ? await campaign.replay(Number(values.seed), values.bug)
      : values.bugs || values.bug !== undefined
        ? await campaign.findBugs(from, values.bug)
        : await campaign.explore({ from, seconds: Number(values.seconds), least: Number(values.least) });
  process.exitCode = sound ? 0 : 1;
} finally {
  clearInterval(alive);
  rmSync(folder, { recursive: true, force: true });
}
