import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';

/** Where visitors ask, and by whose root (PEM) they verify what they are shown. */
export interface SecureTarget {
  readonly address: string;
  readonly port: number;
  readonly host: string;
  readonly ca: string;
}

export interface SecureAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
  /** Serial number of the certificate that the connection was made with; null for what is not its first answer. */
  readonly serial: string | null;
}

/** One request over TLS, which rejects where the certificate does not verify; on a connection of its own unless an agent keeps one. */
export function askSecurely(target: SecureTarget, agent: Agent | false = false): Promise<SecureAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<SecureAnswer>();
  const { address, port, host, ca } = target;
  const asked = request(
    { host: address, port, servername: host, headers: { host }, ca, agent, timeout: 60_000 },
    (response) => {
      const serial = serialOf(response);
      let body = '';
      response.on('data', (part: Buffer) => (body += part.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers, serial }));
      response.on('error', reject);
      response.on('close', () => reject(new Error('the answer broke off')));
    },
  );
  asked.on('timeout', () => asked.destroy(new Error('no answer within 60 s')));
  asked.on('error', reject);
  asked.end();
  return promise;
}

/** Of a connection's first answer: Node tells the certificate no more once a ticket for its session has come. */
function serialOf({ socket }: IncomingMessage): string | null {
  return socket instanceof TLSSocket ? (socket.getPeerX509Certificate()?.serialNumber ?? null) : null;
}

export interface SecureCount {
  readonly requests: number;
  /** What went wrong, one line a request. */
  readonly failed: readonly string[];
  /** Certificates, by their serial numbers, of the connections that stay open, and of those made anew for each request: one for each connection. */
  readonly kept: readonly string[];
  readonly fresh: readonly string[];
}

/** Visitors over TLS who ask without a pause until they are stopped: half of them on a connection that stays open, half on a new one for each request. */
export class SecureVisitors implements AsyncDisposable {
  readonly #target: SecureTarget;
  readonly #failed: string[] = [];
  readonly #serials = { kept: [] as string[], fresh: [] as string[] };
  readonly #walks: Promise<void>[];
  #requests = 0;
  #stopped = false;

  constructor(target: SecureTarget, visitors = 4) {
    this.#target = target;
    this.#walks = Array.from({ length: visitors }, (_, index) => this.#walk(index % 2 === 0 ? 'kept' : 'fresh'));
  }

  get count(): SecureCount {
    return { requests: this.#requests, failed: this.#failed, ...this.#serials };
  }

  async stop(): Promise<SecureCount> {
    this.#stopped = true;
    await Promise.all(this.#walks);
    return this.count;
  }

  /** For a test that fails before it has stopped them: else they would keep its process for ever. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #walk(kind: 'kept' | 'fresh'): Promise<void> {
    // A connection of the visitor's own: one that was cut is then seen as the failure of a request, not made up for by another's.
    const agent = kind === 'kept' ? new Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0 }) : false;
    while (!this.#stopped) {
      this.#requests += 1;
      try {
        const { status, serial } = await askSecurely(this.#target, agent);
        if (status !== 200) throw new Error(`answered ${status}`);
        if (serial !== null) this.#serials[kind].push(serial);
      } catch (error) {
        this.#failed.push(`${new Date().toISOString()} ${this.#target.host} ${kind}: ${String(error)}`);
      }
      // The edge may end a connection in good order after a thousand requests: these stay below, so that each is seen to go on.
      await pause(60);
    }
    if (agent !== false) agent.destroy();
  }
}
