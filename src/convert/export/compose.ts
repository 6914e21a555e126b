import { stringify } from 'yaml';
import { shellWord } from '../../model/shell.ts';
import { defaults, type ServiceSpec, type Spec, type VariableValue } from '../../spec/spec.ts';
import { noteUnsaid } from './asked.ts';
import { ExportNotes, type Exported } from './exporter.ts';
import { firstPorts, type Given, openText, seconds, variablesOf } from './values.ts';

type Fields = Record<string, unknown>;

/** Where an app listens inside its container, unless it insists on another port. */
const usualPort = 3000;

const carried = new Set([
  'rootDir',
  'startCommand',
  'preDeployCommand',
  'staticPublishPath',
  'envVars',
  'healthCheckPath',
  'healthCheck',
  'numInstances',
  'disk',
  'disk.shared',
  'port',
  'memoryLimit',
  'startTimeoutSeconds',
  'maxShutdownDelaySeconds',
]);

const why = {
  buildCommand: 'Compose builds an image by a Dockerfile: this command belongs there',
  staticFallback: 'the image of a web server has its own configuration: try_files says it in nginx',
  domains: 'Compose publishes ports, not names: kapal export nginx writes the sites',
} as const;

/** Docker Compose (https://compose-spec.io). A service each, built from its folder; the Dockerfile there is the user's. */
export function exportCompose(spec: Spec): Exported {
  const notes = new ExportNotes();
  const services: Record<string, Fields> = {};
  for (const service of spec.services) Object.assign(services, servicesOf(service, { spec, notes }));
  const text = stringify(
    { name: spec.project, services, ...volumesOf(spec) },
    { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' },
  );
  return {
    files: [{ path: 'compose.yaml', text: `# Written by kapal export compose.\n\n${text}` }],
    notes: notes.all(),
  };
}

interface Around {
  readonly spec: Spec;
  readonly notes: ExportNotes;
}

function servicesOf(service: ServiceSpec, around: Around): Record<string, Fields> {
  const { name, type, commands } = service;
  const { notes, spec } = around;
  if (type === 'proxy') {
    notes.refuse(
      name,
      'Compose runs containers, and not the way to other machines: kapal export nginx writes that one',
    );
    return {};
  }
  if (type === 'cron') {
    notes.refuse(name, 'Compose has no schedules: it is left out');
    return {};
  }
  noteUnsaid(service, { carried, why, otherwise: 'Compose has no word for it' }, notes);
  if (type === 'static') return { [name]: siteOf(service, around) };
  notes.warn(
    `${name}.image`,
    `Compose runs images, and Kapal needs none: ${folderOf(service)} needs a Dockerfile that installs and builds the app`,
  );
  const environment = environmentOf(service, around);
  const common = { build: folderOf(service), ...(Object.keys(environment).length === 0 ? {} : { environment }) };
  const before = `${name}-pre-deploy`;
  const prepare =
    commands.preDeploy === null ? {} : { [before]: { ...common, command: shell(commands.preDeploy), restart: 'no' } };
  const listens = type === 'web' || type === 'pserv';
  return {
    ...prepare,
    [name]: {
      ...common,
      ...(commands.start === null ? {} : { command: shell(commands.start) }),
      ...(listens ? { environment: { PORT: String(portOf(service)), HOST: '0.0.0.0', ...environment } } : {}),
      ...(type === 'web'
        ? { ports: [published(service, spec)] }
        : type === 'pserv'
          ? { expose: [String(portOf(service))] }
          : {}),
      ...(commands.preDeploy === null
        ? {}
        : { depends_on: { [before]: { condition: 'service_completed_successfully' } } }),
      ...mountOf(service, notes),
      ...healthOf(service),
      ...deployOf(service),
      ...(service.shutdownDelay === defaults.shutdownDelay
        ? {}
        : { stop_grace_period: `${seconds(service.shutdownDelay)}s` }),
      restart: 'unless-stopped',
    },
  };
}

/** A disk is a volume of its name. Inside of a container a path of the source is one of the image. */
function mountOf({ name, disk }: ServiceSpec, notes: ExportNotes): Fields {
  if (disk === undefined) return {};
  const isAbsolute = disk.mountPath.startsWith('/');
  notes.warn(
    `${name}.disk`,
    isAbsolute
      ? 'Compose knows no size of a volume'
      : `Compose knows no size of a volume, and mounts it at a whole path: /app is taken for the WORKDIR of the Dockerfile`,
  );
  return { volumes: [`${disk.name}:${dollars(isAbsolute ? disk.mountPath : `/app/${disk.mountPath}`)}`] };
}

function volumesOf({ services }: Spec): Fields {
  const names = services.flatMap(({ disk }) => (disk === undefined ? [] : [disk.name]));
  return names.length === 0 ? {} : { volumes: Object.fromEntries(names.map((name) => [name, {}])) };
}

function folderOf({ rootDir }: ServiceSpec): string {
  return rootDir === '.' ? '.' : `./${rootDir}`;
}

/** Dollars are doubled: a single one is Compose's own. */
function shell(command: string): readonly string[] {
  return ['sh', '-c', dollars(command)];
}

function dollars(text: string): string {
  return text.replaceAll('$', '$$$$');
}

function portOf({ port = usualPort }: Pick<ServiceSpec, 'port'>): number {
  return port;
}

/** Instances share the service's name, so on the machine they need a port each. */
function published(service: ServiceSpec, spec: Spec): string {
  const first = firstPorts(spec).get(service.name) ?? usualPort;
  const last = first + service.instances - 1;
  return `${first === last ? first : `${first}-${last}`}:${portOf(service)}`;
}

function siteOf(service: ServiceSpec, { notes }: Around): Fields {
  const path = [service.rootDir, service.publishPath ?? '.'].filter((part) => part !== '.').join('/');
  notes.warn(
    `${service.name}.image`,
    'the files are served by the image of nginx as they lie there: build them before',
  );
  return {
    image: 'nginx:stable-alpine',
    volumes: [`./${path}:/usr/share/nginx/html:ro`],
    ports: ['80'],
    restart: 'unless-stopped',
  };
}

function healthOf(service: ServiceSpec): Fields {
  const { health, type, startTimeout, runtime } = service;
  if (health.path === null || (type !== 'web' && type !== 'pserv')) return {};
  const url = `http://127.0.0.1:${portOf(service)}${health.path}`;
  // Node has a client, and its images often have no curl.
  const probe = `fetch(${JSON.stringify(url)}).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))`;
  const test =
    runtime === 'node'
      ? ['CMD', 'node', '-e', dollars(probe)]
      : ['CMD-SHELL', dollars(`wget -qO- ${shellWord(url)} >/dev/null 2>&1 || curl -fsS ${shellWord(url)} >/dev/null`)];
  return {
    healthcheck: {
      test,
      interval: `${seconds(health.interval)}s`,
      timeout: `${seconds(health.timeout)}s`,
      start_period: `${seconds(startTimeout)}s`,
    },
  };
}

function deployOf({ instances, memoryLimit }: ServiceSpec): Fields {
  const deploy = {
    ...(instances === defaults.instances ? {} : { replicas: instances }),
    ...(memoryLimit === null ? {} : { resources: { limits: { memory: `${Math.floor(memoryLimit / 1024 ** 2)}m` } } }),
  };
  return Object.keys(deploy).length === 0 ? {} : { deploy };
}

/** Values that may be secret are asked of whoever calls Compose, by the name of the variable. */
function environmentOf(service: ServiceSpec, { spec, notes }: Around): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const given of variablesOf(spec, service)) {
    if (['PORT', 'HOST'].includes(given.key)) continue;
    const text = openText(given) ?? referenceText(given.value, spec);
    if (text === null) notes.warn(`${service.name}.envVars.${given.key}`, whyAsked(given));
    environment[given.key] = text === null ? `\${${given.key}:?}` : dollars(text);
  }
  return environment;
}

/** Compose's network knows a service by its name. */
function referenceText(value: VariableValue, spec: Spec): string | null {
  if (value.kind !== 'service') return null;
  const port = portOf(spec.services.find(({ name }) => name === value.service) ?? {});
  switch (value.property) {
    case 'host':
      return value.service;
    case 'port':
      return String(port);
    case 'hostport':
      return `${value.service}:${port}`;
    case 'url':
      return null;
  }
}

function whyAsked({ value }: Given): string {
  switch (value.kind) {
    case 'literal':
      return 'may be a secret by its name or its form: its value is left out, and Compose takes it from its surroundings or .env';
    case 'generated':
      return 'Compose makes no values: choose one, in the surroundings or .env';
    case 'prompt':
      return 'its value is not in the declaration: Compose takes it from its surroundings or .env';
    case 'service':
    case 'service-variable':
      return 'Compose takes nothing from another service: give the value in its surroundings or .env';
  }
}
