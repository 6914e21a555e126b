import type { ProxyPool } from '../../pool.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { ResponseHead } from '../http/response-head.ts';
import type { Client } from './client-port.ts';
import type { EndpointState } from './endpoint.ts';
import type { Ground } from './ground.ts';
import type { PoolState } from './pool.ts';
import { type Reply, reasonOf } from './reply.ts';
import type { RequestBody } from './request-body.ts';
import { Tunnel } from './tunnel.ts';
import type { AccessOutcome } from './types.ts';
import type { UpstreamConnection, UpstreamFailure, UpstreamUser } from './upstream.ts';

const maxTries = 4;
/** After one side of a tunnel has ended, the other has this long. Milliseconds. */
const tunnelEnding = 10_000;
/** Methods whose effect is the same when repeated (RFC 9110 9.2.2). */
const idempotentMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
const never = Number.POSITIVE_INFINITY;

/** The exchange that is proxied. */
export interface ProxiedExchange {
  readonly client: Client;
  readonly request: RequestHead;
  readonly requestId: string;
  readonly body: RequestBody;
  readonly reply: Reply;
  /** The pool of the present table; `null` where the route is gone. */
  pool(): PoolState | null;
  /** Gives the edge's own answer. */
  answer(status: number): void;
  /** Nothing more will come. */
  end(outcome: AccessOutcome): void;
}

/**
 * A request on its way through the endpoints of a pool, one after the other, until one has answered.
 *
 *   choosing --endpoint--> connecting --> waiting --head--> answering --> over
 *       ^  `-none: 503         |             |                 |
 *       `------ may be repeated ------- failed, nothing of the answer with the client; else 502, 504, or a broken connection
 */
export class Proxying implements UpstreamUser {
  readonly #ground: Ground;
  readonly #exchange: ProxiedExchange;
  #pool: PoolState | null = null;
  #config: ProxyPool | null = null;
  #connection: UpstreamConnection | null = null;
  #endpoint: EndpointState | null = null;
  readonly #tried: EndpointState[] = [];
  #sent = false;
  #idleTimeout = never;
  #deadline = never;
  #paused = false;
  #tunnel: Tunnel | null = null;

  constructor(ground: Ground, exchange: ProxiedExchange) {
    this.#ground = ground;
    this.#exchange = exchange;
  }

