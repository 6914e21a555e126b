import type { CliHost } from '../host.ts';
import type { LoadCount } from './load.ts';
import type { Stage } from './stage.ts';

interface Step {
  readonly step: string;
  readonly milliseconds: number;
  readonly requests: number;
  readonly failed: number;
}

/** Tells the demo as it goes and ends with a table. Every request in it was counted by the load generator. */
export class DemoReport {
  /** Asks the load generator; null before it runs. */
  count: (() => Promise<LoadCount>) | null = null;
  readonly #host: CliHost;
  readonly #json: boolean;
  readonly #steps: Step[] = [];
  #totals: LoadCount | null = null;
  #error: string | null = null;

  constructor(host: CliHost, json: boolean) {
    this.#host = host;
    this.#json = json;
  }

  get failed(): number {
    return this.#totals?.failed ?? this.#steps.reduce((sum, step) => sum + step.failed, 0);
  }

  async step<T>(title: string, work: () => Promise<T>): Promise<T> {
    this.#line(this.#bold(title));
    const before = await this.count?.();
    const begun = performance.now();
    try {
      return await work();
    } finally {
      const after = await this.count?.().catch(() => undefined);
      const milliseconds = Math.round(performance.now() - begun);
      const requests = (after?.requests ?? 0) - (before?.requests ?? 0);
      const failed = (after?.failed ?? 0) - (before?.failed ?? 0);
      this.#steps.push({ step: title, milliseconds, requests, failed });
      this.#line(this.#dim(`  ${(milliseconds / 1000).toFixed(1)} s, ${requests} requests, ${failed} failed`));
    }
  }

  say(text: string, log: readonly string[] = []): void {
    this.#line(`  ${text}`);
    for (const line of log) this.#line(this.#dim(`    | ${line}`));
  }

  /** Answers by replica, as bars. */
  shares(answeredBy: Readonly<Record<string, number>>): void {
    const most = Math.max(1, ...Object.values(answeredBy));
    for (const [instance, answers] of Object.entries(answeredBy)) {
      this.say(`${instance.padEnd(14)} ${'#'.repeat(Math.max(1, Math.round((answers / most) * 30)))} ${answers}`);
    }
  }

  total(count: LoadCount): void {
    this.#totals = count;
    for (const [failure, times] of Object.entries(count.failures)) this.say(`failed: ${failure} (${times} times)`);
  }

  fail(message: string): void {
    this.#error = message;
    this.#host.stderr.write(`kapal demo: ${message}\n`);
  }

  kept(stage: Stage): void {
    this.say(
      `still running: http://toko.localhost:${stage.port}/ (API and docs: http://127.0.0.1:${stage.api}/api/docs)`,
    );
    this.say(`look at it:    kapal ps --data ${stage.data}`);
    this.say(
      `end it:        kapal project remove toko --yes --data ${stage.data} && kapal down --apps --data ${stage.data} && rm -r ${stage.folder}`,
    );
  }

  finish(): void {
    const requests = this.#totals?.requests ?? this.#steps.reduce((sum, step) => sum + step.requests, 0);
    if (this.#json) {
      const error = this.#error === null ? {} : { error: this.#error };
      this.#host.stdout.write(`${JSON.stringify({ steps: this.#steps, requests, failed: this.failed, ...error })}\n`);
      return;
    }
    const width = Math.max(...this.#steps.map((step) => step.step.length), 4);
    const row = (cells: readonly [string, string, string, string]) =>
      `${cells[0].padEnd(width)}  ${cells[1].padStart(8)}  ${cells[2].padStart(8)}  ${cells[3].padStart(6)}\n`;
    const out = this.#host.stdout;
    out.write(`\n${row(['step', 'time', 'requests', 'failed'])}${'-'.repeat(width + 28)}\n`);
    for (const step of this.#steps)
      out.write(
        row([step.step, `${(step.milliseconds / 1000).toFixed(1)} s`, String(step.requests), String(step.failed)]),
      );
    const time = this.#steps.reduce((sum, step) => sum + step.milliseconds, 0);
    out.write(row(['all', `${(time / 1000).toFixed(1)} s`, String(requests), String(this.failed)]));
  }

  #line(text: string): void {
    (this.#json ? this.#host.stderr : this.#host.stdout).write(`${text}\n`);
  }

  #bold(text: string): string {
    return this.#colours() ? `\u001b[1m${text}\u001b[22m` : text;
  }

  #dim(text: string): string {
    return this.#colours() ? `\u001b[2m${text}\u001b[22m` : text;
  }

  #colours(): boolean {
    return (
      (this.#json ? this.#host.stderr : this.#host.stdout).isTTY === true && this.#host.env['NO_COLOR'] === undefined
    );
  }
}
