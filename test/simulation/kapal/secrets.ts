import { existsSync, readFileSync } from 'node:fs';
import type { World } from './world.ts';

/** What every planted value begins with. */
export const planted = 'planted-';

/** I7: planted values are in the environment of the runs that need them, and nowhere else in clear. */
export function checkSecrets(world: World): void {
  const { checks, record, machine, edge, logs, said } = world;
  const places: Record<string, string> = {
    'the daemon log': said.join('\n'),
    'the log of a service': JSON.stringify(logs.lines),
    'a route table': JSON.stringify(edge.tables),
    'a command line': machine.runs.map(({ spec }) => `${spec.command} ${spec.directory}`).join('\n'),
  };
  for (const end of ['', '-wal'])
    if (existsSync(`${record}${end}`)) places[`record.db${end}`] = readFileSync(`${record}${end}`, 'latin1');
  for (const [place, text] of Object.entries(places))
    if (text.includes(planted)) checks.fail(`I7: a planted secret is in ${place}`);
}