  get #reply(): Reply {
    return this.#exchange.reply;
  }

  get attempts(): number {
    return this.#tried.length;
  }

  /** Id of the endpoint of the last try. */
  get lastEndpoint(): string | null {
    return this.#tried.at(-1)?.id ?? null;
  }

  get tunnel(): Tunnel | null {
    return this.#tunnel;
  }

  /** Chooses an endpoint and sends the request there. */
  start(): void {
    const pool = this.#exchange.pool();
    const config = pool?.config;
    const endpoint =
      config?.kind === 'proxy'
        ? pool?.choose(config, {
            now: this.#ground.clock.now,
            tried: this.#tried,
            client: this.#exchange.client.remoteHash,
          })
        : undefined;
    if (pool === null || config?.kind !== 'proxy' || endpoint === undefined || endpoint === null) {
      this.#exchange.answer(this.attempts === 0 ? 503 : 502);
      return;
    }
    this.#pool = pool;
    this.#config = config;
    this.#idleTimeout = config.idleTimeout ?? never;
    this.#attempt(endpoint);
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
    this.#endpoint?.health.undecided();
    this.#release()?.destroy();
  }

  /** Looks at the deadlines. */
  sweep(now: number): void {
    if (this.#tunnel !== null) {
      if (now - this.#tunnel.lastActive >= this.#idleTimeout || now >= this.#deadline) this.#closeTunnel();
      return;
    }
    // While the client is slow its own deadline holds.
    if (this.#connection === null || this.#paused || now < this.#deadline) return;
    this.#connection.fail(this.#connection.ready ? 'timeout' : 'connect');
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
    if (request.minor === 1) client.write(`HTTP/1.1 ${head.status} ${head.reason}\r\n${head.fields}\r\n`);
  }

  switched(head: ResponseHead): void {
    const { request, client } = this.#exchange;
    const connection = this.#connection;
    if (connection === null) return;
    if (request.upgrade === null || head.upgrade === null) {
      connection.fail('malformed');
      return;
    }
    this.#tunnel = new Tunnel(client.socket, connection, this.#ground.clock.now);
    this.#deadline = never;
    this.#endpoint?.health.succeeded();
    this.#reply.switched();
    const reason = head.reason === '' ? reasonOf(101) : head.reason;
    client.write(`HTTP/1.1 101 ${reason}\r\n${head.fields}Upgrade: ${head.upgrade}\r\nConnection: Upgrade\r\n\r\n`);
    client.becomeTunnel();
  }

  responseHead(head: ResponseHead): void {
    this.#deadline = this.#ground.clock.now + this.#idleTimeout;
    this.#endpoint?.health.answering();
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
    const repeat = !this.#reply.sent && this.#mayRepeat(failure);
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
  #attempt(endpoint: EndpointState): void {
    const { method } = this.#exchange.request;
    const idempotent = idempotentMethods.has(method);
    const again = this.#tried.push(endpoint) > 1;
    this.#endpoint = endpoint;
    this.#sent = false;
    endpoint.inFlight += 1;
    const connection = endpoint.take(again ? 'none' : idempotent ? 'any' : 'recent');
    this.#connection = connection;
    connection.begin(this, method === 'HEAD');
    if (!connection.ready) this.#deadline = this.#ground.clock.now + this.#ground.limits.connectTimeout;
    else if (idempotent) this.#send();
    else this.#sendAfterPoll(connection);
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
    const { request, client, body, requestId } = this.#exchange;
    const connection = this.#connection;
    const endpoint = this.#endpoint;
    const config = this.#config;
    if (connection === null || endpoint === null || config === null) return;
    const host = config.rewriteHost ? endpoint.authority : request.host;
    const upgrade = request.upgrade === null ? '' : `Connection: Upgrade\r\nUpgrade: ${request.upgrade}\r\n`;
    this.#sent = true;
    const head = `${request.method} ${request.target} HTTP/1.1\r\nHost: ${host}\r\n${request.fields}${upgrade}${client.forwardedFields(request.host)}X-Request-Id: ${requestId}\r\n`;
    const taken = body.attach(connection, head);
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
    if (failure === 'malformed' || failure === 'timeout' || !this.#exchange.body.replayable) return false;
    // Of the present table: a deploy may have brought endpoints that were not there when the first was chosen.
    const members = this.#exchange.pool()?.members ?? [];
    const untried = members.some(({ endpoint }) => !this.#tried.includes(endpoint));
    // The only endpoint is asked once more, over a new connection; but not when nobody listens there.
    if (!untried && (members.length !== 1 || this.attempts >= 2 || failure === 'connect')) return false;
    if (this.attempts >= maxTries) return false;
    if (!this.#sent) return true;
    const { method } = this.#exchange.request;
    return this.#connection?.answered === true ? method === 'GET' || method === 'HEAD' : idempotentMethods.has(method);
  }

  /** A used connection that ends without an answer is the server's right to close idle connections, not a fault. */
  #blame(failure: UpstreamFailure): void {
    const connection = this.#connection;
    const endpoint = this.#endpoint;
    if (connection === null || endpoint === null) return;
    if (failure === 'closed' && connection.reused && !connection.answered) {
      endpoint.health.undecided();
      return;
    }
    const ejected = endpoint.health.failed(this.#ground.clock.now, failure === 'connect');
    if (ejected && this.#pool !== null) this.#pool.ejections += 1;
  }

  /** Lets go of endpoint and connection; the connection is still to be given back or destroyed. */
  #release(): UpstreamConnection | null {
    const connection = this.#connection;
    if (this.#endpoint !== null) this.#endpoint.inFlight -= 1;
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
