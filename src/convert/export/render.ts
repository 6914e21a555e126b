import { stringify } from 'yaml';
import type { PathRuleSpec, PolicySpec } from '../../spec/edge-spec.ts';
import { defaults, type ServiceSpec, type Spec, type VariableSpec } from '../../spec/spec.ts';
import { noteUnsaid } from './asked.ts';
import { ExportNotes, type Exported } from './exporter.ts';
import { looksSecret, seconds } from './values.ts';

type Fields = Record<string, unknown>;

const carried = new Set([
  'rootDir',
  'buildCommand',
  'preDeployCommand',
  'startCommand',
  'initialDeployHook',
  'schedule',
  'staticPublishPath',
  'staticFallback',
  'envVars',
  'healthCheckPath',
  'numInstances',
  'disk',
  'autoDeployTrigger',
  'buildFilter',
  'maxShutdownDelaySeconds',
  'domains',
  'edge.allow',
  'edge.maintenanceMode',
]);

/** What Render builds by itself. */
const runtimes: ReadonlySet<string> = new Set(['node', 'static', 'python', 'ruby', 'go', 'rust', 'elixir']);

const why = {
  port: 'Render looks where the app listens by itself: the variable PORT says it to be sure',
  memoryLimit: 'a plan of Render says how much memory an instance has: choose one by plan',
  'disk.shared': 'Render gives a disk to one instance alone, and refuses numInstances above 1 beside it',
  'edge.redirects':
    'Render has them for static sites alone, and redirects with the status 301: those are written, the others are not',
  'edge.responseHeaders': 'Render sets headers for static sites alone, and removes none: what it can is written',
} as const;

