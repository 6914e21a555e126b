import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { type Readable, Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { exec } from '../../lib/exec.ts';
import { KapalError } from '../../model/errors.ts';
import type { RunStreams } from '../port.ts';

const PACE = 5;

export interface AttachedStreams extends RunStreams {
  /** Makes the named pipes and opens this process's ends: before the keeper begins, so that neither waits for the other. */
  open(): Promise<void>;
  /** Resolves when the run has its own ends, or will never have them: from then on it alone decides when its output ends. */
  joined(isSo: () => boolean): Promise<void>;
}

/** The named pipes `in`, `out` and `err` of a run's folder. Named, because a program may open /dev/stdout anew as its own user; see keeper.sh. */
export function openStreams(folder: string): AttachedStreams {
  return new NamedPipes(folder);
}

interface Ends {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

class NamedPipes implements AttachedStreams {
  readonly #folder: string;
  #ends: Ends | null = null;
  /** Writers of `out` and `err`, so that they do not end before the run has opened them. */
  #held: number[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  get stdin(): Writable {
    return this.#opened().stdin;
  }

  get stdout(): Readable {
    return this.#opened().stdout;
  }

  get stderr(): Readable {
    return this.#opened().stderr;
  }

  async open(): Promise<void> {
    const paths = ['in', 'out', 'err'].map((name) => join(this.#folder, name));
    const made = await exec('mkfifo', ['-m', '666', '--', ...paths]);
    if (!made.ok) throw new KapalError('runtime_failed', `the streams of a run cannot be made: ${made.stderr.trim()}`);
    const [input = '', output = '', errors = ''] = paths;
    // O_RDWR, because there is no reader yet (fifo(7)); nothing is read from it here.
    const stdin = new PipeEnd(openSync(input, constants.O_RDWR | constants.O_NONBLOCK));
    this.#ends = { stdin, stdout: reader(output), stderr: reader(errors) };
    this.#held = [output, errors].map((path) => openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
  }

  async joined(isSo: () => boolean): Promise<void> {
    while (!isSo()) await pause(PACE);
    this.#letGo();
  }

  [Symbol.dispose](): void {
    this.#letGo();
    if (this.#ends === null) return;
    const { stdin, stdout, stderr } = this.#ends;
    for (const end of [stdin, stdout, stderr]) end.destroy();
  }

  #letGo(): void {
    for (const descriptor of this.#held.splice(0)) closeSync(descriptor);
  }

  #opened(): Ends {
    if (this.#ends === null) throw new Error('the streams are not open');
    return this.#ends;
  }
}

/** Nothing is read before somebody listens, so that a client that is slow holds up the program and not this process. */
function reader(path: string): Socket {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const socket = new Socket({ fd: descriptor, readable: true, writable: false });
  socket.on('error', () => socket.destroy());
  return socket;
}

/** The writing end: its end is the closing of the descriptor, for shutdown(2) knows sockets alone. A program that reads no more is no error. */
class PipeEnd extends Writable {
  readonly #socket: Socket;

  constructor(descriptor: number) {
    super({ decodeStrings: true });
    this.#socket = new Socket({ fd: descriptor, readable: false, writable: true });
    this.#socket.on('error', () => this.#socket.destroy());
  }

  override _write(piece: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.#socket.destroyed) done();
    else this.#socket.write(piece, () => done());
  }

  override _final(done: () => void): void {
    this.#socket.destroy();
    done();
  }

  override _destroy(_error: Error | null, done: () => void): void {
    this.#socket.destroy();
    done();
  }
}
