import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

/** How a program ended, each fact in a field of its own. `missing` means that the program is not there (ENOENT). */
export interface ExecResult {
  readonly ok: boolean;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly missing: boolean;
  readonly timedOut: boolean;
  readonly truncated: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  readonly cwd?: string;
  /** The whole environment of the program; nothing is inherited unless it stands here. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** Milliseconds until the program's group gets SIGKILL. */
  readonly timeout?: number;
  /** Bytes of stdout and of stderr that are kept; the rest is read and dropped. 10 MiB unless told. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

/** A minimal environment for programs that Kapal itself calls. */
export function plainEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C.UTF-8',
    ...more,
  };
}

/**
 * Runs a program by its argument list, never through a shell, and resolves when it has ended; it does not throw for a non-zero exit.
 * The program leads its own process group so that a time-out or an abort ends all of it.
 */
export async function exec(program: string, args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const child = spawn(program, [...args], {
    cwd: options.cwd,
    env: options.env ?? plainEnvironment(),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const limit = options.maxBytes ?? 10 * 1024 * 1024;
  const out = collect(child.stdout, limit);
  const err = collect(child.stderr, limit);
  let timedOut = false;
  const end = () => killGroup(child, 'SIGKILL');
  const timer = options.timeout === undefined ? null : setTimeout(() => ((timedOut = true), end()), options.timeout);
  options.signal?.addEventListener('abort', end, { once: true });
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input);
  try {
    const { code, signal, missing } = await ending(child);
    return {
      ok: code === 0,
      code,
      signal,
      missing,
      timedOut,
      truncated: out.truncated() || err.truncated(),
      stdout: out.text(),
      stderr: err.text(),
    };
  } finally {
    if (timer !== null) clearTimeout(timer);
    options.signal?.removeEventListener('abort', end);
  }
}

/** Starts a program that outlives the call: its own session, no shell. The caller decides on its descriptors. */
export function launch(
  program: string,
  args: readonly string[],
  options: Pick<SpawnOptions, 'cwd' | 'env' | 'stdio'>,
): ChildProcess {
  return spawn(program, [...args], { ...options, detached: true });
}

/** Sends a signal to the group that a launched program leads; a group that is gone is no error. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    child.kill(signal);
  }
}

function ending(
  child: ChildProcess,
): Promise<{ code: number | null; signal: NodeJS.Signals | null; missing: boolean }> {
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve({ code: null, signal: null, missing: true });
      else reject(error);
    });
    child.once('close', (code, signal) => resolve({ code, signal, missing: false }));
  });
}

function collect(stream: NodeJS.ReadableStream, limit: number): { text(): string; truncated(): boolean } {
  const parts: Buffer[] = [];
  let size = 0;
  stream.on('data', (part: Buffer) => {
    if (size < limit) parts.push(size + part.length > limit ? part.subarray(0, limit - size) : part);
    size += part.length;
  });
  return { text: () => Buffer.concat(parts).toString('utf8'), truncated: () => size > limit };
}
