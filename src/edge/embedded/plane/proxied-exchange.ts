import type { RequestHead } from '../http/request-head.ts';
import type { ResponseHead } from '../http/response-head.ts';
import type { Client } from './client-port.ts';
import type { PoolState } from './pool.ts';
import type { Answering } from '../policy/shaped-reply.ts';
import type { RequestBody } from './request-body.ts';
import type { AccessOutcome } from './types.ts';

/** The exchange that is proxied. */
export interface ProxiedExchange {
  readonly client: Client;
  readonly request: RequestHead;
  /** By which the client came, and its address; as trusted proxies tell it. */
  readonly scheme: 'http' | 'https';
  readonly remoteHash: number;
  readonly body: RequestBody;
  readonly reply: Answering;
  /** The pool of the present table; `null` where the route is gone. */
  pool(): PoolState | null;
  /** The request as an endpoint is sent it under this Host, up to the fields of framing. */
  headTo(host: string): string;
  /** The head of a 101 as the client is to get it. */
  switching(head: ResponseHead): ResponseHead;
  /** Gives the edge's own answer. `retryAfter`: seconds. */
  answer(status: number, retryAfter?: number): void;
  /** Nothing more will come. */
  end(outcome: AccessOutcome): void;
}
