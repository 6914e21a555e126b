import { Buckets } from './buckets.ts';
import { Occupancy } from './occupancy.ts';

/** What one worker tells the others of limits that hold over all of them. */
export interface QuotaReport {
  /** Pid of the worker. */
  readonly worker: number;
  /** Milliseconds taken from buckets since the last report. */
  readonly taken: readonly (readonly [string, number])[];
  /** Under way now, all of it. */
  readonly held: readonly (readonly [string, number])[];
}

/** Rates and connections of clients in one worker, with what is known of the others. */
export class Quotas {
  readonly buckets = new Buckets();
  readonly occupancy = new Occupancy();
  /** The present table declares limits. */
  declared = false;
  #quiet = true;

  /** `null`: nothing has happened since the last one. */
  report(worker: number, now: number): QuotaReport | null {
    this.buckets.forgetFull(now);
    this.occupancy.forgetSilent(now);
    const report = { worker, taken: this.buckets.taken(), held: this.occupancy.counts() };
    const nothing = report.taken.length === 0 && report.held.length === 0;
    // Once more after the last: those that held something before it hold nothing now.
    if (nothing && this.#quiet) return null;
    this.#quiet = nothing;
    return report;
  }

  learn(report: QuotaReport, now: number): void {
    this.buckets.learn(report.taken, now);
    this.occupancy.learn(report.worker, report.held, now);
  }
}
