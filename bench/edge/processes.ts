import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The kernel counts CPU time in these per second (proc_pid_stat(5); 100 on every Linux that Node runs on). */
const TICKS_PER_SECOND = 100;

/** CPU time of a process so far, all threads, in microseconds. */
export function cpuMicroseconds(pid: number): number {
  const fields = statFields(pid);
  return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / TICKS_PER_SECOND;
}

export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

/** The fields after the program's name, which may hold blanks itself. */
function statFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Binds every thread of a process to one core. */
export async function pin(pid: number, core: number): Promise<void> {
  await run('taskset', ['-a', '-p', '-c', String(core), String(pid)]);
}

/** A program in the foreground on one core, ended on disposal. */
export class Running implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor(core: number, argv: readonly string[]) {
    this.#child = spawn('taskset', ['-c', String(core), ...argv], { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('it did not start');
    return this.#child.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await gone;
  }
}

export async function output(argv: readonly string[]): Promise<string> {
  const [program = '', ...args] = argv;
  const { stdout } = await run(program, args, { maxBuffer: 1 << 20 });
  return stdout;
}

/** Until something accepts on the port. */
export async function accepting(port: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const socket = connect({ port, host: '127.0.0.1' });
    try {
      await once(socket, 'connect');
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await pause(20);
    } finally {
      socket.destroy();
    }
  }
}
