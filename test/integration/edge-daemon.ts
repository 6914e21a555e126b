/** What a daemon does with its edge, as a program that the tests can kill: `edge-daemon.ts FOLDER HTTP-PORT HTTPS-PORT TABLE`. Prints the status as JSON. */
import { createEmbeddedEdge } from '../../src/edge/embedded/driver.ts';
import type { RouteTable } from '../../src/edge/port.ts';
import { systemClock } from '../../src/lib/clock.ts';

const [folder = '', http, https, table = ''] = process.argv.slice(2);
const edge = createEmbeddedEdge({
  folder,
  http: { host: '127.0.0.1', port: Number(http) },
  https: { host: '127.0.0.1', port: Number(https) },
  workers: 2,
  node: process.execPath,
  account: null,
  clock: systemClock,
});
await edge.ensure();
await edge.apply(JSON.parse(table) as RouteTable);
console.log(JSON.stringify(await edge.status()));
// Stays until it is killed: its standard input is never closed.
process.stdin.resume();
