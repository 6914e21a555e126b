import { Agent, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface Count {
  readonly requests: number;
  /** What went wrong, one line a request. */
  readonly failed: readonly string[];
  /** Answers by their text. */
  readonly answers: ReadonlyMap<string, number>;
}
import { hang } from '../patience.ts';

/**
 * Visitors who ask without a pause until they are stopped: half of them on connections that stay open, half on a new one for each request,
 * every third request a POST. Anything but a 200 with a whole body is a failure.
 */
export class Visitors implements AsyncDisposable {
  readonly #target: { readonly port: number; readonly host: string };
  readonly #agent = new Agent({ keepAlive: true });
  readonly #failed: string[] = [];
  readonly #answers = new Map<string, number>();
  readonly #walks: Promise<void>[];
  #requests = 0;
  #stopped = false;

  constructor(target: { readonly port: number; readonly host: string }, visitors = 6) {
    this.#target = target;
    this.#walks = Array.from({ length: visitors }, (_, index) => this.#walk(index % 2 === 0));
  }

  get count(): Count {
    return { requests: this.#requests, failed: this.#failed, answers: this.#answers };
  }

  async stop(): Promise<Count> {
    this.#stopped = true;
    await Promise.all(this.#walks);
    this.#agent.destroy();
    return this.count;
  }

  /** For a test that fails before it has stopped them: else they would keep its process for ever. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #walk(keepsAlive: boolean): Promise<void> {
    while (!this.#stopped) {
      this.#requests += 1;
      const method = this.#requests % 3 === 0 ? 'POST' : 'GET';
      try {
        const answer = await this.#ask(method, keepsAlive);
        this.#answers.set(answer, (this.#answers.get(answer) ?? 0) + 1);
      } catch (error) {
        this.#failed.push(`${new Date().toISOString()} ${method} ${keepsAlive ? 'kept' : 'fresh'}: ${String(error)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  #ask(method: string, keepsAlive: boolean): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const { port, host } = this.#target;
    const agent = keepsAlive ? this.#agent : false;
    const asked = request({ host: '127.0.0.1', port, method, agent, headers: { host }, timeout: hang }, (response) => {
      textOf(response).then((text) => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`answered ${response.statusCode}`));
      }, reject);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer')));
    asked.on('error', reject);
    asked.end(method === 'POST' ? 'x'.repeat(2_000) : undefined);
    return promise;
  }
}

function textOf(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    response.on('data', (part: Buffer) => (text += part.toString()));
    response.on('end', () => resolve(text));
    response.on('error', reject);
    response.on('close', () => reject(new Error('the answer broke off')));
  });
}

/** A connection that was upgraded, or streams: what came so far, and when it ended. */
export class OpenConnection implements Disposable {
  readonly #socket: Socket;
  #text = '';
  readonly closed: Promise<void>;
  isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (part: Buffer) => (this.#text += part.toString()));
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) =>
      socket.on('close', () => {
        this.isClosed = true;
        resolve();
      }),
    );
  }

  /** Sends this head; the caller waits for the answer in `text`. */
  static open(port: number, head: readonly string[]): Promise<OpenConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.write(`${head.join('\r\n')}\r\n\r\n`);
        resolve(new OpenConnection(socket));
      });
    });
  }

  get text(): string {
    return this.#text;
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
