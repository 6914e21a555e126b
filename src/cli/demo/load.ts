import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { killGroup, launch } from '../../lib/exec.ts';

export interface LoadPlan {
  /** Where to connect. */
  readonly host: string;
  readonly port: number;
  /** The Host of every request: names under localhost resolve in browsers, not in every client. */
  readonly hostHeader: string;
  /** Requests a second. */
  readonly rate: number;
  /** Milliseconds until a request counts as failed. */
  readonly timeout: number;
  /** They take turns. */
  readonly requests: readonly PlannedRequest[];
  /** Field of a JSON answer that says who gave it, or null. */
  readonly answerKey: string | null;
}

export interface PlannedRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  /** Instead of `body`: so many bytes. */
  readonly bytes?: number;
  /** It takes its time by nature, so it is never counted as slow. */
  readonly unhurried?: true;
}

/** The load generator's own count since it began. `slow` took more than 250 ms. */
export interface LoadCount {
  readonly requests: number;
  readonly failed: number;
  readonly slow: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly answeredBy: Readonly<Record<string, number>>;
}

/** A running load generator; see load-process.ts. */
export class LoadGenerator implements AsyncDisposable {
  readonly #child: ReturnType<typeof launch>;
  readonly #answers: Interface;
  readonly #waiting: { resolve: (count: LoadCount) => void; reject: (error: Error) => void }[] = [];

  constructor(plan: LoadPlan, node: string) {
    const file = fileURLToPath(new URL('./load-process.ts', import.meta.url));
    this.#child = launch(node, ['--disable-warning=ExperimentalWarning', file, JSON.stringify(plan)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: process.env,
    });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('the load generator has no output');
    this.#answers = createInterface({ input: stdout });
    this.#answers.on('line', (line) => this.#waiting.shift()?.resolve(JSON.parse(line) as LoadCount));
    this.#child.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('the load generator ended'));
    });
  }

  count(): Promise<LoadCount> {
    return this.#ask('count');
  }

  /** Waits for requests under way, then ends. */
  stop(): Promise<LoadCount> {
    return this.#ask('stop');
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#answers.close();
    if (this.#child.exitCode === null) killGroup(this.#child, 'SIGKILL');
    return Promise.resolve();
  }

  #ask(word: 'count' | 'stop'): Promise<LoadCount> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin?.write(`${word}\n`);
    });
  }
}
