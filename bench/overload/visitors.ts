/**
 * A process of its own that asks one address: by visitors who wait for their answer (closed loop), or at a rate that does not care (open loop). Every second
 * request of the open loop comes on a connection of its own. Prints what became of each as JSON.
 *
 *   visitors.ts '{"port": 8080, "host": "shop.localhost", "phases": [{"visitors": 8, "seconds": 5}, {"rate": 800, "seconds": 60}]}'
 */
import { connect, type Socket } from 'node:net';
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
const head = `GET / HTTP/1.1\r\nHost: ${plan.host}\r\n`;
/** Connections that may be asked again. */
const idle: Socket[] = [];

/** The length of a whole answer in these bytes, or null. Nothing but what Kapal and the apps here send is understood: HTTP with Content-Length. */
function wholeLength(text: string): number | null {
  const end = text.indexOf('\r\n\r\n');
  const length = end === -1 ? null : /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
  if (length === null || length === undefined) return null;
  return end + 4 + Number(length) <= text.length ? end + 4 + Number(length) : null;
}

function ask(keeps: boolean, begun: number): Promise<Asked> {
  const at = performance.now();
  return new Promise((resolve) => {
    const socket = (keeps ? idle.pop() : undefined) ?? connect({ port: plan.port, noDelay: true });
    let text = '';
    const end = (status: number, retryAfter: string | null, reuse: boolean): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      if (reuse) {
        idle.push(socket);
        socket.once('close', () => {
          if (idle.includes(socket)) idle.splice(idle.indexOf(socket), 1);
        });
      } else socket.destroy();
      resolve({ at: at - begun, took: performance.now() - at, status, retryAfter });
    };
    const timer = setTimeout(() => end(0, null, false), patience);
    socket.on('data', (part) => {
      text += part.toString('latin1');
      if (wholeLength(text) === null) return;
      const retryAfter = /\r\nretry-after: *(.*?)\r\n/i.exec(text)?.[1] ?? null;
      end(Number(text.slice(9, 12)), retryAfter, keeps && !/\r\nconnection: *close/i.test(text));
    });
    socket.on('error', () => end(0, null, false));
    socket.on('close', () => end(0, null, false));
    socket.write(`${head}${keeps ? '' : 'Connection: close\r\n'}\r\n`);
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
