import type { StatusDocument } from '../api/contract/types.ts';
import type { EdgeStatus } from '../edge/port.ts';
import type { Dependencies } from './dependencies.ts';
import type { DiskGuard } from './disk-guard.ts';

export interface SeenOfItself {
  /** Wall time. */
  readonly startedAt: number;
  /** Everything that is owned has been observed. */
  readonly isReady: boolean;
  readonly edge: EdgeStatus | null;
  readonly disk: Pick<DiskGuard, 'document'>;
}

/** What the daemon says of itself. */
export function statusDocument(
  { settings, edge, runtime, network }: Pick<Dependencies, 'settings' | 'edge' | 'runtime' | 'network'>,
  seen: SeenOfItself,
): StatusDocument {
  const workers = (seen.edge?.workers ?? []).map(({ pid, residentBytes }) => ({ pid, residentBytes }));
  const apart = network === undefined || network.refusal === null ? [] : [apartNote(network.refusal)];
  const notes = [...runtime.capabilities().notes, ...apart];
  return {
    version: settings.version,
    pid: process.pid,
    startedAt: new Date(seen.startedAt).toISOString(),
    ready: seen.isReady,
    data: settings.data,
    http: settings.http,
    https: settings.https,
    api: settings.api,
    socket: settings.socket,
    domain: settings.domain,
    edge: { engine: edge.name, why: settings.edgeWhy, workers },
    runtime: { engine: runtime.name, why: settings.runtimeWhy, notes },
    residentBytes: process.memoryUsage.rss(),
    disk: seen.disk.document(),
  };
}

function apartNote(refusal: string): string {
  return `An app that ignores PORT has one instance at a time: ${refusal}.`;
}
