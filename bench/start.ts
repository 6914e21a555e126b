import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type TestKapal, until } from '../test/e2e/kapal.ts';
import { freePort } from '../test/free-port.ts';
import type { Figures } from './figures.ts';
import { median } from './figures.ts';
import { onStage } from './stage.ts';

/**
 * How long one instance of a service that needs no build takes from `kapal deploy` to live, beside the boot of the same program alone; and what an
 * unchanged deploy costs, beside `node -e 0`. Interleaved; medians.
 */
const rounds = 9;
const pairs = 21;
const program = "require('node:http').createServer((q, s) => s.end('ok')).listen(process.env.PORT)\n";
const declaration =
  'services:\n  - {type: web, name: hello, runtime: node, startCommand: node server.js, maxShutdownDelaySeconds: 2}\n';

await onStage(async (kapal, figures) => {
  await kapal.up();
  await firstTraffic(kapal, figures);
  await unchanged(kapal, figures);
});

/** Every deploy changes one line, so that each is a release of its own. */
async function firstTraffic(kapal: TestKapal, figures: Figures): Promise<void> {
  const boots: number[] = [];
  const deploys: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const folder = await kapal.project('hello', { 'kapal.yaml': declaration, 'server.js': `${program}// ${round}\n` });
    boots.push(await bootAlone(kapal, join(folder, 'server.js')));
    const begun = performance.now();
    const [service] = (await kapal.deploy(folder)).services;
    if (service?.outcome !== 'live') throw new Error(`a deploy ended ${service?.outcome}: ${service?.error?.message}`);
    deploys.push(performance.now() - begun);
  }
  const boot = median(boots);
  const deploy = median(deploys);
  console.log(
    `boot of the program alone ${boot.toFixed(0)} ms; whole command "kapal deploy" to live ${deploy.toFixed(0)} ms (medians of ${rounds})`,
  );
  figures.atMost('from kapal deploy to live, beyond the own boot', { value: deploy - boot, most: 1_000, unit: ' ms' });
}

async function unchanged(kapal: TestKapal, figures: Figures): Promise<void> {
  const folder = join(kapal.folder, 'hello');
  const bare: number[] = [];
  const same: number[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    bare.push(await timed(() => ran(process.execPath, ['-e', '0'])));
    same.push(
      await timed(async () => {
        const [service] = (await kapal.deploy(folder)).services;
        if (service?.outcome !== 'unchanged') throw new Error(`not unchanged but ${service?.outcome}`);
      }),
    );
  }
  console.log(
    `node -e 0: ${median(bare).toFixed(0)} ms; unchanged deploy: ${median(same).toFixed(0)} ms (medians of ${pairs}, interleaved)`,
  );
  figures.atMost('unchanged deploy, times node -e 0', { value: median(same) / median(bare), most: 6 });
}

/** Milliseconds until the program's port accepts. */
async function bootAlone(kapal: TestKapal, file: string): Promise<number> {
  const port = await freePort();
  const begun = performance.now();
  const child = spawn(process.execPath, [file], { env: { PORT: String(port) }, stdio: 'ignore', cwd: kapal.folder });
  try {
    await until('the program listens', () => accepts(port));
    return performance.now() - begun;
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

function ran(file: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...args], { stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', () => resolve());
  });
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
