import type { ProxyPool, Sticky } from '../../pool.ts';
import type { ResponseHead } from '../http/response-head.ts';
import type { EndpointState } from './endpoint.ts';
import { EndpointSearch, type Searcher } from './endpoint-search.ts';
import type { Ground } from './ground.ts';
import type { Member } from './member.ts';
import type { PoolState } from './pool.ts';
import type { ProxiedExchange } from './proxied-exchange.ts';
import { idempotentMethods, mayRepeat, mayRescue, type Tries } from './repeating.ts';
import type { Answering } from '../policy/shaped-reply.ts';
import { stickyLine } from './sticky.ts';
import { switchingHead, Tunnel } from './tunnel.ts';
import type { UpstreamConnection, UpstreamFailure, UpstreamUser } from './upstream.ts';
import { tlsTarget } from './upstream-tls.ts';

/** After one side of a tunnel has ended, the other has this long. Milliseconds. */
const tunnelEnding = 10_000;
const never = Number.POSITIVE_INFINITY;

/**
 * A request on its way through the endpoints of a pool, one after the other, until one has answered.
 *
 *   choosing --endpoint--> connecting --> waiting --head--> answering --> over
 *     ^ ^  |  `-none: 503        |             |  |              |
 *     | |  `--all at their limit, or none yet--> queueing --place, endpoint--> connecting; time over, or queue full: 503
 *     | `-- rescued: the endpoint is down now, and the request is safe --'
 *     `------ may be repeated ------- failed, nothing of the answer with the client; else 502, 504, or a broken connection
 */
export class Proxying implements UpstreamUser, Searcher {
  readonly #ground: Ground;
  readonly #exchange: ProxiedExchange;
  readonly #search: EndpointSearch;
  #pool: PoolState | null = null;
  #config: ProxyPool | null = null;
  #member: Member | null = null;
  /** The head of an answer is waited for. */
  #awaiting = false;
  /** Since when it stands in line at the endpoint; `null`: it does not, for the client owes some of its body. */
  #queued: number | null = null;
  #connection: UpstreamConnection | null = null;
  #endpoint: EndpointState | null = null;
  #sent = false;
  #idleTimeout = never;
  #deadline = never;
  #paused = false;
  #tunnel: Tunnel | null = null;

  constructor(ground: Ground, exchange: ProxiedExchange) {
    this.#ground = ground;
    this.#exchange = exchange;
    this.#search = new EndpointSearch(ground, exchange, this);
  }

