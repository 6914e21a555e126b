import { Agent, request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { Lateness } from './lateness.ts';

const visitors = 4;
const pace = 50;

/** Visitors over TLS, half of them on kept connections, who also look at which certificate they are shown. */
export class TlsVisitors implements AsyncDisposable {
  readonly #agent = new Agent({ keepAlive: true, rejectUnauthorized: false, maxCachedSessions: 0 });
  readonly #serials = new Set<string>();
  readonly #failures: string[] = [];
  readonly #walks: Promise<void>[];
  readonly #port: number;
  readonly #host: string;
  readonly #lateness: Lateness;
  #late = 0;
  #requests = 0;
  #over = false;

  constructor(port: number, host: string, lateness = new Lateness()) {
    this.#lateness = lateness;
    this.#port = port;
    this.#host = host;
    this.#walks = Array.from({ length: visitors }, (_, index) => this.#walk(index % 2 === 0));
  }

  get requests(): number {
    return this.#requests;
  }

  /** Requests that failed while this process was not let run: no failures. */
  get late(): number {
    return this.#late;
  }

  get failures(): readonly string[] {
    return this.#failures;
  }

  async stop(): Promise<{ requests: number; failures: readonly string[]; certificates: number }> {
    this.#over = true;
    await Promise.all(this.#walks);
    this.#agent.destroy();
    for (const failure of this.#failures.slice(0, 5)) console.error(`  over TLS: ${failure}`);
    return { requests: this.#requests, failures: this.#failures, certificates: this.#serials.size };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #walk(keeps: boolean): Promise<void> {
    while (!this.#over) {
      this.#requests += 1;
      const begun = performance.now();
      await this.#ask(keeps).catch((error: unknown) => {
        if (this.#lateness.wasLateSince(begun)) this.#late += 1;
        else this.#failures.push(String(error));
      });
      await new Promise((resolve) => setTimeout(resolve, pace));
    }
  }

  #ask(keeps: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          host: '127.0.0.1',
          port: this.#port,
          servername: this.#host,
          headers: { host: this.#host },
          rejectUnauthorized: false,
          agent: keeps ? this.#agent : false,
          timeout: 20_000,
        },
        (response) => {
          this.#serials.add((response.socket as TLSSocket).getPeerCertificate().serialNumber);
          response.resume();
          response.on('error', reject);
          response.on('end', () =>
            response.statusCode === 200 ? resolve() : reject(new Error(`answered ${response.statusCode}`)),
          );
        },
      );
      asked.on('timeout', () => asked.destroy(new Error('no answer within 20 s')));
      asked.on('error', reject);
      asked.end();
    });
  }
}
