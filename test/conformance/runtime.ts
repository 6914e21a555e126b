import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ServiceId } from '../../src/model/service.ts';
import type { RunHandle, RunObservation, RunSpec, Runtime } from '../../src/runtime/port.ts';

/** What a driver under test has to be able to run. */
export const programs = [
  /** Listens on PORT until it is told to end. */
  'serve',
  /** Runs, and never listens. */
  'idle',
  'exit-3',
  /** Ends itself by SIGKILL. */
  'killed',
  /** Ignores SIGTERM. */
  'stubborn',
  /** A shell that waits for the server it started, as `npm start` does. */
  'parent',
  /** Ends with code 5 and leaves a child in its group. */
  'orphan',
] as const;
export type Program = (typeof programs)[number];

/** A driver with a machine to itself. Disposing ends and removes all that it made. */
export interface RuntimeSubject extends AsyncDisposable {
  readonly runtime: Runtime;
  readonly service: ServiceId;
  /** A run with a new id, ready for `start`. */
  spec(program: Program): Promise<RunSpec>;
  /** Another daemon over the same machine. */
  reborn(): Promise<Runtime>;
  /** Lets time pass until it is so; fails with `what` after a deadline. */
  until(what: string, reached: () => Promise<boolean> | boolean): Promise<void>;
}

type Exited = Extract<RunObservation, { phase: 'exited' }>;
type Running = Extract<RunObservation, { phase: 'running' }>;

export function runtimeConformance(name: string, make: () => Promise<RuntimeSubject>): void {
  describe(`runtime port: ${name}`, () => {
    starting(make);
    ending(make);
    stopping(make);
    remembering(make);
  });
}

async function running(subject: RuntimeSubject, handle: RunHandle): Promise<Running> {
  let seen: Running | null = null;
  await subject.until(`${handle.id} runs`, async () => {
    const now = await subject.runtime.observe(handle);
    if (now.phase === 'running') seen = now;
    return now.phase !== 'launching';
  });
  assert.ok(seen !== null, 'it ended before it was seen running');
  return seen;
}

async function listening(subject: RuntimeSubject, handle: RunHandle): Promise<void> {
  await subject.until(`${handle.id} listens`, async () => {
    const now = await subject.runtime.observe(handle);
    assert.notEqual(now.phase, 'exited');
    return now.phase === 'running' && now.listening;
  });
}

async function exited(subject: RuntimeSubject, handle: RunHandle): Promise<Exited> {
  let seen: Exited | null = null;
  await subject.until(`${handle.id} has ended`, async () => {
    const now = await subject.runtime.observe(handle);
    if (now.phase === 'exited') seen = now;
    return seen !== null;
  });
  assert.ok(seen !== null);
  return seen;
}

async function begin(subject: RuntimeSubject, program: Program): Promise<RunHandle> {
  return subject.runtime.start(await subject.spec(program));
}

function starting(make: () => Promise<RuntimeSubject>): void {
  test('start with a known id starts nothing twice', async () => {
    await using subject = await make();
    const spec = await subject.spec('idle');
    const together = await Promise.all([subject.runtime.start(spec), subject.runtime.start(spec)]);
    const { pid } = await running(subject, together[0]);
    const later = await subject.runtime.start(spec);
    assert.deepEqual(later, together[0]);
    assert.deepEqual(together[1], together[0]);
    assert.equal((await running(subject, later)).pid, pid);
    assert.equal((await subject.runtime.inventory()).length, 1);
  });

  test('a server is launched, runs, listens', async () => {
    await using subject = await make();
    const spec = await subject.spec('serve');
    const handle = await subject.runtime.start(spec);
    assert.equal(handle.id, spec.id);
    assert.equal(handle.port, spec.port);
    assert.deepEqual(JSON.parse(JSON.stringify(handle)), handle);
    const first = await running(subject, handle);
    await listening(subject, handle);
    const now = await running(subject, handle);
    assert.equal(now.pid, first.pid);
    assert.equal(now.startedAt, first.startedAt);
    const usage = await subject.runtime.usage(handle);
    assert.ok(usage !== null && usage.residentBytes > 0 && usage.cpuMilliseconds >= 0, JSON.stringify(usage));
  });

  test('what does not listen is never said to listen', async () => {
    await using subject = await make();
    const handle = await begin(subject, 'idle');
    await running(subject, handle);
    let looks = 0;
    await subject.until('it was looked at 20 times', async () => {
      assert.equal((await running(subject, handle)).listening, false);
      looks += 1;
      return looks >= 20;
    });
  });
}

