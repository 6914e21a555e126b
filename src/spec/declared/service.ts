import { slug } from '../../model/names.ts';
import type { ServiceType } from '../../model/service.ts';
import { plainService } from '../plain-service.ts';
import { type Place, plainly, type Report } from '../report.ts';
import { defaults, type DiskSpec, type ServiceSpec } from '../spec.ts';
import { type FoundService, serviceFields } from '../table/service.ts';
import type { Field } from '../table/shape.ts';
import { readDisk } from './disk.ts';
import { readCron } from './cron.ts';
import { readEdge } from './edge.ts';
import { checkHealth, pacedBy, readHealth } from './health.ts';
import { readDomains, readUpstreams, type Upstreams } from './reach.ts';
import { type Recipe, recipeOf, type RecipeInput } from './recipe.ts';
import { readRules } from './rules.ts';
import { type Reference, readVariables } from './variables.ts';

/** One service as read, with what can only be judged beside the others. */
export interface Draft {
  readonly spec: ServiceSpec;
  readonly place: Place;
  readonly namePlace: Place;
  /** As it was written, before it was made into a valid name. */
  readonly writtenName: string;
  readonly references: readonly Reference[];
  readonly domains: readonly { readonly name: string; readonly place: Place }[];
  readonly repo: { readonly url: string; readonly place: Place } | null;
}

export type ServiceInput = Omit<RecipeInput, 'type' | 'entry'>;

/** A service from its fields; `null` when what is missing leaves nothing to go on with (and was reported). */
export function readService(entry: FoundService, input: ServiceInput): Draft | null {
  const { report } = input;
  const { type: written, name: named } = entry.fields;
  if (written === undefined || named === undefined) return null;
  const runtime = entry.fields.runtime ?? entry.fields.env;
  // Render has no type static: there a static site is a web service with that runtime.
  const type = written.value === 'web' && runtime?.value === 'static' ? 'static' : written.value;
  checkTypes(entry, type, report);
  const name = readName(named, report);
  if (entry.fields.runtime !== undefined && entry.fields.env !== undefined)
    report.refuse(entry.fields.env.place, 'is the old name of runtime, which stands here too: keep runtime');
  const variables = readVariables(entry.fields.envVars?.value ?? [], type, report);
  const domains = readDomains(entry, report);
  const recipe = recipeOf({ ...input, type, entry });
  if (name === null) return null;
  const upstreams = readUpstreams(entry, type, report);
  checkHealth(entry, type, report);
  const { rules, fallback } = readRules(entry, type, report);
  const spec = specOf(entry, {
    name,
    type,
    recipe,
    upstreams,
    domains: domains.map((domain) => domain.name),
    variables,
    disk: readDisk(entry, recipe.rootDir, report),
    edge: readEdge(entry, { type, encrypted: upstreams.encrypted, rules, report }),
    // Two ways of saying it: Kapal's own, and Render's.
    fallback: entry.fields.staticFallback?.value ?? fallback,
    cron: readCron(entry, type, report),
  });
  const { repo } = entry.fields;
  return {
    spec,
    place: entry.place,
    namePlace: named.place,
    writtenName: named.value,
    references: variables.references,
    domains,
    repo: repo === undefined ? null : { url: repo.value, place: repo.place },
  };
}

/** A field that the type has no use for: a mistake where it is Kapal's own or would mislead, else a warning, because Render takes it. */
function checkTypes(entry: FoundService, type: ServiceType, report: Report): void {
  for (const [name, found] of Object.entries(entry.fields)) {
    const field: Field<unknown> | undefined = Object.entries<Field<unknown>>(serviceFields).find(
      ([known]) => known === name,
    )?.[1];
    if (field === undefined || field.types === null || field.types.includes(type)) continue;
    // `headers: []` asks for nothing.
    if (Array.isArray(found.value) && found.value.length === 0) continue;
    const message = `has no meaning for a service of type ${type}, only for ${field.types.join(', ')}`;
    if (field.elsewhere === 'refuse' || type === 'proxy') report.refuse(found.place, message);
    else report.ignore(found.place, `it ${message}`);
  }
}

