import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { leftovers, usersOf } from '../e2e/install.ts';
import { hasEnded, TestKapal } from '../e2e/kapal.ts';
import { until } from '../patience.ts';
import type { Arms, Engine } from './crash.ts';

/**
 * The first start of a daemon in an empty data folder, killed where it is armed, until one comes to serve. Then it serves nothing, and when it is asked to end
 * with everything, nothing is left. Answers the points of the kills.
 */
export async function surviveFirstStart(edge: Engine, arms: Arms): Promise<readonly string[]> {
  const kapal = await TestKapal.prepare();
  kapal.edge = edge;
  const armed = join(kapal.folder, 'armed');
  const passed = join(kapal.folder, 'passed');
  const points = (): string[] => (existsSync(passed) ? readFileSync(passed, 'utf8').split('\n').filter(Boolean) : []);
  kapal.more = { KAPAL_CRASHPOINTS: armed, KAPAL_CRASHPOINTS_PASSED: passed };
  const killed: string[] = [];
  try {
    for (let isUp = false; !isUp; ) {
      writeFileSync(armed, arms(killed).join('\n'));
      isUp = await kapal.up().then(
        () => true,
        (error: unknown) => {
          if (!String(error).includes('SIGKILL')) throw error;
          killed.push(points().at(-1) ?? 'before the first point');
          return false;
        },
      );
    }
    writeFileSync(armed, '');
    assert.deepEqual(await kapal.ps(), []);
    const { daemon } = kapal;
    assert.equal((await kapal.run('down', '--apps')).code, 0);
    await until('the daemon ends', () => daemon === null || hasEnded(daemon));
    assert.deepEqual([...leftovers(kapal), ...usersOf(kapal)], [], `I6, at ${killed.join(', ')}`);
  } finally {
    await kapal.killDaemon();
    await kapal.discard();
  }
  return killed;
}
