import { readdir } from 'node:fs/promises';
import { createConnection } from 'node:net';
import type { QuotaReport } from './quotas.ts';

/** How often workers tell each other what their clients have used. Milliseconds. */
const interval = 250;
/** A neighbour that takes longer is hung; what it was told is lost to it. */
const timeout = 200;
const SOCKET = /^worker-\d+-\d+\.sock$/;

/**
 * Tells the other workers of this edge, of all generations, what clients have used here: one line to the control socket of each. It runs only
 * while limits are declared. Sockets that dead workers left behind refuse at once.
 */
export class Neighbours implements Disposable {
  readonly #own: string;
  readonly #report: () => QuotaReport | null;
  #timer: NodeJS.Timeout | null = null;
  #telling = false;

  /** `own`: name of this worker's own control socket. The working folder is the one of the sockets. */
  constructor(own: string, report: () => QuotaReport | null) {
    this.#own = own;
    this.#report = report;
  }

  /** Begins or ends the rounds. */
  run(wanted: boolean): void {
    if (wanted === (this.#timer !== null)) return;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = wanted ? setInterval(() => this.#round(), interval).unref() : null;
  }

  [Symbol.dispose](): void {
    this.run(false);
  }

  /** What was used meanwhile goes with the next round. */
  #round(): void {
    if (this.#telling) return;
    const report = this.#report();
    if (report === null) return;
    this.#telling = true;
    this.#tell(JSON.stringify({ ask: 'quotas', report })).then(
      () => (this.#telling = false),
      () => (this.#telling = false),
    );
  }

  async #tell(line: string): Promise<void> {
    const names = (await readdir('.')).filter((name) => SOCKET.test(name) && name !== this.#own);
    await Promise.all(names.map((name) => send(name, line)));
  }
}

/** Resolves when the neighbour has answered, is gone or does not answer in time; never rejects. */
function send(path: string, line: string): Promise<void> {
  return new Promise((resolve) => {
    const connection = createConnection({ path, allowHalfOpen: true });
    connection.setTimeout(timeout, () => connection.destroy());
    connection.on('error', () => connection.destroy());
    connection.on('close', () => resolve());
    connection.on('end', () => connection.destroy());
    connection.resume();
    connection.end(`${line}\n`);
  });
}
