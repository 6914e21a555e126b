import type { Value } from '../../spec/yaml/value.ts';
import { entryOf } from '../../spec/yaml/value.ts';
import type { Origin } from '../../spec/draft/note.ts';
import type { ComposeService, Whole } from './compose-shape.ts';
import { checkedPath, commandOf, interpolate, namesIn, secondsOf, sizeOf } from './compose-values.ts';
import type { Plain } from '../../spec/draft/draft.ts';
import {
  countOf,
  type FieldTable,
  originAt,
  originOf,
  readFields,
  scalarOf,
  type Unread,
  wrongKind,
} from '../../spec/draft/reading.ts';

export interface OnService {
  readonly service: ComposeService;
  readonly whole: Whole;
}

const isolated: Unread = { warn: 'every service has its own user and its own view of the machine: it is left out' };
const kernel: Unread = { refuse: 'Kapal gives no rights over the machine to a service: it is left out' };
const names: Unread = { warn: 'services know each other by fromService, not by names of their own: it is left out' };
const container: Unread = { warn: 'belongs to containers: it is left out' };
const shown: Unread = { warn: 'kapal logs and kapal ps show what runs: it is left out' };
const files: Unread = {
  refuse: 'Kapal mounts no such files: declare a variable with sync: false, and set it with kapal env set',
};
const share: Unread = { refuse: 'Kapal divides no processors and no disks between services: it is left out' };

/** Every field of a service in the Compose Specification. */
export const serviceTable: FieldTable<OnService> = {
  build: (value, origin, at) => readBuild(value, origin, at),
  image: (_value, origin, { service, whole: { draft } }) => {
    if (entryOf(service.map, 'build') !== undefined)
      draft.notes.warn(origin, 'names what is built, and Kapal names its releases itself: it is left out');
    else if (service.kind?.kind === 'language')
      draft.notes.warn(origin, 'Kapal builds by the language and brings its own program: the image is left out');
  },
  command: (value, origin, at) => placeCommand('command', value, { origin, ...at }),
  entrypoint: (value, origin, at) => placeCommand('entrypoint', value, { origin, ...at }),
  environment: (value, origin, at) => readEnvironment(value, origin, at),
  env_file: (value, origin, at) => readEnvFiles(value, origin, at),
  ports: (value, origin, { service, whole: { draft } }) => {
    if (value.kind === 'list' && value.items.length === 0) return;
    service.reach = 'public';
    draft.notes.warn(
      origin,
      'visitors come through the edge, by the host name: the app listens on the PORT that it is given',
    );
  },
  expose: (_value, origin, { service, whole: { draft } }) => {
    service.reach ??= 'private';
    draft.notes.warn(
      origin,
      'other services get its address by fromService: the app listens on the PORT that it is given',
    );
  },
  depends_on: (value, origin, { whole }) => {
    const waits =
      value.kind === 'map'
        ? value.entries.map(({ key }) => key)
        : value.kind === 'list'
          ? value.items.map((item) => scalarOf(item) ?? '')
          : [];
    if (waits.every((name) => whole.onceOnly.has(name))) return;
    whole.draft.notes.warn(
      origin,
      'services start beside each other: an app that needs another one tries again until it is there',
    );
  },
  deploy: (value, origin, at) => below(value, origin, { ...at, table: deployTable, name: 'deploy' }),
  scale: (value, origin, at) => setCount('numInstances', value, { origin, ...at }),
  healthcheck: (value, origin, at) => below(value, origin, { ...at, table: healthTable, name: 'healthcheck' }),
  stop_grace_period: (value, origin, at) => setSeconds('maxShutdownDelaySeconds', value, { origin, ...at }),
  mem_limit: (value, origin, at) => setSize(value, origin, at),
  volumes: (value, origin, at) => readVolumes(value, origin, at),
  restart: { warn: 'Kapal starts an instance that ends again, with growing pauses: it is left out' },
  stop_signal: (value, origin, { whole: { draft } }) => {
    if (scalarOf(value) !== 'SIGTERM')
      draft.notes.refuse(origin, 'Kapal ends an instance by SIGTERM, then SIGKILL: the app has to take that one');
  },
  container_name: names,
  hostname: names,
  domainname: names,
  links: names,
  external_links: names,
  networks: {
    warn: 'services reach each other by fromService, and nobody else reaches a pserv or a worker: it is left out',
  },
  network_mode: kernel,
  mac_address: container,
  extra_hosts: { refuse: 'names are looked up as the machine does: it is left out' },
  dns: container,
  dns_opt: container,
  dns_search: container,
  logging: shown,
  labels: shown,
  label_file: shown,
  annotations: shown,
  attach: shown,
  platform: container,
  pull_policy: container,
  pull_refresh_after: container,
  init: { warn: 'every instance has a keeper that collects what ends: it is left out' },
  tty: container,
  stdin_open: container,
  working_dir: { warn: 'commands run in rootDir: a path inside a container is left out' },
  user: isolated,
  userns_mode: isolated,
  group_add: isolated,
  read_only: isolated,
  security_opt: isolated,
  cap_drop: isolated,
  tmpfs: isolated,
  isolation: container,
  runtime: container,
  cgroup: container,
  cgroup_parent: container,
  privileged: kernel,
  cap_add: kernel,
  devices: kernel,
  device_cgroup_rules: kernel,
  gpus: kernel,
  pid: kernel,
  ipc: kernel,
  uts: kernel,
  sysctls: kernel,
  ulimits: kernel,
  oom_kill_disable: kernel,
  oom_score_adj: kernel,
  storage_opt: kernel,
  shm_size: kernel,
  blkio_config: share,
  cpu_count: share,
  cpu_percent: share,
  cpu_shares: share,
  cpu_period: share,
  cpu_quota: share,
  cpu_rt_runtime: share,
  cpu_rt_period: share,
  cpus: share,
  cpuset: share,
  mem_reservation: share,
  mem_swappiness: share,
  memswap_limit: share,
  pids_limit: share,
  secrets: files,
  configs: files,
  credential_spec: files,
  use_api_socket: kernel,
  volumes_from: { refuse: 'services share no files: it is left out' },
  extends: {
    refuse: 'other services are not taken over: docker compose config writes them out, and that text can be imported',
  },
  develop: { warn: 'is for working on the app: it is left out' },
  post_start: { refuse: 'a command beside the start belongs in startCommand' },
  pre_stop: { refuse: 'an app does what is to be done at its end when it gets SIGTERM' },
  provider: { refuse: 'Kapal knows no providers of Compose' },
  models: { refuse: 'Kapal runs no models' },
};

