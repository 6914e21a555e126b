import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { http } from '../../lib/http.ts';
import type { LoadCount, LoadPlan, PlannedRequest } from './load.ts';

/**
 * The load generator's process: a fixed number of requests a second, each counted when it has ended, good or failed, however long that takes. It is a
 * process of its own so that neither the daemon nor the command line can slow its clock. It never repeats a request.
 *
 * argv: the plan as JSON. stdin: `count` and `stop`, a line each. stdout: a LoadCount as JSON for each.
 */
class Load {
  readonly #plan: LoadPlan;
  readonly #keepAlive = new http.Agent({ keepAlive: true, maxSockets: 64 });
  readonly #begun = performance.now();
  #sent = 0;
  #requests = 0;
  #failed = 0;
  #open = 0;
  #slow = 0;
  readonly #failures: Record<string, number> = {};
  readonly #answeredBy: Record<string, number> = {};
  #timer: NodeJS.Timeout | null = null;
  #idle: (() => void) | null = null;

  constructor(plan: LoadPlan) {
    this.#plan = plan;
  }

  start(): void {
    // Many small ticks: each sends what is due by the clock, so a late tick catches up and the rate holds.
    this.#timer = setInterval(() => this.#send(), 5);
  }

  count(): LoadCount {
    return {
      requests: this.#requests,
      failed: this.#failed,
      slow: this.#slow,
      failures: { ...this.#failures },
      answeredBy: { ...this.#answeredBy },
    };
  }

  /** Sends no more and waits for what is under way. */
  async stop(): Promise<LoadCount> {
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.#open > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    this.#keepAlive.destroy();
    return this.count();
  }

  #send(): void {
    const due = Math.floor(((performance.now() - this.#begun) / 1000) * this.#plan.rate);
    // After a long stall at most a second's worth is sent at once.
    if (due - this.#sent > this.#plan.rate) this.#sent = due - this.#plan.rate;
    while (this.#sent < due) {
      this.#one(this.#sent);
      this.#sent += 1;
    }
  }

  /** Every second request has a connection of its own; the requests of the plan take turns. */
  #one(number: number): void {
    const plan = this.#plan;
    const wanted = plan.requests[Math.floor(number / 2) % plan.requests.length];
    if (wanted === undefined) return;
    const begun = performance.now();
    let over = false;
    const end = (failure: string | null, by?: string): void => {
      if (over) return;
      over = true;
      this.#ended({ failure, by, slow: wanted.unhurried !== true && performance.now() - begun > 250 });
    };
    this.#open += 1;
    const body = bodyOf(wanted);
    const outgoing = http.request({
      host: plan.host,
      port: plan.port,
      method: wanted.method,
      path: wanted.path,
      headers: {
        host: plan.hostHeader,
        ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      },
      agent: number % 2 === 0 ? this.#keepAlive : false,
      timeout: plan.timeout,
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')));
    outgoing.on('error', (error: NodeJS.ErrnoException) => end(`${wanted.method} ${error.code ?? error.message}`));
    outgoing.on('response', (response) => this.#read(response, wanted.method, end));
    outgoing.end(body);
  }

  #read(response: IncomingMessage, method: string, end: (failure: string | null, by?: string) => void): void {
    const status = response.statusCode ?? 0;
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (part: string) => {
      if (text.length < 4096) text += part;
    });
    response.on('error', (error: NodeJS.ErrnoException) => end(`${method} ${error.code ?? error.message} in the body`));
    response.on('aborted', () => end(`${method} cut in the body`));
    response.on('end', () => {
      if (status < 200 || status > 299) end(`${method} ${status}`);
      else end(null, this.#plan.answerKey === null ? undefined : fieldOf(text, this.#plan.answerKey));
    });
  }

  #ended(result: { failure: string | null; by: string | undefined; slow: boolean }): void {
    this.#open -= 1;
    this.#requests += 1;
    if (result.slow) this.#slow += 1;
    if (result.failure !== null) {
      this.#failed += 1;
      this.#failures[result.failure] = (this.#failures[result.failure] ?? 0) + 1;
    } else if (result.by !== undefined) {
      this.#answeredBy[result.by] = (this.#answeredBy[result.by] ?? 0) + 1;
    }
    if (this.#open === 0) this.#idle?.();
  }
}

function bodyOf({ body, bytes }: PlannedRequest): string | Buffer | null {
  return bytes === undefined ? (body ?? null) : Buffer.alloc(bytes, 'x');
}

/** The value of a top-level field of a small JSON answer, as text. */
function fieldOf(text: string, key: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    const value: unknown = typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, key) : undefined;
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  } catch {
    return undefined;
  }
}

const load = new Load(JSON.parse(process.argv[2] ?? '{}') as LoadPlan);
load.start();
const lines = createInterface({ input: process.stdin });
for await (const line of lines) {
  if (line === 'count') process.stdout.write(`${JSON.stringify(load.count())}\n`);
  if (line === 'stop') break;
}
process.stdout.write(`${JSON.stringify(await load.stop())}\n`);
process.exit(0);
