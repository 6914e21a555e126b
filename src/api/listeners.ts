import { chmodSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import type { RequestListener, Server } from 'node:http';
import { connect, type ListenOptions, type Socket } from 'node:net';
import { errorCode, isMissing } from '../lib/files.ts';
import { http } from '../lib/http.ts';
import { KapalError } from '../model/errors.ts';

export interface Listener {
  readonly url: string;
  close(): Promise<void>;
}

/** Milliseconds for answers that are under way when the listener closes. */
const GRACE = 2_000;
/** Milliseconds for a whole request over TCP: a source of 1 GiB over a slow line takes its time. Over the socket what a person types into a job has no limit. */
const LONGEST_REQUEST = 3_600_000;

/**
 * Listens on a Unix socket that only its owner can open (mode 0600). A socket file that nobody answers on is left from a daemon that
 * was killed, and replaced. Throws `daemon_running` when somebody answers.
 */
export async function listenOnSocket(path: string, handle: RequestListener): Promise<Listener> {
  try {
    return await open({ path }, { handle, url: `unix:${path}`, afterBind: () => chmodSync(path, 0o600) });
  } catch (error) {
    if (errorCode(error) !== 'EADDRINUSE') throw error;
  }
  if (await answers(path)) {
    throw new KapalError('daemon_running', `a daemon answers on ${path} already`, { hint: 'End it with kapal down.' });
  }
  await unlink(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
  return open({ path }, { handle, url: `unix:${path}`, afterBind: () => chmodSync(path, 0o600) });
}

/** Listens on an address. Throws `port_taken` naming the holder, `usage` for an address that this machine does not have. */
export async function listenOnTcp(
  options: { readonly host: string; readonly port: number; readonly describeHolder?: (port: number) => string },
  handle: RequestListener,
): Promise<Listener> {
  const { host, port } = options;
  try {
    return await open({ host, port }, { handle, url: null });
  } catch (error) {
    throw addressError(error, options);
  }
}

/** Throws what `listenOnTcp` would throw, at a moment when nothing has been begun that would have to be undone. */
export async function tryAddress(options: Parameters<typeof listenOnTcp>[0]): Promise<void> {
  const listener = await listenOnTcp(options, (_request, response) => response.destroy());
  await listener.close();
}

function addressError(error: unknown, options: Parameters<typeof listenOnTcp>[0]): unknown {
  const { host, port, describeHolder = () => 'another program' } = options;
  const hint = 'Choose another address for the API with --api ADDR, such as --api 127.0.0.1:7701.';
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return new KapalError('port_taken', `port ${port} of ${host} is held by ${describeHolder(port)}`, {
        hint,
        cause: error,
      });
    case 'EACCES':
      return new KapalError('forbidden', `this user may not listen on port ${port}`, { hint, cause: error });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new KapalError('usage', `this machine has no address ${host}`, { hint, cause: error });
    case null:
    default:
      return error;
  }
}

async function open(
  at: ListenOptions,
  options: { readonly handle: RequestListener; readonly url: string | null; readonly afterBind?: () => void },
): Promise<Listener> {
  const requestTimeout = at.path === undefined ? LONGEST_REQUEST : 0;
  const server = http.createServer({ requestTimeout, keepAliveTimeout: 10_000 }, options.handle);
  const connections = new Connections(server);
  server.on('clientError', refuseGarbage);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, resolve);
    // Bound by now, in this very turn, unless the address has to be looked up first or is refused.
    if (server.listening) options.afterBind?.();
  });
  return { url: options.url ?? urlOf(server), close: () => close(server, connections) };
}

/** What is no HTTP is answered once, in the shape of all failures. */
function refuseGarbage(_error: Error, socket: Socket): void {
  if (!socket.writable) return void socket.destroy();
  const error = { code: 'usage', message: 'the request is not HTTP/1.1', hint: null, log: [] };
  const body = JSON.stringify({ error });
  const head = ['HTTP/1.1 400 Bad Request', 'Content-Type: application/json; charset=utf-8', 'Connection: close'];
  socket.end([...head, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n'));
}

/** As people on this machine reach it: every interface is shown as the loopback one. */
function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the server does not listen on a port');
  const host = address.address === '0.0.0.0' || address.address === '::' ? '127.0.0.1' : address.address;
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
}

/** Connections without a request under way; Node's own `closeIdleConnections` leaves those that never sent one. */
class Connections {
  readonly #all = new Set<Socket>();
  readonly #busy = new Map<Socket, number>();

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      this.#all.add(socket);
      socket.once('close', () => this.#all.delete(socket));
    });
    server.on('request', ({ socket }, response) => {
      this.#count(socket, 1);
      response.once('close', () => this.#count(socket, -1));
    });
  }

  closeIdle(): void {
    for (const socket of this.#all) if (!this.#busy.has(socket)) socket.destroy();
  }

  closeAll(): void {
    for (const socket of this.#all) socket.destroy();
  }

  #count(socket: Socket, step: 1 | -1): void {
    const count = (this.#busy.get(socket) ?? 0) + step;
    if (count > 0) this.#busy.set(socket, count);
    else this.#busy.delete(socket);
  }
}

/** Idle connections end at once, the others with their answer, or after the grace. */
async function close(server: Server, connections: Connections): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  connections.closeIdle();
  const timer = setTimeout(() => connections.closeAll(), GRACE);
  try {
    await closed;
  } finally {
    clearTimeout(timer);
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true));
    // EAGAIN: there is somebody, whose backlog is full.
    socket.once('error', (error) => resolve(errorCode(error) === 'EAGAIN'));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
