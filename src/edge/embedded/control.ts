import { createConnection } from 'node:net';
import type { PoolCounters, RouteTable } from '../port.ts';
import type { QuotaReport } from './policy/quotas.ts';

/**
 * What the daemon says to a worker over its Unix socket: one line of JSON each way, one question per connection.
 * Not HTTP: node:http alone would cost a worker 15 MB.
 */
export type WorkerQuestion =
  | { readonly ask: 'apply'; readonly table: RouteTable }
  /** Read the folder of certificates again. */
  | { readonly ask: 'certificates' }
  | { readonly ask: 'status' }
  /** From another worker, answered with null. */
  | { readonly ask: 'quotas'; readonly report: QuotaReport }
  /** Stop accepting now, finish what is under way, end after `grace` milliseconds at the latest. */
  | { readonly ask: 'drain'; readonly grace: number };

export function drainQuestion(grace: number): string {
  return JSON.stringify({ ask: 'drain', grace } satisfies WorkerQuestion);
}

/** Around a table that is JSON already: a large one is stringified once, for the disk and for all workers. */
export function applyQuestion(table: string): string {
  return `{"ask":"apply","table":${table}}`;
}

export const statusQuestion = JSON.stringify({ ask: 'status' } satisfies WorkerQuestion);

export const certificatesQuestion = JSON.stringify({ ask: 'certificates' } satisfies WorkerQuestion);

export interface WorkerStatus {
  readonly pid: number;
  readonly version: number;
  readonly state: 'starting' | 'serving' | 'draining';
  readonly residentBytes: number;
  readonly connections: number;
  readonly inFlight: Readonly<Record<string, number>>;
  /** Ids of endpoints; see `Edge.stalled`. Not told by workers of an older version, which run on during a hand-over. */
  readonly stalled?: readonly string[];
  /** Ids of endpoints; see `EdgeStatus.overloaded`. Not told by older workers. */
  readonly overloaded?: readonly string[];
  readonly counters: readonly PoolCounters[];
  /** Digest of the certificates that it presents; `null` where it serves no HTTPS. */
  readonly certificates: string | null;
  /** Lines of the access log that could not be written. */
  readonly droppedLogLines: number;
  /** Private listeners that could not be opened, in words. */
  readonly problems: readonly string[];
}

/** `refused`: nothing listens at that path. `broken`: it ended without a whole answer, as a dying worker does. `silent`: no answer in time. */
export type WorkerAnswer =
  | { readonly kind: 'answered'; readonly status: WorkerStatus }
  | { readonly kind: 'refused' }
  | { readonly kind: 'broken' }
  | { readonly kind: 'silent' };

/** Milliseconds between two looks whether a worker is silent for too long. */
const STEP = 100;

/** Asks one worker; never rejects. */
export function askWorker(options: {
  readonly socket: string;
  /** A WorkerQuestion as JSON: stringified once for all workers. */
  readonly question: string;
  /** Called as long as there is no answer, with the milliseconds listened since the last call: whether to listen no longer. */
  readonly givesUp: (milliseconds: number) => boolean;
}): Promise<WorkerAnswer> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const connection = createConnection({ path: options.socket, allowHalfOpen: true });
    const finish = (answer: WorkerAnswer): void => {
      clearInterval(timer);
      connection.destroy();
      resolve(answer);
    };
    // After a pause of this process in which an answer may have come, an interval fires once: one step, not the whole pause.
    const timer = setInterval(() => {
      if (options.givesUp(STEP)) finish({ kind: 'silent' });
    }, STEP);
    connection.on('error', (error: NodeJS.ErrnoException) => {
      finish({ kind: error.code === 'ENOENT' || error.code === 'ECONNREFUSED' ? 'refused' : 'broken' });
    });
    connection.on('data', (part: Buffer) => parts.push(part));
    connection.on('end', () => finish(parseAnswer(Buffer.concat(parts).toString('utf8'))));
    connection.end(`${options.question}\n`);
  });
}

function parseAnswer(text: string): WorkerAnswer {
  try {
    return { kind: 'answered', status: JSON.parse(text) as WorkerStatus };
  } catch {
    return { kind: 'broken' };
  }
}
