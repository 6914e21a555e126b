import { type FileHandle, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { asFailure, isFailureDocument } from '../../api/contract/exit.ts';
import { logFile } from '../../api/contract/places.ts';
import { launch } from '../../lib/exec.ts';
import type { Invocation } from '../command.ts';
import type { DaemonFacts, DaemonOptions } from '../host.ts';
import { daemonArguments } from './options.ts';

const BETWEEN = 30;
/** Lines of the daemon's log that explain why it ended. */
const TAIL = 15;
/** As the launcher starts a daemon; this command line may have been started without it. */
const savesMemory = ['--optimize-for-size', '--v8-pool-size=1'];

/**
 * Starts a daemon that outlives this command, in a session of its own, and resolves when it is ready. Rejects with the error that it
 * ended with.
 */
export async function startDetached(
  { host }: Invocation,
  options: Omit<DaemonOptions, 'onReady'>,
): Promise<DaemonFacts> {
  const log = join(options.data, logFile);
  await mkdir(options.data, { recursive: true, mode: 0o755 });
  await mkdir(dirname(log), { recursive: true, mode: 0o700 });
  await using answer = await openNameless();
  await using errors = await open(log, 'a', 0o600);
  const [node = '', ...program] = host.program;
  const flags = [...savesMemory.filter((flag) => !program.includes(flag)), ...program];
  const child = launch(node, [...flags, 'up', '--json', ...daemonArguments(options)], {
    cwd: '/',
    env: { MALLOC_ARENA_MAX: '2', ...host.env },
    stdio: ['ignore', answer.fd, errors.fd],
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `exited with code ${code}` : `was ended by ${signal}`),
    );
  });
  const facts = await ready(answer, ended, log);
  child.unref();
  return facts;
}

/** A file that has no name any more: the daemon may write to it for as long as it likes, and nothing is left behind. */
async function openNameless(): Promise<FileHandle> {
  const path = join(tmpdir(), `kapal-up-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}

async function ready(answer: FileHandle, ended: Promise<string>, log: string): Promise<DaemonFacts> {
  let end: string | null = null;
  void ended.then((how) => (end = how));
  for (;;) {
    // Read after the end was noticed: what it said last is there then.
    const over: string | null = end;
    const document = await firstLine(answer);
    if (isFailureDocument(document)) throw asFailure(document.error);
    if (document !== null) return document as DaemonFacts;
    if (over !== null) throw await silentEnd(over, log);
    await Promise.race([pause(BETWEEN), ended]);
  }
}

async function firstLine(file: FileHandle): Promise<unknown> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, 0);
  const text = buffer.toString('utf8', 0, bytesRead);
  const end = text.indexOf('\n');
  return end === -1 ? null : JSON.parse(text.slice(0, end));
}

async function silentEnd(how: string, log: string): Promise<Error> {
  const lines = (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-TAIL);
  const document = {
    code: 'internal',
    message: `the daemon ${how} before it was ready`,
    hint: `Its log: ${log}`,
    log: lines,
  } as const;
  return asFailure(document);
}
