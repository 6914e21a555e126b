import { setTimeout as pause } from 'node:timers/promises';
import { type Ground, type Notice, type Operation, settled } from './operations.ts';
import { type Met, metSince, type Traffic } from './traffic.ts';

/** Milliseconds between two operations, at most. */
const longestPause = 3_000;

/** How a connection ends that a worker of the edge takes with it. */
const cutConnection = /ECONNRESET|EPIPE|socket hang up|in the body|disconnected before/;

/** Does one operation after the other as the seed has it, and holds what visitors met meanwhile against what they may notice. */
export class Operator {
  readonly faults: string[] = [];
  readonly counts = new Map<string, number>();
  /** Milliseconds that they took, in sum. */
  readonly spent = new Map<string, number>();
  /** Visitors noticed what they may: requests and streams that a killed instance or worker of the edge had under way. */
  excused = { requests: 0, streams: 0 };
  readonly #ground: Ground;
  readonly #traffic: Traffic;

  constructor(ground: Ground, traffic: Traffic) {
    this.#ground = ground;
    this.#traffic = traffic;
  }

  async work(
    all: readonly Operation[],
    { milliseconds, paced }: { milliseconds: number; paced: boolean },
  ): Promise<void> {
    const end = performance.now() + milliseconds;
    while (performance.now() < end) {
      const operation = drawn(all, this.#ground.fraction());
      await this.do(operation);
      const rest = Math.min(this.#ground.fraction() * longestPause, end - performance.now());
      if (paced && rest > 0) await pause(rest);
    }
  }

  /** How many of each kind, and how long one took. */
  summary(): string {
    const shown = [...this.counts].map(
      ([name, count]) => `${name} ${count} (${((this.spent.get(name) ?? 0) / count / 1000).toFixed(1)})`,
    );
    return shown.join(', ');
  }

  /** Each once, in an order that the seed has. */
  async each(all: readonly Operation[]): Promise<void> {
    const left = all.map((operation) => ({ ...operation, weight: 1 }));
    while (left.length > 0) {
      const operation = drawn(left, this.#ground.fraction());
      left.splice(left.indexOf(operation), 1);
      await this.do(operation);
    }
  }

  async do(operation: Operation): Promise<void> {
    const begun = performance.now();
    const before = await this.#traffic.met();
    this.counts.set(operation.name, (this.counts.get(operation.name) ?? 0) + 1);
    try {
      await operation.run(this.#ground);
    } catch (error) {
      this.#note(`${operation.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
    await settled(this.#ground.kapal);
    this.#judge(operation, metSince(before, await this.#traffic.met()));
    this.spent.set(operation.name, (this.spent.get(operation.name) ?? 0) + performance.now() - begun);
  }

  #judge({ name, notice }: Operation, met: Met): void {
    for (const [kind, times] of Object.entries(met.failed)) {
      if (mayFail(kind, notice)) this.excused.requests += times;
      else this.#note(`${name}: ${times} requests failed: ${kind}`);
    }
    if (notice !== 'nothing') this.excused.streams += met.cut;
    else if (met.cut > 0) this.#note(`${name}: ${met.cut} streams were cut`);
  }

  #note(fault: string): void {
    const said = `${new Date().toISOString()} ${fault}`;
    this.faults.push(said);
    console.log(`  FAULT ${said}`);
  }
}

/** A request that may be repeated never fails where an instance dies: the edge asks another one. */
function mayFail(kind: string, notice: Notice): boolean {
  if (notice === 'instance') return kind.startsWith('POST ');
  return notice === 'connections' && cutConnection.test(kind);
}

function drawn(all: readonly Operation[], fraction: number): Operation {
  let left = fraction * all.reduce((sum, { weight }) => sum + weight, 0);
  const found = all.find(({ weight }) => (left -= weight) < 0) ?? all.at(-1);
  if (found === undefined) throw new Error('there are no operations');
  return found;
}
