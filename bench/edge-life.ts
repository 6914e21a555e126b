import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'node:net';
import { processesOf, send } from '../test/e2e/install.ts';
import { type TestKapal, until } from '../test/e2e/kapal.ts';
import { server } from '../test/e2e/survival.ts';
import { median } from './figures.ts';
import { onStage } from './stage.ts';

/**
 * Processes of the edge are killed with SIGKILL while the daemon runs: whoever holds the sockets (nginx's master, the keeper), one worker, all workers, all of
 * it. From each kill on, visitors connect anew, one after the other, until one is answered; then it is waited for until the edge is whole.
 *
 *   scripts/node24 bench/edge-life.ts [embedded|nginx] [KILLS]
 *
 * Figures: milliseconds from the kill to the first answer on a connection that was opened after it, median and worst; at most 1,000 for the worst.
 */
const engine = process.argv[2] ?? 'nginx';
const kills = Number(process.argv[3] ?? 20);
const most = 1_000;

type Victims = (edge: Edge) => readonly number[];

interface Edge {
  /** nginx's master; the keeper and its slots. */
  readonly holders: readonly number[];
  readonly workers: readonly number[];
}

const cases: readonly { readonly name: string; readonly kills: number; readonly victims: Victims }[] = [
  { name: 'all of it', kills, victims: ({ holders, workers }) => [...holders, ...workers] },
  { name: 'all workers', kills, victims: ({ workers }) => workers },
  { name: 'one worker', kills: Math.ceil(kills / 2), victims: ({ workers }) => workers.slice(0, 1) },
  { name: 'the master or keeper', kills: Math.ceil(kills / 2), victims: ({ holders }) => holders.slice(0, 1) },
];

/** Everything of the edge that runs, in the order in which it was started. */
function edgeOf(kapal: TestKapal): Edge {
  const all = processesOf(kapal).filter(({ role }) => role === 'edge');
  const isHolder = (command: string): boolean => /master process|keeper\.sh/.test(command);
  const pids = (holds: boolean): number[] =>
    all
      .filter(({ command }) => isHolder(command) === holds && !command.includes('is shutting down'))
      .map(({ pid }) => pid)
      .toSorted((one, other) => one - other);
  return { holders: pids(true), workers: pids(false) };
}

/** One request on a connection of its own, given up after `patience` milliseconds. */
function isAnswered(port: number, patience: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let answer = '';
    const timer = setTimeout(() => socket.destroy(), patience);
    socket.on('data', (part: Buffer) => (answer += part.toString('latin1')));
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(answer.startsWith('HTTP/1.1 200'));
    });
    socket.write('GET / HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n');
  });
}

/** Milliseconds until a connection that was opened after this call is answered. Several visitors, for one may wait where nobody accepts yet. */
async function firstAnswer(port: number): Promise<number> {
  const begun = performance.now();
  let first = Number.POSITIVE_INFINITY;
  const visitor = async (): Promise<void> => {
    while (first === Number.POSITIVE_INFINITY) {
      if (await isAnswered(port, 30_000)) first = Math.min(first, performance.now() - begun);
      else await pause(5);
    }
  };
  await Promise.race([visitor(), visitor(), visitor()]);
  return first;
}

function isWhole(kapal: TestKapal, gone: readonly number[], whole: Edge): boolean {
  const { holders, workers } = edgeOf(kapal);
  const all = [...holders, ...workers];
  const complete = holders.length === whole.holders.length && workers.length === whole.workers.length;
  return complete && !all.some((pid) => gone.includes(pid));
}

await onStage(async (kapal, figures) => {
  await kapal.up(['--edge', engine]);
  const declaration =
    'services: [{type: web, name: shop, runtime: node, startCommand: node server.js, healthCheckPath: /healthz}]\n';
  await kapal.deploy(
    await kapal.project('shop', { 'kapal.yaml': declaration, 'package.json': '{}', 'server.js': server }),
  );
  await until('it answers', () => isAnswered(kapal.http, 1_000));
  const whole = edgeOf(kapal);
  console.log(`${engine}: ${whole.holders.length} that hold the sockets, ${whole.workers.length} workers`);

  for (const { name, kills: times, victims } of cases) {
    const [answers, repairs]: number[][] = [[], []];
    for (let kill = 0; kill < times; kill += 1) {
      const gone = victims(edgeOf(kapal));
      const begun = performance.now();
      for (const pid of gone) send(pid, 'SIGKILL');
      answers?.push(await firstAnswer(kapal.http));
      await until(`${name}: it is whole again`, async () => isWhole(kapal, gone, whole));
      repairs?.push(performance.now() - begun);
      // Whatever follows on the repair has ended, and the daemon's looks fall somewhere else next time.
      await pause(700 + Math.random() * 500);
    }
    const [seen, repaired] = [answers ?? [], repairs ?? []];
    const text = (values: readonly number[]) =>
      `median ${median(values).toFixed(0)}, worst ${Math.max(...values).toFixed(0)} ms`;
    console.log(`${name}, ${times} kills: first answer ${text(seen)}; whole again ${text(repaired)}`);
    figures.atMost(`worst first answer after a kill of ${name}`, { value: Math.max(...seen), most, unit: ' ms' });
  }
});
