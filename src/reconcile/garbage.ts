import type { GarbageDocument, GarbageItem } from '../api/contract/types.ts';
import { crashpoint } from '../lib/crashpoint.ts';
import type { ServiceId } from '../model/service.ts';
import { artifactGarbage } from '../release/garbage.ts';
import type { Dependencies } from './dependencies.ts';
import { collectLeftovers } from './leftovers.ts';
import { releasesInUse } from './releases-in-use.ts';

/** Folders of builds of a service that are under way. */
export function buildingFolders({ store, artifacts }: Pick<Dependencies, 'store' | 'artifacts'>, service: ServiceId) {
  return store.operations
    .openTasks(service)
    .flatMap((task) => (task.artifact === null ? [] : [artifacts.folder(service, task.artifact)]));
}

/**
 * Deletes what nothing needs (`dryRun`: only says what): artifacts of releases that cannot be gone back to, trees that no release came from, and
 * what builds and fetches left. Works from what is there, so it may be repeated, and be killed at any line.
 */
export async function collectGarbage(
  needs: Dependencies,
  { dryRun, treesInUse }: { readonly dryRun: boolean; readonly treesInUse: () => ReadonlySet<string> },
): Promise<GarbageDocument> {
  const items: GarbageItem[] = [];
  const rows = needs.store.services.all();
  for (const { id } of rows) items.push(...(await artifactsOf(needs, id, dryRun)));
  // Read before the record is: what a deploy asks for meanwhile is on the record, or was just touched.
  const trees = await needs.sources.unused(treesInUse);
  for (const path of trees) items.push(await item(needs, { kind: 'tree', path, why: 'no kept release came from it' }));
  if (!dryRun) await needs.sources.collect(treesInUse(), 0);
  items.push(...(await collectLeftovers(needs, { dryRun, thrift: 'usual' })));
  return { dryRun, bytes: items.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0), items };
}

async function artifactsOf(needs: Dependencies, service: ServiceId, dryRun: boolean): Promise<GarbageItem[]> {
  const { store, artifacts } = needs;
  const folders = await artifacts.list(service);
  // From here to the mark nothing waits, so what is in use now is what was looked at.
  const garbage = artifactGarbage({
    releases: store.releases.of(service),
    inUse: releasesInUse(needs, service),
    folders,
    building: buildingFolders(needs, service),
  });
  if (!dryRun)
    store.transaction(() => {
      for (const number of garbage.prune) store.releases.update(service, number, { pruned: true });
    });
  crashpoint('gc.marked');
  const items: GarbageItem[] = [];
  for (const { path, why } of garbage.folders) {
    items.push(await item(needs, { kind: 'artifact', path, why }));
    if (!dryRun) await artifacts.remove(path);
    crashpoint('gc.artifact.removed');
  }
  return items;
}

async function item(needs: Dependencies, found: Omit<GarbageItem, 'bytes'>): Promise<GarbageItem> {
  return { ...found, bytes: await needs.disk.sizeOf([found.path]) };
}
