/**
 * A process of its own that asks one address: by visitors who wait for their answer (closed loop), or at a rate that does not care (open loop). Every second
 * request of the open loop comes on a connection of its own. Prints what became of each as JSON.
 *
 *   visitors.ts '{"port": 8080, "host": "shop.localhost", "phases": [{"visitors": 8, "seconds": 5}, {"rate": 800, "seconds": 60}]}'
 */
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

export interface Plan {
  readonly port: number;
  readonly host: string;
  readonly phases: readonly Phase[];
}

export type Phase = {
  readonly seconds: number;
} & ({ readonly visitors: number } | { readonly rate: number });

/** `status` 0: no answer within the patience of a visitor, or a broken connection. Milliseconds, `at` since the phase began. */
export interface Asked {
  readonly at: number;
  readonly took: number;
  readonly status: number;
  readonly retryAfter: string | null;
}

/** Milliseconds after which a visitor gives up. */
const patience = 5_000;

const plan = JSON.parse(process.argv[2] ?? '') as Plan;
const kept = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

function ask(keeps: boolean, begun: number): Promise<Asked> {
  const at = performance.now();
  return new Promise((resolve) => {
    let over = false;
    const end = (status: number, retryAfter: string | null = null): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      resolve({ at: at - begun, took: performance.now() - at, status, retryAfter });
    };
    const asked = request({ port: plan.port, agent: keeps ? kept : false, headers: { host: plan.host } }, (response) => {
      response.resume();
      response.on('error', () => end(0));
      response.on('end', () => end(response.statusCode ?? 0, response.headers['retry-after'] ?? null));
    });
    const timer = setTimeout(() => {
      end(0);
      asked.destroy();
    }, patience);
    asked.on('error', () => end(0));
    asked.end();
  });
}

async function closed(visitors: number, milliseconds: number): Promise<Asked[]> {
  const begun = performance.now();
  const all: Asked[] = [];
  const walk = async (): Promise<void> => {
    while (performance.now() - begun < milliseconds) all.push(await ask(true, begun));
  };
  await Promise.all(Array.from({ length: visitors }, walk));
  return all;
}

async function open(rate: number, milliseconds: number): Promise<Promise<Asked>[]> {
  const begun = performance.now();
  const all: Promise<Asked>[] = [];
  for (let elapsed = 0; elapsed < milliseconds; elapsed = performance.now() - begun) {
    while (all.length < (elapsed * rate) / 1000) all.push(ask(all.length % 2 === 0, begun));
    await pause(2);
  }
  return all;
}

/** What waits at the end of a phase is still waited for while the next one goes on. */
const phases: Promise<readonly Asked[]>[] = [];
for (const phase of plan.phases) {
  if ('visitors' in phase) phases.push(Promise.resolve(await closed(phase.visitors, phase.seconds * 1000)));
  else phases.push(Promise.all(await open(phase.rate, phase.seconds * 1000)));
}
process.stdout.write(JSON.stringify(await Promise.all(phases)), () => process.exit(0));