interface Placed extends OnService {
  readonly origin: Origin;
}

function placeCommand(which: 'command' | 'entrypoint', value: Value, { origin, service, whole }: Placed): void {
  const text = commandOf(value);
  if (text === null) wrongKind(whole.draft.notes, origin, { expected: 'a command', value });
  else if (text !== '') service.command[which] = { text, origin };
}

function readBuild(value: Value, origin: Origin, at: OnService): void {
  const { service, whole } = at;
  const { notes } = whole.draft;
  const context = value.kind === 'map' ? scalarOf(entryOf(value, 'context')?.value ?? value) : scalarOf(value);
  const folder = interpolate(context ?? '.').text;
  if (/^(?:[a-z]+:\/\/|git@)/i.test(folder))
    return notes.refuse(origin, 'a remote context is not built: import its repository by itself');
  const rootDir = folder.replace(/^\.\/(?=.)/, '').replace(/\/+$/, '') || '.';
  if (rootDir !== '.') service.fields.push({ name: 'rootDir', value: rootDir, origin });
  notes.warn(
    origin,
    'Kapal builds by the language that the files show, not by a Dockerfile: what that one does besides belongs in buildCommand',
  );
  if (value.kind !== 'map') return;
  for (const entry of value.entries) {
    if (entry.key === 'context') continue;
    const there = originOf(entry, { file: whole.file, path: `services.${service.name}.build` });
    if (entry.key === 'args')
      notes.warn(there, 'arguments of a build are variables of the service here: declare those that the build needs');
    else notes.warn(there, 'belongs to the build of an image: it is left out');
  }
}

