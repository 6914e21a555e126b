import type { StaticPool } from '../../pool.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { ResponseHead } from '../http/response-head.ts';
import type { Passage } from '../policy/passage.ts';
import { type Answering, ShapedReply } from '../policy/shaped-reply.ts';
import type { Verdict } from '../policy/verdict.ts';
import { Admission, type AdmissionUser, plain } from './admission.ts';
import { hashOf } from './balance.ts';
import type { Client } from './client-port.ts';
import type { Ground } from './ground.ts';
import type { PoolState } from './pool.ts';
import type { ProxiedExchange } from './proxied-exchange.ts';
import { Proxying } from './proxying.ts';
import { Reply, type ReplyOwner } from './reply.ts';
import { RequestBody } from './request-body.ts';
import type { Router } from './router.ts';
import { ownHead, type SourceUser, StaticSource } from './static-answer.ts';
import { serveFiles } from './static-serving.ts';
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
 *
 * Under a route that asks something of requests the end of `receiving` waits until it is known whether this one gets in.
 */
export class Exchange implements AdmissionUser, ProxiedExchange, ReplyOwner, SourceUser {
  readonly client: Client;
  readonly request: RequestHead;
  readonly requestId: string;
  readonly body: RequestBody;
  reply: Answering;
  readonly #plain: Reply;
  readonly #ground: Ground;
  readonly #admission: Admission;
  readonly #startedAt: number;
  readonly #time: number;
  #shaped: ShapedReply | null = null;
  #answering = false;
  #over = false;
  #continued = false;
  #bytesIn = 0;
  #proxying: Proxying | null = null;
  #source: StaticSource | null = null;

  constructor({ ground, router, client }: ExchangeGround, request: RequestHead, host: string) {
    this.#ground = ground;
    this.client = client;
    this.request = request;
    this.#time = ground.options.now();
    this.#startedAt = performance.now();
    ground.clock.now = this.#startedAt;
    this.requestId = request.requestId ?? ground.requestId();
    this.#admission = new Admission({ ground, router, client, request, host, requestId: this.requestId }, this);
    this.body = new RequestBody(request, ground.limits.replaySize);
    this.#plain = new Reply(ground, this);
    this.reply = this.#plain;
  }

  get over(): boolean {
    return this.#over;
  }

  /** The head is known; pieces of the body and then `bodyEnded` follow. */
  begin(): void {
    this.#admission.begin();
  }

  bodyPiece(piece: Buffer): void {
    this.#bytesIn += piece.length;
    if (this.#over || this.#admission.verdict !== null) return;
    if (this.#bytesIn > this.#admission.maxBody) {
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
    if (this.#answering || this.#admission.waits) return;
    const wanted = this.#admission.verdict === null && this.#admission.found?.config.kind === 'proxy';
    if (wanted && this.request.expectContinue && !this.#continued && this.#bytesIn === 0) {
      this.#continued = true;
      this.client.interim({ status: 100, reason: 'Continue', fields: '' });
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
    this.#shaped?.resume();
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
    return (
      this.#admission.verdict?.status !== 400 && this.request.keepAlive && this.body.done && !this.#ground.draining
    );
  }

  pool(): PoolState | null {
    return this.#admission.pool();
  }

  get scheme(): 'http' | 'https' {
    return this.#admission.passage?.origin.scheme ?? this.client.scheme;
  }

  get remoteHash(): number {
    const remote = this.#admission.passage?.origin.remote ?? this.client.remote;
    return remote === this.client.remote ? this.client.remoteHash : hashOf(remote);
  }

  headTo(host: string): string {
    const { request, client, requestId } = this;
    const passage = this.#admission.passage;
    const upgrade = request.upgrade === null ? '' : `Connection: Upgrade\r\nUpgrade: ${request.upgrade}\r\n`;
    const line = `${request.method} ${passage?.target ?? request.target} HTTP/1.1\r\nHost: ${host}\r\n`;
    if (passage !== null) return line + passage.fields(upgrade);
    return `${line}${request.fields}${upgrade}${client.forwardedFields(request.host)}X-Request-Id: ${requestId}\r\n`;
  }

  switching(head: ResponseHead): ResponseHead {
    this.#admission.passage?.shapeFields(head);
    return head;
  }

  answer(status: number, retryAfter?: number): void {
    this.give(retryAfter === undefined ? plain(status) : { status, headers: [['Retry-After', String(retryAfter)]] });
  }

  give(verdict: Verdict): void {
    if (this.#over) return;
    this.#admission.verdict ??= verdict;
    const { status, headers } = verdict;
    const { type, body } = this.#content(verdict);
    const own: [string, string][] = [
      ...(type === null ? [] : [['Content-Type', type] satisfies [string, string]]),
      ['Cache-Control', 'no-store'],
      ['X-Request-Id', this.requestId],
    ];
    this.#send(ownHead(status, body.length, [...own, ...headers]), body);
  }

  end(outcome: AccessOutcome): void {
    // What is still being compressed comes first; then `encoded` ends it.
    if (this.#over || (outcome === 'complete' && this.#shaped?.finishing === true)) return;
    this.#over = true;
    this.#admission.passage?.leave();
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

  under(passage: Passage): void {
    this.#shaped = new ShapedReply(this.#ground, this.#plain, {
      request: this.request,
      shape: (head) => passage.shape(head),
      clientWritable: () => this.clientWritable(),
      encoded: () => this.end('complete'),
      unencodable: () => this.cut(),
    });
    this.reply = this.#shaped;
  }

  opened(): void {
    if (this.#over) return;
    if (this.#bytesIn > this.#admission.maxBody) this.fail(413);
    else if (this.body.done) this.#proceed();
    else this.readPaused();
  }

  /** The answer cannot be completed. */
  cut(): void {
    this.#proxying?.abandon();
    this.client.abort();
    this.end('upstream-gone');
  }

  #proceed(): void {
    const { waits, verdict } = this.#admission;
    if (waits) return;
    this.#answering = true;
    if (verdict !== null) {
      this.give(verdict);
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
    serveFiles(this.#ground.options, { pool, request, passage: this.#admission.passage })
      .then((served) => {
        if ('verdict' in served) this.give(served.verdict);
        else this.#sendStatic(served.answer);
      })
      .catch(() => this.fail(500));
  }

  #content({ status, body, page }: Verdict): { readonly type: string | null; readonly body: Buffer } {
    if (body !== undefined) return { type: null, body: Buffer.from(body) };
    const asked = { accept: this.request.accept, id: this.requestId };
    const { options } = this.#ground;
    const made = options.errorPage(status, page === 'maintenance' ? { ...asked, maintenance: true } : asked);
    return { type: made.contentType, body: made.body };
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
    const pool = this.#admission.found;
    const tunnel = this.#proxying?.tunnel ?? null;
    this.#ground.options.log({
      time: this.#time,
      service: pool?.config.service ?? null,
      pool: pool?.config.id ?? null,
      requestId: this.requestId,
      remote: this.#admission.passage?.origin.remote ?? this.client.remote,
      host: request.host,
      method: request.method,
      target: request.target,
      protocol: request.protocol,
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
