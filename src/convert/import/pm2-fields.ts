import type { Origin } from '../../spec/draft/note.ts';
import type { ServiceDraft } from '../../spec/draft/draft.ts';
import { type ReadingApp, textOf } from './pm2-shape.ts';
import { inside } from './pm2-command.ts';
import type { Unread } from '../../spec/draft/reading.ts';

export interface Pm2App {
  readonly service: ServiceDraft;
  readonly reading: ReadingApp;
}

type Reader = (value: unknown, origin: Origin, app: Pm2App) => void;

/** Other spellings that PM2 takes for its fields. */
export const aliases: Readonly<Record<string, string>> = {
  cmd: 'script',
  exec_interpreter: 'interpreter',
  err_file: 'error_file',
  error: 'error_file',
  output: 'out_file',
  log: 'log_file',
  pid: 'pid_file',
  merge_logs: 'combine_logs',
  cron: 'cron_restart',
};

const logs: Unread = {
  warn: 'Kapal keeps what an app prints: kapal logs shows it, and the app prints to stdout and stderr',
};
const restarts: Unread = {
  warn: 'Kapal starts an instance that ends again, with growing pauses, and a third quick end of a new release stops its rollout',
};
const inspects: Unread = { warn: 'belongs to the monitoring of PM2: it is left out' };
const users: Unread = { warn: 'every service has a user of its own: it is left out' };
const spoken: Unread = { refuse: 'Kapal ends an instance by SIGTERM: the app has to take that in place of a message' };
const watched: Unread = { refuse: 'Kapal does not watch files: kapal deploy brings a change into service' };

const nothing: Reader = () => undefined;

