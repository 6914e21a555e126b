import type { StaticPool } from '../../pool.ts';
import { filePath, routedPath } from '../http/path.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { Client } from './client-port.ts';
import type { Ground } from './ground.ts';
import type { PoolState } from './pool.ts';
import { type ProxiedExchange, Proxying } from './proxying.ts';
import { Reply, type ReplyOwner } from './reply.ts';
import { RequestBody } from './request-body.ts';
import type { Router } from './router.ts';
import { ownHead, type SourceUser, StaticSource, staticRequestOf } from './static-answer.ts';
import type { AccessOutcome, StaticAnswer } from './types.ts';

export interface ExchangeGround {
  readonly ground: Ground;
  readonly router: Router;
  readonly client: Client;
}

/**
 * One request and its answer. The answer comes from an endpoint (`Proxying`), from static files, or from the edge itself.
 *
 *   receiving --body here, or too large to wait for--> answering --> over
 */
export class Exchange implements ProxiedExchange, ReplyOwner, SourceUser {
  readonly client: Client;
  readonly request: RequestHead;
  readonly requestId: string;
  readonly body: RequestBody;
  readonly reply: Reply;
  readonly #ground: Ground;
  readonly #router: Router;
  readonly #host: string;
  readonly #startedAt: number;
  readonly #time: number;
  #path = '/';
  #pool: PoolState | null = null;
  /** Status of the edge's own answer, as soon as it is clear that there will be one. */
  #verdict = 0;
  #answering = false;
  #over = false;
  #continued = false;
  #bytesIn = 0;
  #maxBody = Number.POSITIVE_INFINITY;
  #proxying: Proxying | null = null;
  #source: StaticSource | null = null;

  constructor({ ground, router, client }: ExchangeGround, request: RequestHead, host: string) {
    this.#ground = ground;
    this.#router = router;
    this.client = client;
    this.request = request;
    this.#host = host;
    this.#time = ground.options.now();
    this.#startedAt = performance.now();
    ground.clock.now = this.#startedAt;
    this.requestId = request.requestId ?? ground.requestId();
    this.body = new RequestBody(request, ground.limits.replaySize);
    this.reply = new Reply(ground, this);
  }

  get over(): boolean {
    return this.#over;
  }

  /** The head is known; pieces of the body and then `bodyEnded` follow. */
  begin(): void {
    const { request } = this;
    const raw = request.target.slice(0, request.pathLength);
    const path = request.unusualPath ? routedPath(raw) : raw;
    if (path === null) {
      this.#verdict = 400;
      return;
    }
    this.#path = path;
    this.#pool = this.#router.find(this.#host, path);
    if (this.#pool === null) {
      this.#verdict = 404;
      return;
    }
    this.#pool.requests += 1;
    const { config } = this.#pool;
    if (config.kind !== 'proxy') return;
    this.#maxBody = config.maxBodySize;
    if (request.contentLength > config.maxBodySize) this.#verdict = 413;
  }

