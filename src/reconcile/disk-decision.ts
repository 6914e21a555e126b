/** The file system that the data folder lies on. */
export interface DiskSpace {
  /** Bytes that an ordinary user could still write. */
  readonly free: number;
  readonly total: number;
  /** Files that can still be made; null where the file system has no such limit. */
  readonly freeFiles: number | null;
}

/** What is to stay free: bytes, a share of the disk in [0, 1), or `auto`. Zero of either turns the guard off. */
export type KeepFree = { readonly bytes: number } | { readonly share: number } | 'auto';

/** Bytes of free space below which something is done. */
export interface DiskLimits {
  readonly builds: number;
  readonly logs: number;
  readonly ballast: number;
  /** Size of the ballast file. */
  readonly ballastSize: number;
}

/**
 * How near the disk is to its end; each state does what the ones before it do:
 *
 *   plenty --free < builds--> refusing        (no new build or deploy is begun; trees that nothing needs go)
 *          --free < logs--> trimming          (the oldest logs go)
 *          --free < ballast--> last           (the ballast file goes: the record can still be written)
 *   any --free > builds and a tenth, ballast included--> plenty        (the ballast file is made again)
 */
export type DiskState = 'plenty' | 'refusing' | 'trimming' | 'last';

export type DiskAction = { readonly reason: string } & (
  | { readonly kind: 'collect-trees' }
  | { readonly kind: 'trim-logs'; readonly bytes: number }
  | { readonly kind: 'release-ballast' }
  | { readonly kind: 'make-ballast'; readonly bytes: number }
);

export interface DiskDecision {
  readonly state: DiskState;
  readonly actions: readonly DiskAction[];
}

const mebi = 1024 * 1024;
const auto = { share: 0.05, most: 1024 * mebi };
const fewFiles = 2_000;

/** A share suits small disks, bytes large ones: 5 % but no more than 1 GiB, unless the operator says otherwise. */
export function limitsOf(total: number, keep: KeepFree): DiskLimits {
  const builds =
    keep === 'auto'
      ? Math.min(auto.most, total * auto.share)
      : 'bytes' in keep
        ? Math.min(keep.bytes, total / 2)
        : total * keep.share;
  return {
    builds: Math.floor(builds),
    logs: Math.floor(builds / 2),
    ballast: Math.floor(builds / 8),
    ballastSize: Math.floor(Math.min(64 * mebi, builds / 16)),
  };
}

/** What to do, and why. `ballast`: bytes that the ballast file holds now. */
export function decideDisk(seen: {
  readonly space: DiskSpace;
  readonly limits: DiskLimits;
  readonly ballast: number;
  readonly before: DiskState;
}): DiskDecision {
  const { space, limits, ballast } = seen;
  const state = stateOf(seen);
  const reason = `${bytesText(space.free)} of ${bytesText(space.total)} are free`;
  const actions: DiskAction[] = [];
  if (state === 'plenty' && ballast < limits.ballastSize && limits.ballastSize > 0)
    actions.push({ kind: 'make-ballast', bytes: limits.ballastSize, reason });
  // The ballast first: what frees space has to write before it does.
  if (state === 'last' && ballast > 0) actions.push({ kind: 'release-ballast', reason });
  if (state !== 'plenty') actions.push({ kind: 'collect-trees', reason });
  if (state === 'trimming' || state === 'last')
    actions.push({ kind: 'trim-logs', bytes: Math.max(8 * mebi, limits.logs - space.free), reason });
  return { state, actions };
}

function stateOf({ space, limits, ballast, before }: Parameters<typeof decideDisk>[0]): DiskState {
  if (limits.builds === 0) return 'plenty';
  if (space.free < limits.ballast) return 'last';
  if (space.free < limits.logs) return 'trimming';
  const enough = before === 'plenty' ? limits.builds : limits.builds * 1.1 + Math.max(0, limits.ballastSize - ballast);
  const few = space.freeFiles !== null && space.freeFiles < fewFiles;
  return space.free < enough || few ? 'refusing' : 'plenty';
}

/** `1.5 GiB`, `300 MiB`, `12 KiB`. */
export function bytesText(bytes: number): string {
  if (bytes >= 1024 * mebi) return `${(bytes / (1024 * mebi)).toFixed(1)} GiB`;
  if (bytes >= mebi) return `${Math.floor(bytes / mebi)} MiB`;
  return `${Math.floor(bytes / 1024)} KiB`;
}