function ending(make: () => Promise<RuntimeSubject>): void {
  test('an exit code is kept', async () => {
    await using subject = await make();
    const handle = await begin(subject, 'exit-3');
    const { exit, remains } = await exited(subject, handle);
    assert.deepEqual(
      { code: exit.code, signal: exit.signal, reason: exit.reason },
      { code: 3, signal: null, reason: 'exited' },
    );
    assert.equal(remains, false);
    assert.deepEqual((await exited(subject, handle)).exit, exit);
    assert.equal(await subject.runtime.usage(handle), null);
  });

  test('a signal is told from a code', async () => {
    await using subject = await make();
    const { exit } = await exited(subject, await begin(subject, 'killed'));
    assert.deepEqual(
      { code: exit.code, signal: exit.signal, reason: exit.reason },
      { code: null, signal: 'SIGKILL', reason: 'signalled' },
    );
  });

  test('processes that outlive their leader are seen, and can be killed', async () => {
    await using subject = await make();
    const handle = await begin(subject, 'orphan');
    const first = await exited(subject, handle);
    assert.equal(first.exit.code, 5);
    assert.equal(first.remains, true);
    await subject.runtime.signal(handle, 'kill');
    await subject.until('nothing remains', async () => !(await exited(subject, handle)).remains);
    assert.deepEqual((await exited(subject, handle)).exit, first.exit);
  });

  test('a hint comes when a run ends', async () => {
    await using subject = await make();
    const hints: string[] = [];
    using _watch = subject.runtime.watch((run) => hints.push(run));
    const handle = await begin(subject, 'exit-3');
    await subject.until('a hint came', () => hints.includes(handle.id));
    await exited(subject, handle);
  });
}

function stopping(make: () => Promise<RuntimeSubject>): void {
  test('terminate ends a server by SIGTERM', async () => {
    await using subject = await make();
    const handle = await begin(subject, 'serve');
    await listening(subject, handle);
    await subject.runtime.signal(handle, 'terminate');
    const { exit } = await exited(subject, handle);
    assert.deepEqual({ signal: exit.signal, reason: exit.reason }, { signal: 'SIGTERM', reason: 'signalled' });
  });

  test('terminate reaches the process behind a shell, as under npm start', async () => {
    await using subject = await make();
    const handle = await begin(subject, 'parent');
    await listening(subject, handle);
    await subject.runtime.signal(handle, 'terminate');
    await subject.until('all of it has ended', async () => !(await exited(subject, handle)).remains);
  });

  test('what ignores SIGTERM runs on until it is killed', async () => {
    await using subject = await make();
    const handle = await begin(subject, 'stubborn');
    await listening(subject, handle);
    await subject.runtime.signal(handle, 'terminate');
    let looks = 0;
    await subject.until('it was looked at 20 times', async () => {
      assert.equal((await subject.runtime.observe(handle)).phase, 'running');
      looks += 1;
      return looks >= 20;
    });
    await subject.runtime.signal(handle, 'kill');
    const { exit, remains } = await exited(subject, handle);
    assert.deepEqual({ signal: exit.signal, remains }, { signal: 'SIGKILL', remains: false });
  });

  test('a signal that comes right after start is not lost', async () => {
    await using subject = await make();
    const handle = await begin(subject, 'idle');
    await subject.runtime.signal(handle, 'terminate');
    await subject.until('all of it has ended', async () => !(await exited(subject, handle)).remains);
  });

  test('a run that is gone can be signalled and disposed of again', async () => {
    await using subject = await make();
    const handle = await begin(subject, 'exit-3');
    await exited(subject, handle);
    await subject.runtime.signal(handle, 'terminate');
    await subject.runtime.signal(handle, 'kill');
    await subject.runtime.dispose(handle);
    await subject.runtime.dispose(handle);
    await subject.runtime.signal(handle, 'kill');
    const { exit, remains } = await exited(subject, handle);
    assert.deepEqual({ reason: exit.reason, remains }, { reason: 'unknown', remains: false });
    assert.deepEqual(await subject.runtime.inventory(), []);
  });

  test('dispose ends what still runs', async () => {
    await using subject = await make();
    const handle = await begin(subject, 'stubborn');
    await listening(subject, handle);
    await subject.runtime.dispose(handle);
    assert.equal((await exited(subject, handle)).remains, false);
    assert.deepEqual(await subject.runtime.inventory(), []);
  });
}

function remembering(make: () => Promise<RuntimeSubject>): void {
  test('another daemon finds every run, and sees the same process', async () => {
    await using subject = await make();
    const server = await begin(subject, 'serve');
    const finished = await begin(subject, 'exit-3');
    const { pid } = await running(subject, server);
    const { exit } = await exited(subject, finished);
    const next = await subject.reborn();
    const byId = (a: RunHandle, b: RunHandle): number => a.id.localeCompare(b.id);
    assert.deepEqual([...(await next.inventory())].toSorted(byId), [server, finished].toSorted(byId));
    const seen = await next.observe(server);
    assert.equal(seen.phase === 'running' ? seen.pid : null, pid);
    const ended = await next.observe(finished);
    assert.deepEqual(ended.phase === 'exited' ? ended.exit : null, exit);
    await next.dispose(server);
    assert.equal((await subject.runtime.observe(server)).phase, 'exited');
  });

  test('a service with runs is not forgotten', async () => {
    await using subject = await make();
    const handle = await begin(subject, 'exit-3');
    await assert.rejects(subject.runtime.forget(subject.service), { code: 'conflict' });
    await exited(subject, handle);
    await subject.runtime.dispose(handle);
    await subject.runtime.forget(subject.service);
    await subject.runtime.forget(subject.service);
  });
}