  get #reply(): Answering {
    return this.#exchange.reply;
  }

  get attempts(): number {
    return this.#search.tried.length;
  }

  /** Id of the endpoint of the last try. */
  get lastEndpoint(): string | null {
    return this.#search.tried.at(-1)?.id ?? null;
  }

  get tunnel(): Tunnel | null {
    return this.#tunnel;
  }

  /** Chooses an endpoint and sends the request there. */
  start(): void {
    this.#search.next();
  }

  /** More of the request's body has come. While the client owes bytes and the endpoint takes them, only the client's deadline holds. */
  bodyMoved(taken: boolean): void {
    if (!this.#sent || this.#config === null || this.#reply.started) return;
    const waits = this.#exchange.body.done || !taken;
    this.#deadline = waits ? this.#ground.clock.now + this.#config.responseTimeout : never;
  }

  tunnelData(bytes: Buffer): void {
    this.#tunnel?.fromClient(bytes, this.#ground.clock.now);
  }

  clientWritable(): void {
    this.#tunnel?.clientWritable();
    if (!this.#paused) return;
    this.#paused = false;
    this.#deadline = this.#ground.clock.now + this.#idleTimeout;
    this.#connection?.resume();
  }

  /** `false`: there is no tunnel, in which a client may end its side first. */
  clientEnded(): boolean {
    if (this.#tunnel === null) return false;
    this.#tunnel.clientEnded();
    this.#deadline = this.#ground.clock.now + tunnelEnding;
    return true;
  }

  /** Ends the request at the endpoint. */
  abandon(): void {
    this.#search.end();
    this.#endpoint?.health.undecided();
    this.#release()?.destroy();
  }

  /** Looks at the deadlines. */
  sweep(now: number): void {
    if (this.#tunnel !== null) {
      if (now - this.#tunnel.lastActive >= this.#idleTimeout || now >= this.#deadline) this.#closeTunnel();
      return;
    }
    if (this.#connection === null) {
      this.#search.sweep(now);
      return;
    }
    if (this.#awaiting && this.#endpoint?.down === true && this.#rescue()) return;
    // While the client is slow its own deadline holds.
    if (this.#paused || now < this.#deadline) return;
    if (!this.#connection.ready) this.#endpoint?.gate.untaken();
    this.#connection.fail(this.#connection.ready ? 'timeout' : 'untaken');
  }

  // What the endpoint does.

  connected(): void {
    this.#send();
  }

  writable(): void {
    if (this.#tunnel !== null) this.#tunnel.upstreamWritable();
    else this.#exchange.client.resumeBody();
  }

  interim(head: ResponseHead): void {
    const { request, client } = this.#exchange;
    if (request.minor === 1) client.interim(head);
  }

  switched(head: ResponseHead): void {
    const { request, client } = this.#exchange;
    const connection = this.#connection;
    if (connection === null) return;
    const asked = request.upgrade !== null && head.upgrade !== null;
    if (this.#config?.sticky !== undefined) this.#handOver(this.#config.sticky, head);
    const socket = asked ? client.switchProtocols(switchingHead(this.#exchange.switching(head))) : null;
    if (socket === null) {
      connection.fail('malformed');
      return;
    }
    this.#tunnel = new Tunnel(socket, connection, this.#ground.clock.now);
    this.#deadline = never;
    this.#settled(true);
    this.#endpoint?.health.succeeded();
    this.#reply.switched();
    client.becomeTunnel();
  }

  responseHead(head: ResponseHead): void {
    this.#deadline = this.#ground.clock.now + this.#idleTimeout;
    this.#settled(true);
    this.#endpoint?.health.answering();
    if (this.#config?.sticky !== undefined) this.#handOver(this.#config.sticky, head);
    this.#reply.start(head);
  }

  payload(bytes: Buffer, start: number, end: number): void {
    this.#deadline = this.#ground.clock.now + this.#idleTimeout;
    if (!this.#reply.payload(bytes, start, end)) this.#pause();
  }

  readEnded(): void {
    const { method } = this.#exchange.request;
    const hold = (method === 'GET' || method === 'HEAD') && this.#mayRepeat('closed');
    if (!this.#reply.readEnded(hold)) this.#pause();
  }

  complete(reusable: boolean): void {
    const endpoint = this.#endpoint;
    endpoint?.health.succeeded();
    const connection = this.#release();
    if (connection !== null) {
      if (this.#paused) connection.resume();
      if (reusable && this.#exchange.body.done) endpoint?.giveBack(connection);
      else connection.destroy();
    }
    this.#reply.end();
    this.#exchange.end('complete');
  }

  failed(failure: UpstreamFailure): void {
    if (this.#tunnel !== null) {
      this.#closeTunnel();
      return;
    }
    const repeat =
      !this.#reply.sent && this.#mayRepeat(failure) && this.#pool?.budget.take(this.#ground.clock.now) === true;
    this.#blame(failure);
    this.#release();
    if (this.#reply.sent) {
      this.#exchange.client.abort();
      this.#exchange.end('upstream-gone');
      return;
    }
    this.#reply.reset();
    if (repeat) {
      if (this.#pool !== null) this.#pool.retries += 1;
      this.start();
    } else this.#exchange.answer(failure === 'timeout' ? 504 : 502);
  }

  faulted(): void {
    this.abandon();
    this.#exchange.client.abort();
  }

  tunnelled(bytes: Buffer, start: number, end: number): void {
    this.#tunnel?.fromUpstream(bytes.subarray(start, end), this.#ground.clock.now);
  }

  tunnelEnded(): void {
    this.#tunnel?.upstreamEnded();
    this.#deadline = this.#ground.clock.now + tunnelEnding;
  }

  // The steps, in their order.

  /** A second try goes over a new connection: an idle one may be dead for the same reason as the first. */
  found(member: Member, pool: PoolState, config: ProxyPool): void {
    const { request } = this.#exchange;
    const { endpoint } = member;
    const idempotent = idempotentMethods.has(request.method);
    this.#pool = pool;
    this.#config = config;
    this.#idleTimeout = config.idleTimeout ?? never;
    this.#member = member;
    this.#endpoint = endpoint;
    this.#sent = false;
    this.#awaiting = true;
    endpoint.begin(config.maxConnections !== undefined);
    this.#queued = this.#exchange.body.done ? endpoint.queue() : null;
    const tls = config.tls === undefined ? null : tlsTarget(config.tls, this.#sentHost(endpoint));
    const connection = endpoint.take({ reuse: this.attempts > 1 ? 'none' : idempotent ? 'any' : 'recent', tls });
    this.#connection = connection;
    connection.begin(this, request.method === 'HEAD');
    if (!connection.ready) this.#deadline = this.#ground.clock.now + this.#ground.limits.connectTimeout;
    else if (idempotent) this.#send();
    else this.#sendAfterPoll(connection);
  }

  none(status: number, retryAfter?: number): void {
    this.#exchange.answer(status, retryAfter);
  }

  #sentHost(endpoint: EndpointState): string {
    return this.#config?.rewriteHost === true ? endpoint.authority : this.#exchange.request.host;
  }

  /**
   * A request that may not be repeated waits until the kernel has been asked once more: an endpoint that was killed a moment ago has
   * closed its connections, and that is known only after the next poll. The second immediate runs after that poll.
   */
  #sendAfterPoll(connection: UpstreamConnection): void {
    this.#deadline = never;
    const send = this.#ground.guard({ destroy: () => this.faulted() }, () => {
      if (this.#connection === connection && !this.#sent) this.#send();
    });
    setImmediate(() => setImmediate(send));
  }

  #send(): void {
    const { client, body } = this.#exchange;
    const connection = this.#connection;
    const endpoint = this.#endpoint;
    if (connection === null || endpoint === null) return;
    this.#sent = true;
    const taken = body.attach(connection, this.#exchange.headTo(this.#sentHost(endpoint)));
    this.bodyMoved(taken);
    if (body.done) return;
    if (taken) client.resumeBody();
    else client.holdBody();
  }

  #pause(): void {
    this.#paused = true;
    this.#connection?.pause();
  }

  #mayRepeat(failure: UpstreamFailure): boolean {
    return mayRepeat(failure, this.#tries());
  }

  #tries(): Tries {
    const { request, body } = this.#exchange;
    return {
      method: request.method,
      sent: this.#sent,
      replayable: body.replayable,
      tried: this.#search.tried,
      // Of the present table: a deploy may have brought endpoints that were not there when the first was chosen.
      members: this.#exchange.pool()?.members ?? [],
    };
  }

  /** The endpoint is down by now, and nothing of its answer has come: a safe request is sent again elsewhere. */
  #rescue(): boolean {
    if (!mayRescue(this.#tries())) return false;
    this.abandon();
    if (this.#pool !== null) this.#pool.retries += 1;
    this.start();
    return true;
  }

  #handOver(sticky: Sticky, head: ResponseHead): void {
    const cookie = this.#member === null ? null : this.#search.cookieFor(this.#member);
    if (cookie !== null) head.fields += stickyLine(sticky, cookie, this.#exchange.scheme === 'https');
  }

  #settled(answered: boolean): void {
    if (!this.#awaiting) return;
    this.#awaiting = false;
    this.#endpoint?.settled();
    if (this.#queued !== null) this.#endpoint?.dequeue(this.#queued, answered);
    this.#queued = null;
  }

  /** A used connection that ends without an answer is the server's right to close idle connections, not a fault. */
  #blame(failure: UpstreamFailure): void {
    const connection = this.#connection;
    const endpoint = this.#endpoint;
    if (connection === null || endpoint === null) return;
    const { now } = this.#ground.clock;
    const mayClose = failure === 'closed' && connection.reused && !connection.answered;
    // One that is asked for too much does not take every connection; who is sent elsewhere would be too much there.
    if (mayClose || (failure === 'untaken' && endpoint.isOverloaded(now))) {
      endpoint.health.undecided();
      return;
    }
    const ejected = endpoint.health.failed(now, failure === 'connect' || failure === 'untaken');
    if (ejected && this.#pool !== null) this.#pool.ejections += 1;
  }

  /** Lets go of endpoint and connection; the connection is still to be given back or destroyed. */
  #release(): UpstreamConnection | null {
    const connection = this.#connection;
    const endpoint = this.#endpoint;
    this.#settled(false);
    endpoint?.end();
    this.#connection = null;
    this.#endpoint = null;
    this.#deadline = never;
    this.#exchange.body.detach();
    return connection;
  }

  /** What was sent to the client reaches it; the endpoint's side is closed. */
  #closeTunnel(): void {
    this.#release()?.destroy();
    this.#exchange.end('complete');
  }
}
