import { availableParallelism, networkInterfaces } from 'node:os';
import type { DaemonOptions, ListenAddress } from '../cli/host.ts';
import { createCombinedEdge } from '../edge/combined/driver.ts';
import { createEmbeddedEdge } from '../edge/embedded/driver.ts';
import { createNginxEdge } from '../edge/nginx/driver.ts';
import { locateNginx } from '../edge/nginx/locate.ts';
import type { Edge, EdgeAddresses } from '../edge/port.ts';
import { systemClock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { KapalError } from '../model/errors.ts';
import type { Store } from '../state/store.ts';
import type { DataFolder } from './data-folder.ts';
import { chooseEngine, type EngineName } from './edge-choice.ts';

export interface EdgeGround {
  readonly folder: DataFolder;
  readonly log: Log;
  readonly store: Store;
  /** Absolute path of Node 24, where the workers' user can run it. */
  readonly node: string;
  /** Who the workers run as; null: the daemon's own user. */
  readonly account: { readonly uid: number; readonly gid: number } | null;
}

export interface StartedEdge {
  readonly edge: Edge;
  /** Why this engine. */
  readonly edgeWhy: string;
  /** As they were bound. */
  readonly addresses: EdgeAddresses;
  /** For whoever started the daemon. */
  readonly notes: readonly string[];
}

/** Under this name the record keeps which engine served last. */
const fact = 'edge-engine';

/** Milliseconds that what is under way may take where one engine makes way for the other: meanwhile the public ports are closed to everybody else. */
const grace = 5_000;

/**
 * The edge, serving its last table. An engine that ran in this data folder and is not chosen any more ends first: both want the same ports. A port for
 * HTTPS that nobody asked for may be another's. Throws `port_taken`, and `not_supported` for an engine that cannot serve here.
 */
export async function startEdge(
  options: Pick<DaemonOptions, 'edge' | 'http' | 'https'>,
  ground: EdgeGround,
): Promise<StartedEdge> {
  const before = await runningEngine(options, ground);
  const { engine, why } = chooseEngine({ asked: options.edge, nginx: await locateNginx(), running: before });
  ground.log.info({ part: 'edge' }, `${engine}: ${why}`);
  if (before !== null && before !== engine) {
    ground.log.info({ part: 'edge' }, `${before} makes way`);
    await make(before, options, ground).stop(grace);
  }
  ground.store.facts.set(fact, engine);
  const { edge, notes } = await withHttps(options.https, (https) =>
    make(engine, { http: options.http, https }, ground),
  );
  const { addresses } = await edge.ensure();
  for (const note of notes) ground.log.warn({ part: 'edge' }, note);
  return { edge, edgeWhy: why, addresses, notes };
}

/** An edge that runs, with HTTPS where that can be had. Throws `port_taken` where it was asked for and cannot. */
async function withHttps(
  https: DaemonOptions['https'],
  of: (https: DaemonOptions['https']) => Edge,
): Promise<{ edge: Edge; notes: readonly string[] }> {
  const edge = of(https);
  try {
    await edge.ensure();
    return { edge, notes: [] };
  } catch (error) {
    if (https === null || https.asked || !(error instanceof KapalError) || error.code !== 'port_taken') throw error;
    const plain = of(null);
    // Throws again where it is plain HTTP that has no port.
    await plain.ensure();
    return { edge: plain, notes: [`HTTPS is not served: ${error.message}; choose a port with --https`] };
  }
}

/** The engine that answers in this data folder; one that died is chosen anew. */
export async function runningEngine(
  options: Pick<DaemonOptions, 'http' | 'https'>,
  ground: EdgeGround,
): Promise<EngineName | null> {
  const last = ground.store.facts.get(fact);
  if (last !== 'embedded' && last !== 'nginx') return null;
  const answers = await make(last, options, ground)
    .status()
    .then(Boolean, () => false);
  return answers ? last : null;
}

function make(engine: EngineName, options: Pick<DaemonOptions, 'http' | 'https'>, ground: EdgeGround): Edge {
  const { folder, node, account, log } = ground;
  const common = {
    account,
    workers: Math.min(2, availableParallelism()),
    clock: systemClock,
    note: (text: string) => log.info({ part: 'edge' }, text),
  };
  const http = listenOn(options.http);
  const https = options.https === null ? null : listenOn(options.https.address);
  if (engine === 'embedded') return createEmbeddedEdge({ ...common, folder: folder.edge, node, http, https });
  return createCombinedEdge({
    http: createNginxEdge({ ...common, folder: folder.edgeNginx, http, https }),
    streams: createEmbeddedEdge({ ...common, folder: folder.edge, node, http: null, https: null }),
  });
}

/** Every interface: both families where the machine has IPv6, else the old one. */
export function listenOn({ host, port }: ListenAddress): { readonly host: string; readonly port: number } {
  if (host !== null) return { host, port };
  const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some((address) => address.family === 'IPv6'),
  );
  return { host: hasIpv6 ? '::' : '0.0.0.0', port };
}
