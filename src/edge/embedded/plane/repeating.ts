import type { EndpointState } from './endpoint.ts';
import type { Member } from './member.ts';
import type { UpstreamFailure } from './upstream.ts';

const maxRepeats = 2;

/** Methods that change nothing (RFC 9110 9.2.1). */
export const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** Methods whose effect is the same when repeated (RFC 9110 9.2.2). */
export const idempotentMethods: ReadonlySet<string> = new Set([...safeMethods, 'PUT', 'DELETE']);

export interface Tries {
  readonly method: string;
  /** To the last endpoint that was tried, wholly or in part. */
  readonly sent: boolean;
  /** All of the body that has come is at hand. */
  readonly replayable: boolean;
  readonly tried: readonly EndpointState[];
  readonly members: readonly Member[];
}

/** Whether a request that failed, nothing of its answer being with the client, is to be sent again. The budget has its own word. */
export function mayRepeat(failure: UpstreamFailure, { method, sent, replayable, tried, members }: Tries): boolean {
  if (!replayable || tried.length > maxRepeats || (sent && !idempotentMethods.has(method))) return false;
  if (members.some(({ endpoint }) => !tried.includes(endpoint))) return true;
  // The only endpoint is asked once more, over a new connection: the first may have been one that it was about to close.
  return members.length === 1 && tried.length === 1 && failure === 'closed';
}

/**
 * Whether a request that waits at an endpoint which is down is to be sent elsewhere. Only safe ones: a process that was stopped works
 * on what it was sent when it goes on, and a PUT done late would undo a later one.
 */
export function mayRescue({ method, replayable, tried, members }: Tries): boolean {
  if (!safeMethods.has(method) || !replayable || tried.length > maxRepeats) return false;
  return members.some(({ endpoint, down }) => !down && !tried.includes(endpoint));
}