function readEnvironment(value: Value, origin: Origin, at: OnService): void {
  const { service, whole } = at;
  const path = `services.${service.name}.environment`;
  if (value.kind === 'map') {
    for (const entry of value.entries)
      addVariable(
        { key: entry.key, written: scalarOf(entry.value), origin: originOf(entry, { file: whole.file, path }) },
        at,
      );
  } else if (value.kind === 'list') {
    for (const [index, item] of value.items.entries()) {
      const [, key = '', , written] = /^([^=]+)(=([\s\S]*))?$/.exec(scalarOf(item) ?? '') ?? [];
      addVariable(
        { key, written: written ?? null, origin: originAt(item, { file: whole.file, field: `${path}[${index}]` }) },
        at,
      );
    }
  } else wrongKind(whole.draft.notes, origin, { expected: 'variables', value });
}

/** A value that Compose takes from its own surroundings is not in the file, and so is asked for. */
function addVariable(
  found: { key: string; written: string | null; origin: Origin },
  { service, whole }: OnService,
): void {
  const { key, written, origin } = found;
  const { text, open } = interpolate(written ?? '');
  if (written === null || open.length > 0) {
    if (!/^(?:PORT|HOST)$/.test(key))
      whole.draft.notes.warn(
        origin,
        `its value comes from where Compose is called: it is written as sync: false, and kapal env set gives it`,
      );
    service.variables.push({ key, text: null, origin });
  } else service.variables.push({ key, text, origin });
}

