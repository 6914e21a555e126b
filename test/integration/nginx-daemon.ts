/** What a daemon does with its nginx edge, as a program that the tests can kill: `nginx-daemon.ts FOLDER PORT TABLE`. Prints the status as JSON. */
import { createNginxEdge } from '../../src/edge/nginx/driver.ts';
import type { RouteTable } from '../../src/edge/port.ts';
import { systemClock } from '../../src/lib/clock.ts';

const [folder = '', port, table = ''] = process.argv.slice(2);
const edge = createNginxEdge({
  folder,
  http: { host: '127.0.0.1', port: Number(port) },
  https: null,
  workers: 2,
  account: null,
  clock: systemClock,
});
await edge.ensure();
await edge.apply(JSON.parse(table) as RouteTable);
console.log(JSON.stringify(await edge.status()));
// Stays until it is killed: its standard input is never closed.
process.stdin.resume();