/** Render's Blueprint (https://render.com/docs/blueprint-spec). */
export function exportRender(spec: Spec): Exported {
  const notes = new ExportNotes();
  const services = spec.services.flatMap((service) => serviceOf(service, { spec, notes }));
  const groups = spec.groups.map(({ name, variables }) => ({
    name,
    envVars: variables.map((one) => variableOf(one, { owner: name, spec, notes })),
  }));
  const blueprint = { services, ...(groups.length === 0 ? {} : { envVarGroups: groups }) };
  const text = stringify(blueprint, { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' });
  return { files: [{ path: 'render.yaml', text: `# Written by kapal export render.\n\n${text}` }], notes: notes.all() };
}

interface Around {
  readonly spec: Spec;
  readonly notes: ExportNotes;
}

function serviceOf(service: ServiceSpec, { spec, notes }: Around): Fields[] {
  const { name, type } = service;
  if (type === 'proxy') {
    notes.refuse(name, 'Render has no services for upstreams that it does not run: it is left out');
    return [];
  }
  noteUnsaid(service, { carried: carriedBy(service), why, otherwise: 'Render has no word for it' }, notes);
  if (service.commands.build === null && type !== 'static')
    notes.warn(
      `${name}.buildCommand`,
      'Render asks for one: Kapal installs by the lockfile and runs the build script without being told',
    );
  if (!runtimes.has(service.runtime ?? 'node'))
    notes.warn(
      `${name}.runtime`,
      `Render builds no ${service.runtime ?? ''} without a Dockerfile: it has runtime docker for that`,
    );
  const site = type === 'static';
  const fields: Fields = {
    type: site ? 'web' : type,
    name,
    runtime: service.runtime ?? 'node',
    ...(service.rootDir === '.' ? {} : { rootDir: service.rootDir }),
    ...present({
      buildCommand: service.commands.build,
      preDeployCommand: service.commands.preDeploy,
      startCommand: service.commands.start,
      initialDeployHook: service.commands.initialDeploy ?? null,
      schedule: service.cron?.schedule ?? null,
      staticPublishPath: service.publishPath,
      healthCheckPath: service.health.path,
    }),
    ...(service.instances === defaults.instances ? {} : { numInstances: service.instances }),
    ...(service.shutdownDelay === defaults.shutdownDelay
      ? {}
      : { maxShutdownDelaySeconds: seconds(service.shutdownDelay) }),
    ...diskOf(service),
    ...pushesOf(service),
    ...domainsOf(service, notes),
    ...(site ? routesOf(service) : {}),
    ...policyOf(service.edge.policy),
  };
  const variables = [
    ...service.groups.map((group) => ({ fromGroup: group })),
    ...service.variables.map((one) => variableOf(one, { owner: name, spec, notes })),
  ];
  return [variables.length === 0 ? fields : { ...fields, envVars: variables }];
}

/** What a static site has more than others. */
function carriedBy(service: ServiceSpec): ReadonlySet<string> {
  if (service.type !== 'static') return carried;
  const { policy = {} } = service.edge;
  const plainRules = (policy.rules ?? []).every(
    (rule) => rule.kind === 'rewrite' || rule.status === defaults.redirectStatus,
  );
  const plainHeaders = (policy.responseHeaders ?? []).every(({ value }) => value !== null);
  return new Set([
    ...carried,
    ...(plainRules ? ['edge.redirects'] : []),
    ...(plainHeaders ? ['edge.responseHeaders'] : []),
  ]);
}

function pushesOf({ autoDeploy: { on, paths, ignoredPaths } }: ServiceSpec): Fields {
  const filter = { ...(paths.length === 0 ? {} : { paths }), ...(ignoredPaths.length === 0 ? {} : { ignoredPaths }) };
  return {
    ...(on ? {} : { autoDeployTrigger: 'off' }),
    ...(Object.keys(filter).length === 0 ? {} : { buildFilter: filter }),
  };
}

/** Render keeps the source in a folder of its own, and wants the whole path. */
function diskOf({ disk }: ServiceSpec): Fields {
  if (disk === undefined) return {};
  const { name, mountPath, size } = disk;
  const path = mountPath.startsWith('/') ? mountPath : `/opt/render/project/src/${mountPath}`;
  return { disk: { name, mountPath: path, sizeGB: size / 1024 ** 3 } };
}

function present(fields: Readonly<Record<string, string | null>>): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function domainsOf({ name, domains }: ServiceSpec, notes: ExportNotes): Fields {
  const hosts = domains.filter((domain) => !domain.includes('/'));
  for (const domain of domains)
    if (domain.includes('/'))
      notes.warn(`${name}.domains`, `${domain}: Render routes whole hosts, never a path of one: it is left out`);
  return hosts.length === 0 ? {} : { domains: hosts };
}

function routesOf({ edge: { policy = {} }, static: site }: ServiceSpec): Fields {
  const rules = (policy.rules ?? []).flatMap((rule): Fields[] =>
    isPlain(rule) ? [{ type: rule.kind, source: rule.source, destination: rule.destination }] : [],
  );
  const fallback =
    site === null || site.fallback === null
      ? []
      : [{ type: 'rewrite', source: '/*', destination: `/${site.fallback}` }];
  const routes = [...rules, ...fallback];
  const headers = (policy.responseHeaders ?? []).flatMap(({ name, value, path }) =>
    value === null ? [] : [{ path: path ?? '/*', name, value }],
  );
  return { ...(routes.length === 0 ? {} : { routes }), ...(headers.length === 0 ? {} : { headers }) };
}

function isPlain(rule: PathRuleSpec): boolean {
  return rule.kind === 'rewrite' || rule.status === defaults.redirectStatus;
}

function policyOf(policy: PolicySpec = {}): Fields {
  const { allow, maintenance } = policy;
  return {
    ...(allow === undefined
      ? {}
      : { ipAllowList: allow.map((source) => ({ source, description: 'from kapal.yaml' })) }),
    ...(maintenance === true ? { maintenanceMode: { enabled: true } } : {}),
  };
}

function variableOf({ key, value }: VariableSpec, about: Around & { readonly owner: string }): Fields {
  const asked = (why: string): Fields => {
    about.notes.warn(`${about.owner}.envVars.${key}`, `${why}: it is written as sync: false`);
    return { key, sync: false };
  };
  switch (value.kind) {
    case 'literal':
      return looksSecret(key, value.text)
        ? asked('may be a secret by its name or its form, and its value stays here')
        : { key, value: value.text };
    case 'generated':
      return { key, generateValue: true };
    case 'prompt':
      return { key, sync: false };
    case 'service': {
      const target = referenceOf(value.service, about.spec);
      if (value.property === 'url' || target === null) return asked('Render has no property url, and no proxy');
      return { key, fromService: { ...target, property: value.property } };
    }
    case 'service-variable': {
      const target = referenceOf(value.service, about.spec);
      return target === null
        ? asked('Render has no proxy to take it from')
        : { key, fromService: { ...target, envVarKey: value.key } };
    }
  }
}

/** Render wants the type beside the name. */
function referenceOf(name: string, spec: Spec): Fields | null {
  const type = spec.services.find((service) => service.name === name)?.type;
  if (type === undefined || type === 'proxy') return null;
  return { type: type === 'static' ? 'web' : type, name };
}
