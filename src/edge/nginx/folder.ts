import { join } from 'node:path';

/**
 * What lies in the edge's folder. It is the working folder of the master and of the workers, and nginx.conf names everything relative to it. Only
 * `temp` has parts that belong to the workers' user; a log folder of theirs would let them make root write through a link.
 *
 *   nginx.conf            what runs; nginx.conf.next is staged beside it, nginx.conf.last is what a failed change goes back to
 *   run.conf              what is nginx.conf's for one start of the master
 *   settings.json         the addresses of nginx.conf, where port 0 was asked for the one that was taken
 *   state.json            the last table, as entries (0600)
 *   certificates.json     the last certificates, as entries (0600)
 *   certificates/         placeholder.pem and .key: what nginx wants to start (0700)
 *   control/nginx.sock    for the daemon (0700); control/START.sock, for one start of the master alone
 *   leaving.json          endpoints that the workers of a replaced master may still talk to
 *   rehearsal/            a folder of the same form, in which a next configuration is tried without a public port
 *   engine-DIGEST/lua/    the edge's own copy of its Lua
 *   log/, temp/, nginx.pid
 */
export interface EdgeFolder {
  readonly path: string;
  readonly configuration: string;
  readonly next: string;
  readonly last: string;
  readonly run: string;
  readonly settings: string;
  readonly state: string;
  readonly certificates: string;
  readonly certificateState: string;
  readonly control: string;
  readonly log: string;
  readonly temp: string;
  readonly pid: string;
  readonly leaving: string;
  readonly rehearsal: string;
}

export function edgeFolder(path: string): EdgeFolder {
  return {
    path,
    configuration: join(path, 'nginx.conf'),
    next: join(path, 'nginx.conf.next'),
    last: join(path, 'nginx.conf.last'),
    run: join(path, runFile),
    settings: join(path, 'settings.json'),
    state: join(path, 'state.json'),
    certificates: join(path, 'certificates'),
    certificateState: join(path, 'certificates.json'),
    control: join(path, 'control'),
    log: join(path, 'log'),
    temp: join(path, 'temp'),
    pid: join(path, 'nginx.pid'),
    leaving: join(path, 'leaving.json'),
    rehearsal: join(path, 'rehearsal'),
  };
}

/** Included by nginx.conf. */
export const runFile = 'run.conf';

/** In `control`; see unix(7) for why it is reached through a short path. */
export const controlSocket = 'nginx.sock';

/** In `control`, of one start of the master: one that takes over inherits the control socket, this tells the two apart. */
export function startSocket(start: string): string {
  return `${start}.sock`;
}