/** Every field of an app that PM2 documents, and what becomes of it. */
export const appFields: Readonly<Record<string, Reader | Unread>> = {
  name: nothing,
  // Together they are the startCommand.
  script: nothing,
  args: nothing,
  interpreter: (value, origin, { reading }) => {
    if (typeof value === 'string' && value !== 'none' && !/^(?:node|bash|sh)$/.test(value))
      reading.draft.notes.warn(
        origin,
        'is part of startCommand: it has to be there where the app runs, and Node is what Kapal brings',
      );
  },
  interpreter_args: nothing,
  node_args: nothing,
  cwd: (value, origin, { service, reading }) => {
    if (typeof value !== 'string') return wrong(reading, origin, 'a path');
    const path = inside(value.replace(/\/+$/, ''), reading).replace(/^\.\/(?=.)/, '');
    if (path.startsWith('/'))
      reading.draft.notes.warn(
        origin,
        'lies outside of this folder: commands run at the top of the source, or in rootDir',
      );
    else if (path !== '.' && path !== '') service.set('rootDir', path, origin);
  },
  instances: (value, origin, { service, reading }) => {
    const { processors, draft } = reading;
    const asked = value === 'max' ? 0 : Number(value);
    if (!Number.isInteger(asked)) return wrong(reading, origin, 'a whole number, or max');
    const count = asked > 0 ? asked : Math.max(1, processors + asked);
    if (asked <= 0)
      draft.notes.warn(
        origin,
        `counts the processors of a machine: this one has ${processors}, so ${count} are written`,
      );
    service.set('numInstances', count, origin);
  },
  exec_mode: (value, origin, { reading }) => {
    if (textOf(value).startsWith('cluster'))
      reading.draft.notes.warn(
        origin,
        'instances are processes of their own behind the edge, each with its own PORT: node:cluster has no part in it',
      );
  },
  port: (_value, origin, { reading }) =>
    reading.draft.notes.warn(origin, 'Kapal sets PORT itself, and the app has to listen there: it is left out'),
  max_memory_restart: (value, origin, { service, reading }) => {
    const match = /^(\d+(?:\.\d+)?)\s*([KMG])?B?$/i.exec(textOf(value).trim());
    if (match === null) return wrong(reading, origin, 'a size such as 300M');
    const bytes = Number(match[1]) * ({ k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[match[2]?.toLowerCase() ?? ''] ?? 1);
    service.set('memoryLimit', `${Math.ceil(bytes / 1024 ** 2)}MB`, origin);
    reading.draft.notes.warn(origin, 'is a limit here: an instance above it is ended at once, and started again');
  },
  kill_timeout: (value, origin, app) => setMilliseconds('maxShutdownDelaySeconds', value, { origin, app }),
  listen_timeout: (value, origin, app) => setMilliseconds('startTimeoutSeconds', value, { origin, app }),
  wait_ready: {
    warn: 'Kapal sees that the app listens on its PORT, or asks healthCheckPath: process.send is not waited for',
  },
  shutdown_with_message: spoken,
  cron_restart: {
    refuse:
      'Kapal restarts nothing by the clock: let the crontab of the server call kapal restart, or mend what the restart was for',
  },
  watch: watched,
  watch_delay: watched,
  watch_options: watched,
  ignore_watch: { warn: 'nothing is watched: it is left out' },
  autorestart: (value, origin, { reading }) => {
    if (value === false)
      reading.draft.notes.refuse(
        origin,
        'an app that ends is started again: what runs once belongs in preDeployCommand, or in a job',
      );
  },
  max_restarts: restarts,
  min_uptime: restarts,
  restart_delay: restarts,
  exp_backoff_restart_delay: restarts,
  stop_exit_codes: { refuse: 'whatever its exit code, an app that ends is started again' },
  error_file: logs,
  out_file: logs,
  log_file: logs,
  combine_logs: logs,
  log_date_format: logs,
  log_type: logs,
  time: logs,
  disable_logs: { refuse: 'Kapal keeps what an app prints, in a bounded space: let it print less' },
  pid_file: { warn: 'kapal ps shows the process ids: it is left out' },
  user: users,
  username: users,
  uid: users,
  gid: users,
  env_file: { refuse: 'is not read: set its variables with kapal env set' },
  filter_env: { warn: 'an app sees its declared variables alone, whatever surrounds the daemon' },
  append_env_to_name: { warn: 'an environment of Kapal has its own name beside the service’s: it is left out' },
  instance_var: { refuse: 'an instance is told its name as KAPAL_INSTANCE, and is not numbered' },
  increment_var: { refuse: 'every instance gets a PORT of its own, and no other variable is counted up' },
  namespace: { warn: 'a project holds what belongs together: it is left out' },
  force: { warn: 'names are unique in a project: it is left out' },
  treekill: (value, origin, { reading }) => {
    if (value === false)
      reading.draft.notes.refuse(origin, 'the whole group of an instance is ended, never its first process alone');
  },
  windows_hide: { warn: 'belongs to Windows: it is left out' },
  vizion: { warn: 'kapal releases shows the commit of each release: it is left out' },
  post_update: { refuse: 'commands after an update of the source belong in buildCommand or preDeployCommand' },
  source_map_support: { warn: 'give Node --enable-source-maps in startCommand' },
  disable_source_map_support: { warn: 'Node reads no source maps unless it is told to: it is left out' },
  pmx: inspects,
  automation: inspects,
  trace: inspects,
  deep_monitoring: inspects,
  io: inspects,
  km_link: inspects,
  version: { warn: 'a release has its own number: it is left out' },
};

function setMilliseconds(name: string, value: unknown, { origin, app }: { origin: Origin; app: Pm2App }): void {
  const milliseconds = Number(value);
  if (!(milliseconds > 0)) return wrong(app.reading, origin, 'a number of milliseconds');
  app.service.set(name, Math.max(1, Math.ceil(milliseconds / 1000)), origin);
  if (milliseconds % 1000 !== 0) app.reading.draft.notes.warn(origin, 'is written in whole seconds, rounded up');
}

function wrong({ draft }: ReadingApp, origin: Origin, expected: string): void {
  draft.notes.refuse(origin, `expected ${expected}: it is left out`);
}
