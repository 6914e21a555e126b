import { join } from 'node:path';

/**
 * What lies in the edge's folder. `control`, `log` and `cache` belong to the account of the workers, and so do the files in
 * `certificates` and the table, which only they read; everything else is the daemon's.
 *
 *   table.json           the last table that was applied
 *   launch-N             how generation N's workers are started (see keeper.sh); a generation without it is retired
 *   next                 what a keeper becomes on SIGHUP: a generation, and the path of the keeper.sh that starts it
 *   keeper-N             identity of the keeper that began with generation N, and the addresses that it holds
 *   slot-N-S, worker-N-S identities of the subshell and of the worker of a slot
 *   workers.log          what workers and keeper print
 *   engine-DIGEST        the edge's own copy of its code
 *   certificates/        ID.json, one per certificate, all that are there are presented; `tickets`, from which session tickets are keyed
 *   control/places-N.sock the worker that counts places at endpoints with a limit (see shared-places.ts)
 *   control/worker-N-S.sock, log/access-S.log, cache/
 */
export interface EdgeFolder {
  readonly path: string;
  readonly table: string;
  readonly next: string;
  readonly workersLog: string;
  readonly control: string;
  readonly log: string;
  readonly cache: string;
  readonly certificates: string;
  launch(generation: number): string;
}

export function edgeFolder(path: string): EdgeFolder {
  return {
    path,
    table: join(path, 'table.json'),
    next: join(path, 'next'),
    workersLog: join(path, 'workers.log'),
    control: join(path, 'control'),
    log: join(path, 'log'),
    cache: join(path, 'cache'),
    certificates: join(path, 'certificates'),
    launch: (generation) => join(path, `launch-${generation}`),
  };
}

/** Relative to `control`, where the worker's own working folder is: a Unix socket's path holds at most 107 bytes (unix(7)). */
export function socketName(generation: number, slot: number): string {
  return `worker-${generation}-${slot}.sock`;
}