  bodyPiece(piece: Buffer): void {
    this.#bytesIn += piece.length;
    if (this.#over || this.#verdict !== 0) return;
    if (this.#bytesIn > this.#maxBody) {
      this.fail(413);
      return;
    }
    const taken = this.body.add(piece);
    this.#proxying?.bodyMoved(taken);
    if (!taken) this.client.holdBody();
  }

  bodyEnded(): void {
    this.body.end();
    if (this.#answering) this.#proxying?.bodyMoved(true);
    else this.#proceed();
  }

  /** One read of the client has been passed on, and the body has not ended. */
  readPaused(): void {
    if (this.#answering) return;
    const wanted = this.#verdict === 0 && this.#pool?.config.kind === 'proxy';
    if (wanted && this.request.expectContinue && !this.#continued && this.#bytesIn === 0) {
      this.#continued = true;
      this.client.write('HTTP/1.1 100 Continue\r\n\r\n');
    }
    if (!wanted || !this.body.gathers) this.#proceed();
  }

  /** The request's body is malformed, too large or does not come: says so where nothing has been answered yet. */
  fail(status: number): void {
    if (this.#over) return;
    this.#proxying?.abandon();
    if (this.reply.sent) {
      this.client.abort();
      this.end('client-gone');
      return;
    }
    this.reply.reset();
    this.answer(status);
  }

  tunnelData(bytes: Buffer): void {
    this.#proxying?.tunnelData(bytes);
  }

  clientWritable(): void {
    this.#source?.resume();
    this.#proxying?.clientWritable();
  }

  /** The client sends no more. In HTTP it is taken as gone, as nginx does; in a tunnel the other direction may go on. */
  clientEnded(): void {
    if (this.#proxying?.clientEnded() !== true) this.clientGone();
  }

  clientGone(): void {
    if (this.#over) return;
    const tunnelled = this.#proxying?.tunnel !== null && this.#proxying !== null;
    this.#proxying?.abandon();
    this.end(tunnelled ? 'complete' : 'client-gone');
  }

  sweep(now: number): void {
    this.#proxying?.sweep(now);
  }

  // What the parts of an exchange ask of it.

  mayKeep(): boolean {
    return this.#verdict !== 400 && this.request.keepAlive && this.body.done && !this.#ground.draining;
  }

  /** A deploy may have replaced the pool while the request was under way: then its route is looked up again. */
  pool(): PoolState | null {
    if (this.#pool?.retired === true) this.#pool = this.#router.find(this.#host, this.#path);
    return this.#pool;
  }

  answer(status: number): void {
    if (this.#over) return;
    const { accept } = this.request;
    const { contentType, body } = this.#ground.options.errorPage(status, { accept, id: this.requestId });
    const headers: [string, string][] = [
      ['Content-Type', contentType],
      ['Cache-Control', 'no-store'],
      ['X-Request-Id', this.requestId],
    ];
    if (status === 405) headers.push(['Allow', 'GET, HEAD']);
    this.#send(ownHead(status, body.length, headers), body);
  }

  end(outcome: AccessOutcome): void {
    if (this.#over) return;
    this.#over = true;
    this.#source?.destroy();
    this.reply.reset();
    this.#log(outcome);
    if (outcome === 'complete') this.client.finished(this.reply.keep);
  }

  sourceEnded(): void {
    this.reply.end();
    this.end('complete');
  }

  sourceFailed(): void {
    if (this.reply.sent) {
      this.client.abort();
      this.end('upstream-gone');
      return;
    }
    this.reply.reset();
    this.answer(500);
  }

  #proceed(): void {
    this.#answering = true;
    if (this.#verdict !== 0) {
      this.answer(this.#verdict);
      return;
    }
    const config = this.pool()?.config;
    if (config?.kind === 'static') {
      this.#serveStatic(config);
      return;
    }
    this.#proxying = new Proxying(this.#ground, this);
    this.#proxying.start();
  }

  #serveStatic(pool: StaticPool): void {
    const { request } = this;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      this.answer(405);
      return;
    }
    const path = filePath(request.target.slice(0, request.pathLength));
    if (path === null) {
      this.#verdict = 400;
      this.answer(400);
      return;
    }
    this.#ground.options
      .answerStatic(pool, staticRequestOf(request, path))
      .then((answer) => this.#sendStatic(answer))
      .catch(() => this.fail(500));
  }

  #sendStatic({ status, headers, body }: StaticAnswer): void {
    const unwanted = this.#over || this.request.method === 'HEAD' || status === 304 || status === 204;
    const streamed = body !== null && !Buffer.isBuffer(body);
    if (unwanted && streamed) body.discard?.();
    if (this.#over) return;
    // A 304 would have to give the length of the 200 (RFC 9110 8.6), which it does not carry.
    const head = ownHead(status, status === 304 ? -1 : (body?.length ?? 0), headers);
    if (unwanted || !streamed) {
      this.#send(head, unwanted || !Buffer.isBuffer(body) ? null : body);
      return;
    }
    this.reply.start(head);
    this.#source = new StaticSource(body, this);
  }

  #send(head: ReturnType<typeof ownHead>, body: Buffer | null): void {
    this.reply.start(head);
    if (body !== null && this.request.method !== 'HEAD') this.reply.payload(body, 0, body.length);
    this.reply.end();
    this.end('complete');
  }

  #log(outcome: AccessOutcome): void {
    const { request, reply } = this;
    const pool = this.#pool;
    const tunnel = this.#proxying?.tunnel ?? null;
    if (pool !== null && reply.status !== 0) {
      const group = Math.trunc(reply.status / 100);
      pool.responses[group] = (pool.responses[group] ?? 0) + 1;
    }
    this.#ground.options.log({
      time: this.#time,
      service: pool?.config.service ?? null,
      pool: pool?.config.id ?? null,
      requestId: this.requestId,
      remote: this.client.remote,
      host: request.host,
      method: request.method,
      target: request.target,
      protocol: request.minor === 1 ? 'HTTP/1.1' : 'HTTP/1.0',
      status: reply.status,
      bytesIn: this.#bytesIn + (tunnel?.bytesIn ?? 0),
      bytesOut: reply.bytesOut + (tunnel?.bytesOut ?? 0),
      durationMs: performance.now() - this.#startedAt,
      upstream: this.#proxying?.lastEndpoint ?? null,
      attempts: this.#proxying?.attempts ?? 0,
      userAgent: request.userAgent,
      referer: request.referer,
      outcome,
    });
  }
}
