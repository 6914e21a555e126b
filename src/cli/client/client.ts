import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { asFailure, failure, isFailureDocument } from '../../api/contract/exit.ts';
import { errorCode } from '../../lib/files.ts';
import { http } from '../../lib/http.ts';
import type { Messages } from '../language/en.ts';
import type { Address } from './address.ts';
import { readEvents, type ServerEvent } from './events.ts';

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface Call {
  readonly method: Method;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The daemon's API. Answers are trusted to have the contract's types: both ends come from one source tree. Throws the KapalError that
 * the daemon answered, `no_daemon` when none does, `forbidden` when the socket is another user's.
 */
export class Client implements Disposable {
  readonly #find: () => Promise<Address>;
  readonly #data: string;
  readonly #say: Messages;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  /** Whether a daemon has ever answered: then an answer that is missing means that it went away. */
  #met = false;

  constructor(options: { readonly find: () => Promise<Address>; readonly data: string; readonly say: Messages }) {
    this.#find = options.find;
    this.#data = options.data;
    this.#say = options.say;
  }

  get met(): boolean {
    return this.#met;
  }

  /** The answer of a request with a JSON body, or none. */
  async call<Answer>(method: Method, path: string, body?: unknown): Promise<Answer> {
    const sent =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await this.#accepted({ method, path, ...sent });
    const text = await textOf(response).catch((error: unknown) => {
      throw this.#translate(error);
    });
    return (text === '' ? null : JSON.parse(text)) as Answer;
  }

  get<Answer>(path: string): Promise<Answer> {
    return this.call('GET', path);
  }

  /** Whether the daemon has what a path names. */
  async has(path: string): Promise<boolean> {
    const response = await this.#send({ method: 'HEAD', path });
    response.resume();
    // A HEAD carries no body that could say more.
    if (response.statusCode === 404) return false;
    if ((response.statusCode ?? 500) < 400) return true;
    throw failure(
      response.statusCode === 401 ? 'unauthorized' : 'internal',
      `the daemon answered ${response.statusCode} to HEAD ${path}`,
    );
  }

  /** Sends a tar stream. The daemon may refuse it before its end. */
  async upload(path: string, tar: AsyncIterable<Uint8Array>): Promise<void> {
    const response = await this.#accepted({
      method: 'PUT',
      path,
      body: tar,
      headers: { 'content-type': 'application/x-tar' },
    });
    response.resume();
  }

  /** The bytes of an answer as they come. */
  async stream(
    method: Method,
    path: string,
    { body, signal }: { readonly body: unknown; readonly signal: AbortSignal },
  ): Promise<AsyncIterable<Uint8Array>> {
    const headers = { 'content-type': 'application/json' };
    const response = await this.#accepted({ method, path, body: JSON.stringify(body), headers, signal });
    return this.#pieces(response, signal);
  }

  async *#pieces(response: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield* response;
    } catch (error) {
      throw signal.aborted ? error : this.#translate(error);
    }
  }

  /** Sends bytes as they come, to their end or until the daemon wants no more. */
  async pour(path: string, pieces: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const headers = { 'content-type': 'application/octet-stream' };
    const response = await this.#accepted({ method: 'PUT', path, body: pieces, headers, signal });
    response.resume();
  }

  /** Server-sent events until the daemon ends them, or the signal aborts (then the iteration ends too). */
  async *events(
    path: string,
    options: { readonly signal: AbortSignal; readonly after?: string | null },
  ): AsyncGenerator<ServerEvent, void> {
    const { signal, after = null } = options;
    const headers = { accept: 'text/event-stream', ...(after === null ? {} : { 'last-event-id': after }) };
    try {
      const response = await this.#accepted({ method: 'GET', path, headers, signal });
      yield* readEvents(response);
    } catch (error) {
      if (signal.aborted) return;
      throw this.#translate(error);
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #accepted(call: Call): Promise<IncomingMessage> {
    const response = await this.#send(call);
    if ((response.statusCode ?? 500) < 400) return response;
    const text = await textOf(response);
    throw (
      refusal(text) ??
      failure('internal', `${call.method} ${call.path}: status ${response.statusCode}, and no reason that can be read`)
    );
  }

  async #send(call: Call): Promise<IncomingMessage> {
    const address = await this.#find();
    try {
      const response = await exchange(await begin(address, this.#agent, call), call.body);
      this.#met = true;
      return response;
    } catch (error) {
      if (call.signal?.aborted === true) throw error;
      throw this.#translate(error, address);
    }
  }

  #translate(error: unknown, address?: Address): unknown {
    const code = errorCode(error);
    if (code === 'EACCES' && address?.kind === 'socket') {
      return failure('forbidden', this.#say.notAllowedSocket(address.path), { hint: this.#say.useToken, cause: error });
    }
    if (code === null || !UNREACHABLE.has(code)) return error;
    return address?.kind === 'tcp'
      ? failure('no_daemon', `no daemon answers at ${address.url.origin} (${code})`, { cause: error })
      : failure('no_daemon', this.#say.noDaemon(this.#data), { hint: this.#say.startDaemon(this.#data), cause: error });
  }
}

/** connect(2) and what Node reports for a connection that broke. */
const UNREACHABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'ENOTDIR',
  'ENOTSOCK',
  'ECONNRESET',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
]);

async function begin(address: Address, agent: Agent, call: Call): Promise<ClientRequest> {
  const { method, path, signal } = call;
  const common: RequestOptions = {
    method,
    path,
    headers: { ...call.headers },
    ...(signal === undefined ? {} : { signal }),
  };
  if (address.kind === 'socket') return http.request({ ...common, agent, socketPath: address.path });
  const { hostname, port, protocol } = address.url;
  const headers = { ...call.headers, authorization: `Bearer ${address.token}` };
  const there = { ...common, headers, host: hostname.replace(/^\[|\]$/g, ''), port };
  if (protocol === 'http:') return http.request({ ...there, agent });
  const { request: httpsRequest } = await import('node:https');
  return httpsRequest(there);
}

/** Resolves with the head of the answer, which may come before the body is sent. */
async function exchange(request: ClientRequest, body: Call['body']): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request.once('response', resolve);
  request.on('error', reject);
  if (body === undefined || typeof body === 'string') request.end(body);
  else pour(body, request).catch((error: unknown) => (reject(error), request.destroy()));
  return promise;
}

/** Writes as fast as the daemon reads, and stops where it has answered. */
async function pour(pieces: AsyncIterable<Uint8Array>, request: ClientRequest): Promise<void> {
  let answered = false;
  request.once('response', () => (answered = true));
  for await (const piece of pieces) {
    if (answered || request.destroyed) return;
    if (!request.write(piece)) await room(request);
  }
  request.end();
}

function room(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ['drain', 'response', 'close'] as const) request.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'response', 'close'] as const) request.on(event, done);
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const piece of response as AsyncIterable<string>) text += piece;
  return text;
}

function refusal(text: string): Error | null {
  try {
    const value: unknown = JSON.parse(text);
    return isFailureDocument(value) ? asFailure(value.error) : null;
  } catch {
    return null;
  }
}
