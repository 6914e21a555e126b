import type { BroughtTool, CacheFolder } from '../model/garbage.ts';
import type { ServiceId } from '../model/service.ts';

/** Caches of one service. */
export interface ServiceCaches {
  readonly service: ServiceId;
  /** The service is on record. */
  readonly isKnown: boolean;
  /** A build of it is under way. */
  readonly isBuilt: boolean;
  /** When it was last built; any clock, the same for all. */
  readonly builtAt: number;
  readonly folders: readonly CacheFolder[];
}

export interface Doomed<T> {
  readonly what: T;
  readonly why: string;
}

/** Milliseconds. No fetch of a tool takes as long, of which each command has a limit (build/host/npm.ts). */
const longestFetch = 15 * 60_000;

/**
 * Tools that nothing needs: no release that is kept was built with them, nothing that runs has them in its PATH, and no build of late asked for them.
 * `isComplete`: every kept release says what it was built with; one of before that was noted may need any.
 */
export function toolGarbage(input: {
  readonly tools: readonly BroughtTool[];
  /** Paths in tools, or tools themselves, that kept releases name. */
  readonly named: ReadonlySet<string>;
  readonly isComplete: boolean;
  readonly now: number;
  /** Milliseconds after which a build is not of late any more. */
  readonly spared: number;
}): readonly Doomed<BroughtTool>[] {
  const { tools, isComplete, now, spared } = input;
  const named = [...input.named];
  const isNamed = ({ path }: BroughtTool) => named.some((one) => one === path || one.startsWith(`${path}/`));
  return tools.flatMap((tool) => {
    if (tool.kind === 'rest')
      return tool.usedAt < now - longestFetch ? [{ what: tool, why: 'it was never finished, or half removed' }] : [];
    if (!isComplete || tool.kept !== null || isNamed(tool) || tool.usedAt >= now - spared) return [];
    return [{ what: tool, why: 'no kept release was built with it, and no build of late' }];
  });
}

/**
 * Caches beyond the bound: those of the service that was built longest ago first, all of its own at once; those of services that are gone, and rests, in
 * any case. A service that is being built keeps its own. Only makes the next build slower.
 */
export function cacheGarbage(input: {
  readonly services: readonly ServiceCaches[];
  /** Bytes that all caches may take together; 0: none stays that is not being filled. */
  readonly bound: number;
}): readonly Doomed<CacheFolder>[] {
  const doomed: Doomed<CacheFolder>[] = [];
  const kept: ServiceCaches[] = [];
  for (const one of input.services) {
    if (one.isBuilt) kept.push(one);
    else if (!one.isKnown) doomed.push(...doom(one.folders, `the service ${one.service} is gone`));
    else {
      const rests = one.folders.filter(({ kind }) => kind === 'rest');
      doomed.push(...doom(rests, 'it was half removed'));
      kept.push({ ...one, folders: one.folders.filter(({ kind }) => kind === 'cache') });
    }
  }
  let total = kept.reduce((sum, { folders }) => sum + sizeOf(folders), 0);
  const oldest = kept.filter(({ isBuilt }) => !isBuilt).toSorted((one, other) => one.builtAt - other.builtAt);
  for (const { folders, service } of oldest) {
    if (total <= input.bound && input.bound > 0) break;
    doomed.push(...doom(folders, `caches are to take less, and ${service} was built longest ago`));
    total -= sizeOf(folders);
  }
  return doomed;
}

function doom(folders: readonly CacheFolder[], why: string): Doomed<CacheFolder>[] {
  return folders.map((what) => ({ what, why }));
}

function sizeOf(folders: readonly CacheFolder[]): number {
  return folders.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
}
