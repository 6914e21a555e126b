/**
 * Visitors who arrive at a steady pace, whatever the answers take, each on a new connection for one request: `arrivals.ts OPTIONS` with Order as JSON, a process
 * of its own so that neither the bench nor its answers hold it up. Ends at the end of its standard input, after the last answer, and prints Arrived as JSON.
 */
import { spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export interface Order {
  readonly port: number;
  readonly host: string;
  /** New connections a second. */
  readonly rate: number;
  readonly tls: boolean;
}

export interface Arrived {
  readonly requests: number;
  /** Why they were not answered with a whole 200: how many by cause. */
  readonly failures: Readonly<Record<string, number>>;
  /** Seconds from the first request at which the first ones failed. */
  readonly failedAt: readonly number[];
  /** Arrivals of the second with the fewest, the first and the last left out: what was really offered. */
  readonly fewest: number;
  /** Milliseconds from the wish to connect to the last byte of the answer. */
  readonly median: number;
  readonly slowest: number;
}

/** Milliseconds after which a visitor gives up. */
const patience = 20_000;
const beat = 5;

/** Begins; `stop` resolves with what came of it. */
export function startArrivals(order: Order): AsyncDisposable & { stop(): Promise<Arrived> } {
  const program = [fileURLToPath(import.meta.url), JSON.stringify(order)];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const printed = text(child.stdout);
  const stop = async (): Promise<Arrived> => {
    child.stdin.end();
    return JSON.parse(await printed) as Arrived;
  };
  return {
    stop,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await printed;
    },
  };
}

class Arrivals {
  readonly #order: Order;
  readonly #begun = performance.now();
  readonly #failures = new Map<string, number>();
  readonly #failedAt: number[] = [];
  readonly #times: number[] = [];
  readonly #seconds: number[] = [];
  readonly #head: string;
  #started = 0;
  #open = 0;

  constructor(order: Order) {
    this.#order = order;
    this.#head = `GET / HTTP/1.1\r\nHost: ${order.host}\r\nConnection: close\r\n\r\n`;
  }

  async run(over: Promise<void>): Promise<Arrived> {
    const timer = setInterval(() => this.#arrive(), beat);
    await over;
    clearInterval(timer);
    const deadline = performance.now() + patience;
    while (this.#open > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    const sorted = this.#times.toSorted((a, b) => a - b);
    return {
      requests: this.#started,
      failures: Object.fromEntries(this.#failures),
      failedAt: this.#failedAt.slice(0, 20),
      fewest: Math.min(...this.#seconds.slice(1, -1)),
      median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
      slowest: sorted.at(-1) ?? Number.NaN,
    };
  }

  #arrive(): void {
    const seconds = (performance.now() - this.#begun) / 1000;
    const due = Math.floor(seconds * this.#order.rate) - this.#started;
    for (let number = 0; number < due; number += 1) this.#visit(seconds);
  }

  #visit(seconds: number): void {
    const second = Math.floor(seconds);
    this.#seconds[second] = (this.#seconds[second] ?? 0) + 1;
    this.#started += 1;
    this.#open += 1;
    const began = performance.now();
    let answer = '';
    let cause: string | null = null;
    const socket = this.#connect();
    socket.setTimeout(patience, () => {
      cause = 'no answer';
      socket.destroy();
    });
    socket.on('data', (part: Buffer) => (answer += part.toString('latin1')));
    socket.on('error', (error: NodeJS.ErrnoException) => (cause ??= error.code ?? error.message));
    socket.once('close', () => {
      this.#open -= 1;
      const failure = cause ?? faultOf(answer);
      if (failure === null) this.#times.push(performance.now() - began);
      else {
        this.#failures.set(failure, (this.#failures.get(failure) ?? 0) + 1);
        this.#failedAt.push(Number(seconds.toFixed(2)));
      }
    });
    socket.write(this.#head);
  }

  #connect(): Socket {
    const { port, host, tls } = this.#order;
    // Many addresses, as visitors have: one alone would run out of ports.
    const localAddress = `127.0.${1 + (this.#started % 4)}.${1 + (this.#started % 250)}`;
    if (!tls) return connect({ host: '127.0.0.1', port, localAddress });
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    return connectSecurely({ socket, servername: host, rejectUnauthorized: false });
  }
}

/** What is wrong with an answer of which no more comes; `null`: a whole 200. */
function faultOf(answer: string): string | null {
  const end = answer.indexOf('\r\n\r\n');
  if (end < 0) return answer === '' ? 'closed without an answer' : 'closed within the head';
  const status = answer.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length);
  if (status !== '200') return `status ${status}`;
  const length = /^content-length: (\d+)/im.exec(answer.slice(0, end))?.[1];
  return length !== undefined && answer.length - end - 4 !== Number(length) ? 'closed within the body' : null;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const order = JSON.parse(process.argv[2] ?? '') as Order;
  const over = new Promise<void>((resolve) => {
    process.stdin.resume();
    process.stdin.once('end', resolve);
  });
  console.log(JSON.stringify(await new Arrivals(order).run(over)));
}
