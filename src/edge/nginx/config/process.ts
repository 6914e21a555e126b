import type { EngineSettings } from './settings.ts';
import { connectionsWithin, limits } from './limits.ts';
import { block, type Lines, sections, word } from './text.ts';

/** What stands outside of http: modules, processes, files of the master. */
export function processLines(settings: EngineSettings): Lines {
  return sections(modules(settings), processes(settings), files(settings), events(settings));
}

function modules({ modules: paths }: EngineSettings): Lines {
  if (paths.length === 0) return [];
  return [
    '# The Lua module looks routes, endpoints and certificates up in shared memory while requests run. That is why no deploy,',
    '# scale, new domain or new certificate ever needs a reload: this file stays as it is.',
    ...paths.map((path) => `load_module ${word(path)};`),
  ];
}

function processes(settings: EngineSettings): Lines {
  const { user } = settings;
  return [
    '# The master opens the ports and restarts workers that die; it leaves the terminal and the session of whoever started it,',
    '# so that the edge serves on when the daemon is upgraded, killed or gone.',
    'daemon on;',
    'master_process on;',
    ...(user === null
      ? ['# The master is no root, so the workers run as its own user.']
      : [
          '# Workers handle what strangers send: they run as a user that owns nothing.',
          `user ${word(user.name)} ${word(user.group)};`,
        ]),
    `worker_processes ${settings.workers};`,
    '# After a change of this file (listeners, number of workers) the old workers may take so long for what they have under way.',
    `worker_shutdown_timeout ${limits.handOver / 1000}s;`,
    'pcre_jit on;',
  ];
}

function files(settings: EngineSettings): Lines {
  return [
    '# Each proxied request holds two connections, and each connection a file descriptor. Distributions ship 768 connections, which',
    '# run out at about 2,000 requests a second; the limit on descriptors has to grow along.',
    `worker_rlimit_nofile ${settings.descriptors};`,
    '# All paths are relative to the folder of this file (nginx -p): nothing is shared with another nginx on this machine.',
    'pid nginx.pid;',
    'lock_file nginx.lock;',
    '# At notice it tells its starts, reloads and ends too; a deploy leaves no line.',
    'error_log log/error.log notice;',
  ];
}

function events(settings: EngineSettings): Lines {
  return block('events', [
    `worker_connections ${connectionsWithin(settings.descriptors)};`,
    '# Each worker has a listening socket of its own (reuseport below), so there is nothing to take turns at.',
    'accept_mutex off;',
  ]);
}