function readName(named: { readonly value: string; readonly place: Place }, report: Report): string | null {
  const name = slug(named.value);
  if (name === null) report.refuse(named.place, `${plainly(named.value)} has no letter or digit to make a name of`);
  else if (name !== named.value)
    report.warn(named.place, `${plainly(named.value)} is not a valid name: the service is called ${name}`);
  return name;
}

/** `autoDeployTrigger` is the newer of Render's two ways to say it, and wins. */
function autoDeployOf({ fields }: FoundService): ServiceSpec['autoDeploy'] {
  const filter = fields.buildFilter?.value.fields;
  const trigger = fields.autoDeployTrigger?.value;
  return {
    on: trigger === undefined ? (fields.autoDeploy?.value ?? true) : trigger === 'commit',
    paths: filter?.paths?.value ?? [],
    ignoredPaths: filter?.ignoredPaths?.value ?? [],
  };
}

interface Parts {
  readonly name: string;
  readonly type: ServiceType;
  readonly recipe: Recipe;
  readonly upstreams: Upstreams;
  readonly domains: readonly string[];
  readonly edge: ServiceSpec['edge'];
  readonly fallback: string | null;
  readonly disk: DiskSpec | undefined;
  readonly cron: ServiceSpec['cron'] | undefined;
  readonly variables: Pick<ServiceSpec, 'groups' | 'variables'>;
}

function specOf(entry: FoundService, parts: Parts): ServiceSpec {
  const { name, type, recipe, upstreams, domains } = parts;
  const { fields } = entry;
  const runs = type !== 'static' && type !== 'proxy';
  const checked = type === 'web' || type === 'pserv' || type === 'proxy';
  const pace = type === 'proxy' ? defaults.upstreamHealth : defaults.health;
  const { groups, variables } = type === 'proxy' ? { groups: [], variables: [] } : parts.variables;
  return {
    ...plainService({ name, type, runtime: recipe.runtime }),
    rootDir: recipe.rootDir,
    commands: recipe.commands,
    publishPath: recipe.publishPath,
    groups,
    variables,
    health: checked ? readHealth(entry, pace) : { path: null, ...pacedBy(entry, pace) },
    instances: runs && type !== 'cron' ? (fields.numInstances?.value ?? defaults.instances) : defaults.instances,
    startTimeout: fields.startTimeoutSeconds?.value ?? defaults.startTimeout,
    shutdownDelay: runs ? (fields.maxShutdownDelaySeconds?.value ?? defaults.shutdownDelay) : defaults.shutdownDelay,
    memoryLimit: fields.memoryLimit?.value ?? null,
    domains,
    edge: parts.edge,
    rollout: {
      strategy: fields.rollout?.value.fields.strategy?.value ?? 'rolling',
      maxSurge: fields.rollout?.value.fields.maxSurge?.value ?? 1,
    },
    upstreams: upstreams.list,
    static: type === 'static' ? { fallback: parts.fallback } : null,
    ...(parts.cron === undefined ? {} : { cron: parts.cron }),
    build: {
      timeout: fields.build?.value.fields.timeoutSeconds?.value ?? defaults.build.timeout,
      memoryLimit: fields.build?.value.fields.memoryLimit?.value ?? null,
      ...located('diskLimit', fields.build?.value.fields.diskLimit),
      ...located('processLimit', fields.build?.value.fields.processLimit),
    },
    ...(parts.disk === undefined || !runs ? {} : { disk: parts.disk }),
    ...(type === 'web' || type === 'pserv' ? located('port', fields.port) : {}),
    autoDeploy: autoDeployOf(entry),
  };
}

/** A part that is absent where nothing was declared. */
function located<K extends string>(
  name: K,
  found: { readonly value: number } | undefined,
): { readonly [key in K]?: number } {
  return found === undefined ? {} : ({ [name]: found.value } as { readonly [key in K]: number });
}
