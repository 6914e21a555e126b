import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { seen } from '../patience.ts';

const program = fileURLToPath(new URL('./edge-plane-places-worker.ts', import.meta.url));

/** Worker processes over one folder of sockets. */
class Workers implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'kapal-places-'));
  readonly #children: ChildProcess[] = [];
  readonly told: string[][] = [];

  /** `socket`: whether it stands among those of whom a new chair waits to hear. */
  start(socket = true): number {
    const number = this.#children.length;
    const name = `worker-1-${number}.sock`;
    if (socket) writeFileSync(join(this.folder, name), '');
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, this.folder, name], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const told: string[] = [];
    let text = '';
    child.stdout.on('data', (part: Buffer) => {
      text += part.toString();
      told.push(...text.split('\n').slice(0, -1));
      text = text.slice(text.lastIndexOf('\n') + 1);
    });
    this.#children.push(child);
    this.told.push(told);
    return number;
  }

  tell(worker: number, line: string): void {
    this.#child(worker).stdin?.write(`${line}\n`);
  }

  async hears(worker: number, line: string): Promise<void> {
    await seen(
      () => `${line} at worker ${worker}: ${JSON.stringify(this.told)}`,
      () => this.told[worker]?.includes(line),
    );
  }

  signal(worker: number, signal: NodeJS.Signals): void {
    this.#child(worker).kill(signal);
  }

  async kill(worker: number): Promise<void> {
    const child = this.#child(worker);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    rmSync(join(this.folder, `worker-1-${worker}.sock`), { force: true });
  }

  /** Sockets of chairs, living and dead. */
  chairs(): string[] {
    return readdirSync(this.folder).filter((name) => name.startsWith('places-'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#children.keys()) await this.kill(worker);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #child(worker: number): ChildProcess {
    const child = this.#children[worker];
    if (child === undefined) throw new Error(`no worker ${worker}`);
    return child;
  }
}

test('places and queue are counted over all workers, and the turn is kept across them', async () => {
  await using workers = new Workers();
  const [one, two, three] = [workers.start(), workers.start(), workers.start()];
  workers.tell(one, 'ask 1 2 2 a');
  await workers.hears(one, '1 at a');
  workers.tell(two, 'ask 2 2 2 a');
  await workers.hears(two, '2 at a');
  workers.tell(three, 'ask 3 2 2 a');
  workers.tell(three, 'ask 4 2 1 a');
  await workers.hears(three, '4 refused');
  workers.tell(two, 'ask 5 2 2 a');
  workers.tell(one, 'ask 6 2 2 a b');
  await workers.hears(one, '6 at b');
  assert.equal(workers.chairs().length, 1);
  workers.tell(one, 'free a');
  await workers.hears(three, '3 at a');
  workers.tell(three, 'free a');
  await workers.hears(two, '5 at a');
});

test('a withdrawn request takes no place', async () => {
  await using workers = new Workers();
  const [one, two] = [workers.start(), workers.start()];
  workers.tell(one, 'ask 1 1 5 a');
  await workers.hears(one, '1 at a');
  workers.tell(two, 'ask 2 1 5 a');
  workers.tell(two, 'ask 3 1 0 a');
  await workers.hears(two, '3 refused');
  workers.tell(two, 'withdraw 2');
  workers.tell(two, 'ask 4 1 5 a');
  workers.tell(two, 'ask 5 1 0 a');
  await workers.hears(two, '5 refused');
  workers.tell(one, 'free a');
  await workers.hears(two, '4 at a');
  assert.ok(workers.told[two]?.every((line) => !line.startsWith('2 ')));
});

test('a worker that is killed leaks no place, and when it kept them another does, with what is held', async () => {
  await using workers = new Workers();
  const chair = workers.start();
  workers.tell(chair, 'ask 1 3 5 a');
  await workers.hears(chair, '1 at a');
  const [two, three] = [workers.start(), workers.start()];
  workers.tell(two, 'ask 2 3 5 a');
  workers.tell(three, 'ask 3 3 5 a');
  await workers.hears(two, '2 at a');
  await workers.hears(three, '3 at a');
  workers.tell(two, 'ask 4 3 5 a');
  workers.tell(two, 'ask 5 3 0 a');
  await workers.hears(two, '5 refused');
  await workers.kill(chair);
  await workers.hears(two, '4 at a');
  workers.tell(three, 'ask 6 3 5 a');
  workers.tell(three, 'ask 7 3 0 a');
  await workers.hears(three, '7 refused');
  assert.ok(workers.told[three]?.includes('6 at a') === false, 'two, three and the one that waited hold all three');
  await workers.kill(two);
  await workers.hears(three, '6 at a');
});

test('a worker that hangs while it keeps the places is replaced, and steps back when it wakes', async () => {
  await using workers = new Workers();
  const chair = workers.start();
  workers.tell(chair, 'ask 1 2 5 a');
  await workers.hears(chair, '1 at a');
  const [two, three] = [workers.start(), workers.start()];
  workers.tell(two, 'ask 2 2 5 a');
  await workers.hears(two, '2 at a');
  workers.signal(chair, 'SIGSTOP');
  workers.tell(three, 'ask 3 2 5 a');
  await workers.hears(three, '3 at a');
  workers.tell(chair, 'ask 4 2 5 a');
  workers.signal(chair, 'SIGCONT');
  // Three are there now, for the one that stood still could not tell what it held; nobody more is let in.
  workers.tell(chair, 'ask 5 9 0 b');
  await workers.hears(chair, '5 at b');
  workers.tell(two, 'free a');
  workers.tell(three, 'free a');
  await workers.hears(chair, '4 at a');
  workers.tell(two, 'ask 6 2 0 a');
  workers.tell(three, 'ask 7 2 0 a');
  await workers.hears(two, '6 refused');
  await workers.hears(three, '7 refused');
  assert.equal(workers.chairs().length, 1);
});
