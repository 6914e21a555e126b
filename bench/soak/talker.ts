import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A program of this bench in a process of its own, so that what it measures is not late because something else is at work: answers each word with a line of JSON. */
export class Talker<Answer> implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];
  readonly #name: string;

  constructor(file: URL, argument: object) {
    this.#name = file.pathname;
    this.#child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', file.pathname, JSON.stringify(argument)],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    this.#child.stdin?.on('error', () => undefined);
    if (this.#child.stdout === null) throw new Error(`${this.#name} has no output`);
    const lines = createInterface({ input: this.#child.stdout });
    lines.on('line', (line) => this.#waiting.shift()?.resolve(JSON.parse(line) as Answer));
    this.#child.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`${this.#name} ended`));
    });
  }

  ask(word: string): Promise<Answer> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null)
      return Promise.reject(new Error(`${this.#name} has ended`));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin?.write(`${word}\n`);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    return Promise.resolve();
  }
}
