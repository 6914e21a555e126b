import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type Agent, createServer, type IncomingMessage, request, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createEmbeddedEdge, type EmbeddedEdgeOptions } from '../../src/edge/embedded/driver.ts';
import type { Edge, EdgeStatus, RouteTable } from '../../src/edge/port.ts';
import { errorCode } from '../../src/lib/files.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { proxyPool } from '../conformance/edge.ts';
import { until } from '../patience.ts';
import { freePort } from '../free-port.ts';

/** A folder and free ports for one edge, and its certain end. */
export class EdgeGround implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'kapal-edge-'));
  readonly port: number;
  readonly httpsPort: number;
  readonly notes: string[] = [];

  private constructor(port: number, httpsPort: number) {
    this.port = port;
    this.httpsPort = httpsPort;
  }

  static async make(): Promise<EdgeGround> {
    return new EdgeGround(await freePort(), await freePort());
  }

  get folder(): string {
    return join(this.root, 'edge');
  }

  get options(): EmbeddedEdgeOptions {
    return {
      folder: this.folder,
      http: { host: '127.0.0.1', port: this.port },
      https: { host: '127.0.0.1', port: this.httpsPort },
      workers: 2,
      node: process.execPath,
      account: null,
      clock: systemClock,
      note: (text) => this.notes.push(text),
    };
  }

  edge(changed: Partial<EmbeddedEdgeOptions> = {}): Edge {
    return createEmbeddedEdge({ ...this.options, ...changed });
  }

  /** Lets other users pass through. */
  open(): void {
    chmodSync(this.root, 0o755);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.edge().stop(0);
    const left = processesNaming(this.folder);
    for (const pid of left) process.kill(pid, 'SIGKILL');
    rmSync(this.root, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`processes were left: ${left.join(', ')}`);
  }
}

/** Pids of living processes with this word on their command line: keeper, slots and workers of an edge's folder. */
export function processesNaming(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => commandOf(pid).includes(word));
}

export function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** The keeper and its slots: everything of the folder that is no worker. */
export function keepersOf(folder: string): number[] {
  return processesNaming(folder).filter((pid) => commandOf(pid)[0]?.endsWith('sh') === true);
}

/** The pid of the newest keeper, as its file says. */
export function keeperOf(folder: string): number {
  const names = readdirSync(folder).filter((name) => name.startsWith('keeper-'));
  const newest = names.toSorted((a, b) => Number(a.slice(7)) - Number(b.slice(7))).at(-1) ?? '';
  return Number(readFileSync(join(folder, newest), 'utf8').split(' ')[0]);
}

export interface Backend extends AsyncDisposable {
  readonly port: number;
}

export async function startBackend(listener: RequestListener): Promise<Backend> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** `a.localhost` to the ports of one pool `p`. */
export function tableTo(version: number, ports: readonly number[], more: Partial<RouteTable> = {}): RouteTable {
  return {
    version,
    routes: [{ host: 'a.localhost', path: '/', pool: 'p' }],
    pools: [proxyPool('p', ports)],
    streams: [],
    ...more,
  };
}

export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

/** One GET on a connection of its own unless an agent is given. */
export function get(
  port: number,
  path = '/',
  options: { readonly headers?: Record<string, string>; readonly agent?: Agent } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asked = request({
      host: '127.0.0.1',
      port,
      path,
      agent: options.agent ?? false,
      headers: { host: 'a.localhost', ...options.headers },
    });
    asked.once('error', reject);
    asked.once('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.once('error', reject);
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString(), headers: response.headers });
      });
    });
    asked.end();
  });
}

/** The workers that serve now; none where the edge is dead at this moment. */
export async function workersOf(edge: Edge): Promise<EdgeStatus['workers']> {
  try {
    return (await edge.status()).workers;
  } catch {
    return [];
  }
}

/** Requests one after another on new connections from several lanes, until it is stopped. */
export class Load implements AsyncDisposable {
  requests = 0;
  readonly failures: string[] = [];
  readonly #port: number;
  readonly #lanes: Promise<void>[];
  #running = true;

  constructor(port: number, lanes = 4) {
    this.#port = port;
    this.#lanes = Array.from({ length: lanes }, () => this.#lane());
  }

  /** Resolves once so many more requests have been answered. */
  async answered(count: number): Promise<void> {
    const goal = this.requests + count;
    await until(`${count} more requests`, () => this.requests >= goal);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#lanes);
  }

  /** For a test that fails before it has stopped it: else its process would never end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #lane(): Promise<void> {
    while (this.#running) {
      try {
        const { status } = await get(this.#port);
        if (status !== 200) this.failures.push(String(status));
      } catch (error) {
        this.failures.push(errorCode(error) ?? String(error));
      }
      this.requests += 1;
      await pause(5);
    }
  }
}

/** Runs a program of the tests under this Node; answers its standard output once it has printed a line, and how to end it. */
export async function startProgram(
  args: readonly string[],
  prefix: readonly string[] = [],
): Promise<{ readonly pid: number; readonly line: string; kill(): Promise<void> }> {
  const [program = '', ...rest] = [...prefix, process.execPath, '--disable-warning=ExperimentalWarning', ...args];
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/' });
  let text = '';
  child.stdout.on('data', (part: Buffer) => (text += part.toString()));
  const ended = once(child, 'close');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  await until('a line of the program', () => text.includes('\n') || child.exitCode !== null);
  if (!text.includes('\n') || child.pid === undefined)
    throw new Error(`the program ended with ${String(child.exitCode)}`);
  return { pid: child.pid, line: text.slice(0, text.indexOf('\n')), kill };
}
