import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createEmbeddedEdge } from '../../src/edge/embedded/driver.ts';
import { createNginxEdge } from '../../src/edge/nginx/driver.ts';
import type { EdgeCertificate } from '../../src/edge/certificate.ts';
import type { Edge, RouteTable } from '../../src/edge/port.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { benchHost, type Contestant, type Ground, type Transport } from './contest.ts';
import { pin } from './processes.ts';
import { freePort } from '../../test/free-port.ts';

/** The embedded edge as the daemon runs it, access log included, with one worker. */
export async function startEmbedded(
  ground: Ground,
  backends: readonly number[],
  transport: Transport | null = null,
): Promise<Contestant> {
  const folder = join(ground.folder, transport === null ? 'embedded' : 'embedded-tls');
  const ports = { http: await freePort(), https: await freePort() };
  const edge = createEmbeddedEdge({
    folder,
    http: { host: '127.0.0.1', port: ports.http },
    https: transport === null ? null : { host: '127.0.0.1', port: ports.https },
    workers: 1,
    node: process.execPath,
    account: null,
    clock: systemClock,
  });
  return serving({ name: 'Kapal, embedded', edge, ports, ground, backends, transport });
}

/** The nginx engine as the daemon runs it, access log included, with one worker. */
export async function startNginxEngine(
  ground: Ground,
  backends: readonly number[],
  transport: Transport | null = null,
): Promise<Contestant> {
  const folder = join(ground.folder, transport === null ? 'engine' : 'engine-tls');
  const ports = { http: await freePort(), https: await freePort() };
  const edge = createNginxEdge({
    folder,
    http: { host: '127.0.0.1', port: ports.http },
    https: transport === null ? null : { host: '127.0.0.1', port: ports.https },
    workers: 1,
    account: null,
    clock: systemClock,
  });
  return serving({ name: 'Kapal, nginx', edge, ports, ground, backends, transport });
}

async function serving(options: {
  readonly name: string;
  readonly edge: Edge;
  readonly ports: { readonly http: number; readonly https: number };
  readonly ground: Ground;
  readonly backends: readonly number[];
  readonly transport: Transport | null;
}): Promise<Contestant> {
  const { name, edge, ports, ground, backends, transport } = options;
  const { workers } = await edge.ensure();
  await edge.apply(tableTo(backends));
  if (transport !== null) await edge.present([await certificateOf(transport)]);
  const [worker] = workers;
  if (worker === undefined) throw new Error('the edge has no worker');
  await pin(worker.pid, ground.proxyCore);
  const port = transport === null ? ports.http : ports.https;
  return { name, port, pid: worker.pid, [Symbol.asyncDispose]: () => edge.stop(1_000) };
}

async function certificateOf({ certificate, key }: Transport): Promise<EdgeCertificate> {
  return {
    id: '0'.repeat(32),
    names: [benchHost],
    chain: await readFile(certificate, 'utf8'),
    key: await readFile(key, 'utf8'),
  };
}

function tableTo(backends: readonly number[]): RouteTable {
  const endpoints = backends.map((port) => ({ id: `b${port}`, host: '127.0.0.1', port, weight: 1 }));
  return {
    version: 1,
    routes: [{ host: benchHost, path: '/', pool: 'app' }],
    pools: [
      {
        kind: 'proxy',
        id: 'app',
        service: 'app',
        balance: 'round-robin',
        endpoints,
        maxBodySize: 1 << 20,
        responseTimeout: 60_000,
        idleTimeout: 300_000,
        rewriteHost: false,
      },
    ],
    streams: [],
  };
}
