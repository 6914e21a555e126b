import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createEmbeddedEdge } from '../../src/edge/embedded/driver.ts';
import type { RouteTable } from '../../src/edge/port.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { accepting, childrenOf, freePort, pin, Running } from './processes.ts';

/** A proxy that is measured: where it answers, and the process whose CPU time counts. */
export interface Contestant extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
}

export interface Ground {
  /** Of this run, passable for other users: nginx's workers are not root. */
  readonly folder: string;
  readonly proxyCore: number;
  readonly otherCore: number;
}

/** Two cheap backends in one nginx: a fixed JSON answer, connections kept as long as the proxy wants. */
export async function startBackends(ground: Ground): Promise<AsyncDisposable & { readonly ports: readonly number[] }> {
  const ports = [await freePort(), await freePort()];
  const listen = ports.map((port) => `listen 127.0.0.1:${port};`).join(' ');
  const server = `server { ${listen} location / { default_type application/json; return 200 '{"id":1,"name":"kopi","price":15000}'; } }`;
  const running = await startNginx(ground, {
    name: 'backends',
    core: ground.otherCore,
    http: `access_log off; keepalive_requests 1000000000; ${server}`,
    port: ports[0] ?? 0,
  });
  return { ports, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

/**
 * nginx as tutorials set it up: an upstream of two servers and a bare proxy_pass, so HTTP/1.0 and a new connection per request to the
 * backend. `worker_connections` is raised, for Debian's 768 would run out and answer 500.
 */
export async function startTutorialNginx(
  ground: Ground,
  backends: readonly number[],
  log: boolean,
): Promise<Contestant> {
  const port = await freePort();
  const servers = backends.map((backend) => `server 127.0.0.1:${backend};`).join(' ');
  const name = log ? 'nginx, tutorial' : 'nginx, tutorial, no access log';
  const running = await startNginx(ground, {
    name: log ? 'tutorial' : 'tutorial-no-log',
    core: ground.proxyCore,
    http: `access_log ${log ? join(ground.folder, 'nginx-access.log') : 'off'};
      upstream app { ${servers} }
      server { listen 127.0.0.1:${port}; location / { proxy_pass http://app; } }`,
    port,
  });
  const [worker] = childrenOf(running.pid);
  if (worker === undefined) throw new Error('nginx has no worker');
  return { name, port, pid: worker, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

/** The embedded edge as the daemon runs it, access log included, with one worker. */
export async function startEmbedded(ground: Ground, backends: readonly number[]): Promise<Contestant> {
  const port = await freePort();
  const edge = createEmbeddedEdge({
    folder: join(ground.folder, 'edge'),
    http: { host: '127.0.0.1', port },
    workers: 1,
    node: process.execPath,
    account: null,
    clock: systemClock,
  });
  const { workers } = await edge.ensure();
  await edge.apply(tableTo(backends));
  const [worker] = workers;
  if (worker === undefined) throw new Error('the edge has no worker');
  await pin(worker.pid, ground.proxyCore);
  return { name: 'embedded edge', port, pid: worker.pid, [Symbol.asyncDispose]: () => edge.stop(1_000) };
}

function tableTo(backends: readonly number[]): RouteTable {
  const endpoints = backends.map((port) => ({ id: `b${port}`, host: '127.0.0.1', port, weight: 1 }));
  return {
    version: 1,
    routes: [{ host: '127.0.0.1', path: '/', pool: 'app' }],
    pools: [
      {
        kind: 'proxy',
        id: 'app',
        service: 'app',
        balance: 'round-robin',
        endpoints,
        maxBodySize: 1 << 20,
        responseTimeout: 60_000,
        idleTimeout: null,
        rewriteHost: false,
      },
    ],
    streams: [],
  };
}

interface NginxOptions {
  readonly name: string;
  readonly core: number;
  readonly http: string;
  readonly port: number;
}

async function startNginx(ground: Ground, { name, core, http, port }: NginxOptions): Promise<Running> {
  const folder = join(ground.folder, name);
  await mkdir(folder, { mode: 0o755 });
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  );
  const configuration = join(folder, 'nginx.conf');
  await writeFile(
    configuration,
    `daemon off; worker_processes 1; pid ${join(folder, 'pid')}; error_log ${join(folder, 'error.log')};
    events { worker_connections 4096; }
    http { ${temporary.join(' ')} ${http} }
    `,
  );
  const running = new Running(core, ['nginx', '-c', configuration]);
  try {
    await accepting(port);
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
  return running;
}
