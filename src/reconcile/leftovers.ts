import type { GarbageItem } from '../api/contract/types.ts';
import { crashpoint } from '../lib/crashpoint.ts';
import type { CacheFolder } from '../model/garbage.ts';
import type { ServiceId } from '../model/service.ts';
import { cacheGarbage, type ServiceCaches, toolGarbage } from '../plan/garbage.ts';
import { neededReleases } from '../release/garbage.ts';
import type { Dependencies } from './dependencies.ts';
import { releasesInUse } from './releases-in-use.ts';

/** How much of what builds and fetches left stays. `short`: the disk is. */
export type Thrift = 'usual' | 'short';

const hour = 60 * 60_000;
/** Milliseconds for which a tool stays that a build asked for. */
const spared = { usual: 24 * hour, short: hour / 4 } as const;
/** What caches may take: of the disk, and at most. */
const share = { part: 0.1, most: 20 * 1024 ** 3 } as const;

/**
 * Deletes what builds and fetches left and nothing needs (`dryRun`: only says what): mirrors of remotes that no release came from, programs that were brought
 * for builds, caches beyond their bound, rests. Works from
 * what is there, so it may be repeated, and be killed at any line: what is deleted has another name before.
 */
export async function collectLeftovers(
  needs: Dependencies,
  { dryRun, thrift }: { readonly dryRun: boolean; readonly thrift: Thrift },
): Promise<GarbageItem[]> {
  return [
    ...(await collectMirrors(needs, dryRun)),
    ...(await collectTools(needs, { dryRun, thrift })),
    ...(await collectCaches(needs, { dryRun, thrift })),
  ];
}

async function collectMirrors({ store, sources, disk }: Dependencies, dryRun: boolean): Promise<GarbageItem[]> {
  const releases = store.services.all().flatMap(({ id }) => store.releases.of(id));
  const urls = new Set(releases.flatMap(({ source }) => source?.url ?? []));
  const items: GarbageItem[] = [];
  for (const path of await sources.unusedMirrors(urls)) {
    items.push({ kind: 'mirror', path, why: 'no release came from this remote', bytes: await disk.sizeOf([path]) });
    if (!dryRun) await sources.removeMirror(path);
    crashpoint('gc.mirror.removed');
  }
  return items;
}

async function collectTools(needs: Dependencies, by: { dryRun: boolean; thrift: Thrift }): Promise<GarbageItem[]> {
  const { tools, clock, disk } = needs;
  const found = await tools.list();
  const garbage = toolGarbage({ tools: found, ...namedTools(needs), now: clock.now(), spared: spared[by.thrift] });
  const items: GarbageItem[] = [];
  for (const { what, why } of garbage) {
    const bytes = await disk.sizeOf([what.path]);
    const isGone = by.dryRun || (await tools.remove(what));
    if (isGone) items.push({ kind: what.kind === 'rest' ? 'rest' : 'tool', path: what.path, why, bytes });
  }
  return items;
}

/** What the releases name that serve, are on their way, or can be gone back to. */
function namedTools(needs: Dependencies): { readonly named: ReadonlySet<string>; readonly isComplete: boolean } {
  const named = new Set<string>();
  let isComplete = true;
  for (const { id } of needs.store.services.all()) {
    const kept = neededReleases(needs.store.releases.of(id), releasesInUse(needs, id));
    for (const { artifact } of kept) {
      for (const path of [...(artifact?.runtime?.path ?? []), ...(artifact?.runtime?.tools ?? [])]) named.add(path);
      if (artifact !== null && artifact.runtime?.tools === undefined) isComplete = false;
    }
  }
  return { named, isComplete };
}

async function collectCaches(needs: Dependencies, by: { dryRun: boolean; thrift: Thrift }): Promise<GarbageItem[]> {
  const { caches, disk } = needs;
  const { total } = await disk.space();
  const bound = by.thrift === 'short' ? 0 : Math.min(share.most, total * share.part);
  const services: ServiceCaches[] = [];
  for (const service of await caches.services()) {
    const folders: CacheFolder[] = [];
    // One at a time: what serves needs the disk too.
    for (const one of await caches.folders(service)) folders.push({ ...one, bytes: await disk.sizeOf([one.path]) });
    if (folders.length > 0) services.push({ service, folders, ...lastBuild(needs, service) });
  }
  const items: GarbageItem[] = [];
  for (const { what, why } of cacheGarbage({ services, bound })) {
    const owner = services.find(({ folders }) => folders.includes(what));
    // Counting took its time.
    if (owner === undefined || isBuilt(needs, owner.service)) continue;
    if (!by.dryRun) await caches.remove(owner.service, what);
    items.push({ ...what, why });
  }
  return items;
}

function lastBuild(needs: Dependencies, service: ServiceId): Omit<ServiceCaches, 'service' | 'folders'> {
  const { services, releases } = needs.store;
  const times = releases.of(service).map(({ createdAt }) => createdAt);
  return {
    isKnown: services.get(service) !== null,
    isBuilt: isBuilt(needs, service),
    builtAt: Math.max(0, ...times),
  };
}

function isBuilt({ store }: Pick<Dependencies, 'store'>, service: ServiceId): boolean {
  return store.operations.openTasks(service).some(({ stage }) => stage === 'source' || stage === 'build');
}
