/**
 * A worker of nothing but places, told by lines of standard input: `ask ID LIMIT QUEUE ENDPOINT...`, `free ENDPOINT`, `withdraw ID`.
 * It prints `ID at ENDPOINT` and `ID refused`.
 *
 *   edge-plane-places-worker.ts FOLDER NAME
 */
import { createInterface } from 'node:readline';
import type { PlaceRequest } from '../../src/edge/embedded/plane/places.ts';
import { SharedPlaces } from '../../src/edge/embedded/shared-places.ts';

const [folder = '', name = ''] = process.argv.slice(2);
const held = new Map<string, number>();
const requests = new Map<string, PlaceRequest>();
const places = new SharedPlaces({ folder, name, report: (text) => console.error(text) });
places.start(() => held);
places.open();

function change(endpoint: string, by: number): void {
  held.set(endpoint, (held.get(endpoint) ?? 0) + by);
}

function ask(id: string, [limit = '', queue = '', ...order]: readonly string[]): void {
  const request: PlaceRequest = {
    pool: 'p',
    limit: Number(limit),
    queue: Number(queue),
    order,
    granted: (endpoint) => {
      change(endpoint, 1);
      console.log(`${id} at ${endpoint}`);
    },
    refused: () => console.log(`${id} refused`),
  };
  requests.set(id, request);
  places.ask(request);
}

for await (const line of createInterface({ input: process.stdin })) {
  const [word = '', subject = '', ...more] = line.split(' ');
  const request = requests.get(subject);
  if (word === 'ask') ask(subject, more);
  else if (word === 'withdraw' && request !== undefined) places.withdraw(request);
  else if (word === 'free') {
    change(subject, -1);
    places.change(subject, -1);
  }
}
places.close();
