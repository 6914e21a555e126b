import { routedPath } from '../http/path.ts';
import { Passage } from '../policy/passage.ts';
import type { RouteEntry } from '../policy/route-entry.ts';
import type { Verdict } from '../policy/verdict.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { Client } from './client-port.ts';
import type { Ground } from './ground.ts';
import type { PoolState } from './pool.ts';
import type { Router } from './router.ts';

export interface AdmissionGround {
  readonly ground: Ground;
  readonly router: Router;
  readonly client: Client;
  readonly request: RequestHead;
  readonly requestId: string;
  /** As routes name it. */
  readonly host: string;
}

export interface AdmissionUser {
  /** The route asks something of requests: `passage` is the one's that does it. Before anything is decided. */
  under(passage: Passage): void;
  /** It is known now whether the request gets in; only after `waits`. */
  opened(): void;
  /** A fault in the course of it. */
  cut(): void;
}

/**
 * What is decided of a request by its head: where it goes, and whether it gets in.
 *
 *   begin --> decided (a verdict, or a pool)
 *      `----> waiting (a password is looked at) --> decided
 */
export class Admission {
  readonly #ground: AdmissionGround;
  readonly #user: AdmissionUser;
  #path = '/';
  #pool: PoolState | null = null;
  #maxBody = Number.POSITIVE_INFINITY;
  passage: Passage | null = null;
  waits = false;
  /** The edge's own answer, as soon as it is clear that there will be one. */
  verdict: Verdict | null = null;

  constructor(ground: AdmissionGround, user: AdmissionUser) {
    this.#ground = ground;
    this.#user = user;
  }

  begin(): void {
    const { router, client, request, host } = this.#ground;
    const raw = request.target.slice(0, request.pathLength);
    const path = request.unusualPath ? routedPath(raw) : raw;
    if (!client.covers(host)) this.verdict = plain(421);
    else if (path === null) this.verdict = plain(400);
    else if (!this.#challenged(path)) {
      this.#path = path;
      const entry = router.find(host, path);
      if (entry === null) this.verdict = plain(404);
      else this.#routed(entry);
    }
  }

  /** Bytes that the pool takes at most. */
  get maxBody(): number {
    return this.#maxBody;
  }

  /** The pool that was found first, for the log. */
  get found(): PoolState | null {
    return this.#pool;
  }

  /** A deploy may have replaced the pool while the request was under way: then its route is looked up again. */
  pool(): PoolState | null {
    const { router, host } = this.#ground;
    if (this.#pool?.retired === true) this.#pool = router.find(host, this.#path)?.pool ?? null;
    return this.#pool;
  }

  #challenged(path: string): boolean {
    const { router, client, request, host } = this.#ground;
    const answer = client.scheme === 'http' ? router.challenge(host, path) : null;
    if (answer === null || (request.method !== 'GET' && request.method !== 'HEAD')) return false;
    this.verdict = { status: 200, headers: [['Content-Type', 'text/plain']], body: answer };
    return true;
  }

  #routed(entry: RouteEntry): void {
    this.#pool = entry.pool;
    this.#pool.requests += 1;
    if (entry.terms === null) this.#admit();
    else this.#enter(entry);
  }

  #enter(entry: RouteEntry): void {
    const { ground, client, request, requestId } = this.#ground;
    const { quotas, options, clock } = ground;
    const httpsPort = options.httpsPort?.() ?? null;
    this.passage = new Passage(entry, { client, request, requestId, quotas, now: clock.now, httpsPort });
    this.#user.under(this.passage);
    const verdict = this.passage.enter();
    if (!(verdict instanceof Promise)) {
      this.#decided(verdict);
      return;
    }
    this.waits = true;
    const opened = ground.guard({ destroy: () => this.#user.cut() }, (found: Verdict | null) => this.#opened(found));
    verdict.then(opened, (error: unknown) => {
      ground.fault(error);
      opened(plain(500));
    });
  }

  #opened(verdict: Verdict | null): void {
    this.waits = false;
    this.#decided(verdict);
    this.#user.opened();
  }

  #decided(verdict: Verdict | null): void {
    this.verdict = verdict;
    if (verdict === null) this.#admit();
  }

  #admit(): void {
    const config = this.#pool?.config;
    if (config?.kind !== 'proxy') return;
    this.#maxBody = config.maxBodySize;
    if (this.#ground.request.contentLength > config.maxBodySize) this.verdict = plain(413);
  }
}

/** The edge's own page and nothing more. */
export function plain(status: number): Verdict {
  return { status, headers: status === 405 ? [['Allow', 'GET, HEAD']] : [] };
}
