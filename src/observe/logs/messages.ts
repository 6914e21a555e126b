import type { ErrorDocument } from '../../model/errors.ts';
import type { ServiceId } from '../../model/service.ts';
import type { LogLine, LogLoss, LogQuery, LogSource } from './port.ts';

/** What the store and its worker say to each other; all of it can be cloned. */

export interface WorkerSettings {
  readonly path: string;
  readonly quotaBytes: number;
}

/** A line without what the store itself adds. */
export type OwnLine = Omit<LogLine, 'sequence' | 'time'>;

/** Answered by `done` or `failed` with the same `id`. */
export type Request =
  | { readonly kind: 'attach'; readonly source: LogSource }
  | { readonly kind: 'detach'; readonly run: string }
  | { readonly kind: 'flush'; readonly run: string }
  | { readonly kind: 'query'; readonly query: LogQuery }
  | { readonly kind: 'forget'; readonly service: ServiceId }
  | { readonly kind: 'reclaim'; readonly bytes: number }
  | { readonly kind: 'close' };

export type ToWorker =
  | { readonly kind: 'request'; readonly id: number; readonly request: Request }
  | { readonly kind: 'write'; readonly line: OwnLine };

export type FromWorker =
  | { readonly kind: 'ready' }
  /** Instead of `ready`; the worker ends. */
  | { readonly kind: 'unopened'; readonly error: ErrorDocument }
  /** `removed`: how many lines `reclaim` removed. */
  | { readonly kind: 'done'; readonly id: number; readonly lines: readonly LogLine[]; readonly removed: number }
  | { readonly kind: 'failed'; readonly id: number; readonly error: ErrorDocument }
  | { readonly kind: 'stored'; readonly services: readonly ServiceId[] }
  | { readonly kind: 'dropped'; readonly loss: LogLoss }
  | { readonly kind: 'warning'; readonly message: string };
