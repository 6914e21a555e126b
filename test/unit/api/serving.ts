import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiOptions, createApi } from '../../../src/api/server.ts';
import { type DaemonDocument, daemonFile } from '../../../src/api/contract/places.ts';
import type { Log } from '../../../src/lib/log.ts';
import { http } from '../../../src/lib/http.ts';
import { recordingCommands, type Recorder } from './recording-commands.ts';
import type { Commands } from '../../../src/reconcile/commands.ts';

export const token = 'kapal_a-token-of-the-tests';

/** An API on a free port and a socket in a temporary folder, with commands that are written down. */
export interface Served extends AsyncDisposable {
  readonly url: string;
  readonly data: string;
  readonly socketPath: string;
  readonly calls: Recorder['calls'];
  /** What the API logged as errors. */
  readonly faults: string[];
  close(): Promise<void>;
}

const repository = { project: 'shop', path: '/git/shop.git', branch: 'main', requireDeploy: false, commit: null };

/** Nobody pushes: what is pushed to is known all the same. */
export const noPushes: ApiOptions['pushes'] = {
  serve: () => Promise.reject(new Error('nobody pushes here')),
  async *receive() {},
  list: () => [repository],
  get: (project) => ({ ...repository, project }),
  change: async (project, change) => ({ ...repository, project, ...change }),
};

const noHooks: ApiOptions['hooks'] = {
  list: () => [],
  add: () => Promise.reject(new Error('nobody adds hooks here')),
  remove: () => undefined,
  isKnown: (id) => id === 'hook-known',
  receive: () => ({ accepted: true, message: 'the remote is looked at' }),
};

export async function serve(
  replaced: Partial<Commands> = {},
  more: Partial<ApiOptions> & { data?: string } = {},
): Promise<Served> {
  const data = more.data ?? (await mkdtemp(join(tmpdir(), 'kapal-api-')));
  const socketPath = join(data, 'kapal.sock');
  const { calls, commands } = recordingCommands(replaced);
  const faults: string[] = [];
  const log: Log = {
    info: () => undefined,
    warn: () => undefined,
    error: (facts, message) => faults.push(`${message} ${JSON.stringify(facts)}`),
  };
  const api = await createApi({
    commands,
    pushes: noPushes,
    hooks: noHooks,
    token,
    socketPath,
    host: '127.0.0.1',
    port: 0,
    version: '0.1.0',
    log,
    ...more,
  });
  const { url } = await api.listen();
  const document: DaemonDocument = {
    pid: process.pid,
    socket: socketPath,
    api: new URL(url).host,
    http: '127.0.0.1:1',
    https: null,
    version: '0.1.0',
    startedAt: new Date().toISOString(),
  };
  await writeFile(join(data, daemonFile), JSON.stringify(document));
  return {
    url,
    data,
    socketPath,
    calls,
    faults,
    close: () => api.close(),
    async [Symbol.asyncDispose]() {
      await api.close();
      await rm(data, { recursive: true, force: true });
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Asks over TCP; unlike `fetch` it sends any Host header that it is told. */
export function askTcp({ url }: Served, path: string, asking: Asking = {}): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return ask({ host: hostname, port, path }, asking);
}

/** Asks through the Unix socket. */
export function askSocket({ socketPath }: Served, path: string, asking: Asking = {}): Promise<Answer> {
  return ask({ socketPath, path }, asking);
}

export const bearer = { authorization: `Bearer ${token}` };
export const json = { 'content-type': 'application/json' };

function ask(at: object, { method = 'GET', headers = {}, body }: Asking): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // Node sends a DELETE's body without saying how long it is.
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const request = http.request({ ...at, method, headers: { ...headers, ...length }, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Waits for something to come about. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, patience = 30_000): Promise<void> {
  const deadline = performance.now() + patience;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`in ${patience} ms it did not come about that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