/** Names only: such files hold secrets, and are seldom part of the source. */
function readEnvFiles(value: Value, origin: Origin, { service, whole }: OnService): void {
  const { notes } = whole.draft;
  const items = value.kind === 'list' ? value.items : [value];
  for (const item of items) {
    const written = item.kind === 'map' ? scalarOf(entryOf(item, 'path')?.value ?? item) : scalarOf(item);
    const path = interpolate(written ?? '').text.replace(/^\.\//, '');
    const text = path === '' || path.startsWith('/') || path.split('/').includes('..') ? null : whole.files.read(path);
    if (text === null) {
      notes.refuse(
        origin,
        `${JSON.stringify(written)} could not be read in this folder: set its variables with kapal env set`,
      );
      continue;
    }
    const keys = namesIn(text).filter((key) => key !== 'PORT' && key !== 'HOST');
    for (const key of keys)
      if (!service.variables.some((one) => one.key === key)) service.variables.push({ key, text: null, origin });
    notes.warn(
      origin,
      `the variables of ${path} are written as sync: false, without their values: kapal env set gives them`,
    );
  }
}

interface Below<Context> extends OnService {
  readonly table: FieldTable<Context>;
  readonly name: string;
}

function below(value: Value, origin: Origin, { service, whole, table, name }: Below<OnService>): void {
  const { notes } = whole.draft;
  if (value.kind !== 'map') return wrongKind(notes, origin, { expected: 'a mapping', value });
  readFields(value, {
    table,
    context: { service, whole },
    notes,
    file: whole.file,
    path: `services.${service.name}.${name}`,
    tool: name,
  });
}

const scheduling: Unread = {
  warn: 'Kapal runs all instances on this machine, and replaces them by rollout: it is left out',
};

const deployTable: FieldTable<OnService> = {
  replicas: (value, origin, at) => setCount('numInstances', value, { origin, ...at }),
  resources: (value, origin, at) => below(value, origin, { ...at, table: resourcesTable, name: 'deploy.resources' }),
  mode: scheduling,
  placement: scheduling,
  endpoint_mode: scheduling,
  restart_policy: { warn: 'Kapal starts an instance that ends again, with growing pauses: it is left out' },
  rollback_config: { warn: 'a rollout that fails is taken back: it is left out' },
  update_config: { warn: 'rollout says how a new release takes over: it is left out' },
  labels: shown,
};

const resourcesTable: FieldTable<OnService> = {
  limits: (value, origin, at) => below(value, origin, { ...at, table: limitsTable, name: 'deploy.resources.limits' }),
  reservations: share,
};

const limitsTable: FieldTable<OnService> = {
  memory: (value, origin, at) => setSize(value, origin, at),
  cpus: share,
  pids: share,
};

const healthTable: FieldTable<OnService> = {
  test: (value, origin, { service, whole: { draft } }) => {
    const words = value.kind === 'list' ? value.items.map((item) => scalarOf(item) ?? '') : [scalarOf(value) ?? ''];
    if (words[0] === 'NONE') return;
    const path = checkedPath(words.join(' '));
    if (path === null)
      draft.notes.refuse(
        origin,
        'only a check that asks a path of the app is taken, as healthCheckPath: without it the port has to accept',
      );
    else service.fields.push({ name: 'healthCheckPath', value: path, origin });
  },
  interval: (value, origin, { service, whole }) => pace('intervalSeconds', value, { origin, service, whole }),
  timeout: (value, origin, { service, whole }) => pace('timeoutSeconds', value, { origin, service, whole }),
  retries: { warn: 'one check that fails is enough, and the next one that succeeds brings it back: it is left out' },
  start_period: (value, origin, at) => setSeconds('startTimeoutSeconds', value, { origin, ...at }),
  start_interval: { warn: 'a new instance is asked several times a second: it is left out' },
  disable: { warn: 'without a path the port has to accept: it is left out' },
};

function pace(name: 'intervalSeconds' | 'timeoutSeconds', value: Value, { origin, service, whole }: Placed): void {
  const seconds = secondsOf(value);
  if (seconds === null) return wrongKind(whole.draft.notes, origin, { expected: 'a duration such as 30s', value });
  const before = service.fields.findLast((field) => field.name === 'healthCheck')?.value;
  const known = typeof before === 'object' && !Array.isArray(before) ? before : {};
  const all = Object.fromEntries(Object.entries(known).filter((entry): entry is [string, Plain] => entry[0] !== name));
  service.fields.push({ name: 'healthCheck', value: { ...all, [name]: seconds }, origin });
}

function setSeconds(name: string, value: Value, { origin, service, whole }: Placed): void {
  const seconds = secondsOf(value);
  if (seconds === null) wrongKind(whole.draft.notes, origin, { expected: 'a duration such as 30s', value });
  else service.fields.push({ name, value: seconds, origin });
}

function setCount(name: string, value: Value, { origin, service, whole }: Placed): void {
  const count = countOf(value);
  if (count === null) wrongKind(whole.draft.notes, origin, { expected: 'a whole number', value });
  else if (count === 0)
    whole.draft.notes.warn(
      origin,
      `0 runs nothing: it gets one instance; after the first deploy kapal stop ${service.name}`,
    );
  else service.fields.push({ name, value: count, origin });
}

function setSize(value: Value, origin: Origin, { service, whole }: OnService): void {
  const size = sizeOf(value);
  if (size === null) wrongKind(whole.draft.notes, origin, { expected: 'a size such as 512m', value });
  else service.fields.push({ name: 'memoryLimit', value: size, origin });
}

function readVolumes(value: Value, origin: Origin, { service, whole }: OnService): void {
  const { notes } = whole.draft;
  if (value.kind !== 'list') return wrongKind(notes, origin, { expected: 'a list of volumes', value });
  for (const [index, item] of value.items.entries()) {
    const at = originAt(item, { file: whole.file, field: `services.${service.name}.volumes[${index}]` });
    const mounted = item.kind === 'map' ? longVolume(item) : shortVolume(interpolate(scalarOf(item) ?? '').text);
    if (mounted === null) notes.refuse(at, 'is of a kind that Kapal does not mount: it is left out');
    else service.mounts.push({ ...mounted, origin: at });
  }
}

/** `SOURCE:TARGET[:MODE]`, or `TARGET` alone, which is anonymous. */
function shortVolume(text: string): { source: string; target: string } | null {
  const [first = '', second] = text.split(':');
  if (first === '') return null;
  return second === undefined ? { source: '', target: first } : { source: first, target: second };
}

function longVolume(item: Value): { source: string; target: string } | null {
  if (item.kind !== 'map') return null;
  const of = (name: string): string =>
    interpolate(scalarOf(entryOf(item, name)?.value ?? { ...item, kind: 'list', items: [] }) ?? '').text;
  const type = of('type');
  if (type === 'tmpfs') return { source: '', target: of('target') };
  return type === 'volume' || type === 'bind' ? { source: of('source'), target: of('target') } : null;
}
