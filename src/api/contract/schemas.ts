import { z } from 'zod';
import { deployStages, outcomes } from '../../model/deploy.ts';
import { catalogue, type ErrorCode } from '../../model/errors.ts';
import { instanceStates } from '../../model/instance.ts';
import { isName } from '../../model/names.ts';
import { serviceTypes } from '../../model/service.ts';
import { scheduleSchema } from './job-schemas.ts';
import { diskStates, garbageKinds, serviceStatuses } from './types.ts';

/**
 * The shapes of `types.ts` for the daemon, which checks requests and answers with them and describes them in OpenAPI. A type test keeps
 * the two files equal. No transforms: OpenAPI shows them as an empty schema.
 */

const moment = (what: string) => z.string().describe(`${what} ISO 8601, UTC.`);
const count = (what: string) => z.number().int().min(0).describe(what);
const milliseconds = (what: string) => z.number().min(0).describe(`${what} Milliseconds.`);
const name = (what: string) =>
  z
    .string()
    .refine(isName, { error: 'expected lower-case letters, digits and inner dashes, at most 40 characters' })
    .describe(`${what} Lower-case letters, digits and inner dashes, at most 40 characters.`);

const errorCodes = Object.keys(catalogue) as [ErrorCode, ...ErrorCode[]];

export const errorSchema = z
  .object({
    code: z.enum(errorCodes).describe('Stable; programs match on it. docs/errors.md explains each.'),
    message: z.string().describe('What failed, and where.'),
    hint: z.string().nullable().describe('What to do next.'),
    log: z.array(z.string()).describe('The last lines that the failing program printed.'),
  })
  .meta({ id: 'Error' });

export const failureSchema = z
  .object({ error: errorSchema.describe('What went wrong.') })
  .meta({ id: 'Failure', description: 'Every answer of status 400 and above.' });

const instanceSchema = z
  .object({
    id: z.string().describe('Stays the same over restarts of its process.'),
    state: z.enum(instanceStates).exclude(['gone']).describe('Where the instance stands in its life.'),
    release: z.number().int().describe('The release that it is a copy of.'),
    pid: z
      .number()
      .int()
      .nullable()
      .describe("Leads the instance's process group; null while it does not run. Its death ends the whole instance."),
    address: z.string().nullable().describe('host:port that it listens on; null where it listens on none.'),
    restarts: count('Starts after the first.'),
    startedAt: moment('When its present process was started.'),
    lastExit: z.string().nullable().describe('How its last process ended, in words; null when none did.'),
    nextStartAt: moment('When it is started again; absent while it runs.').exactOptional(),
    problem: z
      .string()
      .exactOptional()
      .describe('Why the edge passes it over although it is ready; absent where it does not.'),
  })
  .meta({ id: 'Instance', description: 'One running copy of a release.' });

const upstreamSchema = z
  .object({
    address: z.string().describe('host:port.'),
    weight: count('Its share of the requests, against the others.'),
    state: z.enum(['up', 'down']).describe('down: the edge passes it over.'),
    problem: z.string().nullable().describe('Why it is down; null where it is not.'),
  })
  .meta({ id: 'Upstream', description: 'An address that a proxy sends requests to.' });

export const persistentDiskSchema = z
  .object({
    project: z.string().describe('The project of its service.'),
    environment: z.string().describe('The environment of its service.'),
    service: z.string().describe('The service that it belongs to, which may be gone.'),
    name: z.string().describe('As declared.'),
    state: z
      .enum(['attached', 'detached'])
      .describe('detached: nothing declares it any more; kept until it is removed.'),
    mountPath: z
      .string()
      .nullable()
      .describe('Absolute, or from the top of the source, as declared; null for a detached one.'),
    path: z.string().describe('Where it really is.'),
    sizeBytes: count('What it is meant to hold; not enforced.'),
    usedBytes: z.number().int().min(0).nullable().describe('At the last count; null before the first.'),
  })
  .meta({ id: 'PersistentDisk', description: 'A folder of a service that outlives its releases, and the service.' });

export const serviceSchema = z
  .object({
    project: z.string().describe('The project that declares it.'),
    environment: z.string().describe('production unless it was deployed elsewhere.'),
    service: z.string().describe('Its name, unique in project and environment.'),
    type: z.enum(serviceTypes).describe('What was declared.'),
    release: z.number().int().nullable().describe('The current release; null before the first.'),
    status: z.enum(serviceStatuses).describe('What its instances and its rollout add up to.'),
    desired: count('Instances that should run.'),
    urls: z.array(z.string()).describe('Where visitors reach it: its domains first, then its default name.'),
    instances: z.array(instanceSchema).describe('Draining ones are listed until they are gone.'),
    schedule: scheduleSchema.exactOptional().describe('Of a cron; absent for other types.'),
    upstreams: z.array(upstreamSchema).exactOptional().describe('Of a proxy; absent for other types.'),
    disk: persistentDiskSchema.exactOptional().describe('Absent where it has none.'),
  })
  .meta({ id: 'Service', description: 'One element of kapal ps --json.' });

const timesSchema = z
  .object({
    source: milliseconds('Fetching and reading the source.'),
    build: milliseconds('Building; 0 where nothing was built.'),
    start: milliseconds('From the first start of the new release, preDeployCommand included, to ready.'),
    shift: milliseconds('Moving the traffic.'),
    total: milliseconds('From the request to the end.'),
  })
  .meta({ id: 'DeployTimes' });

const deployedServiceSchema = z
  .object({
    service: z.string().describe('Its name.'),
    release: z.number().int().nullable().describe('The new release; the current one where no new one was made.'),
    outcome: z
      .enum(outcomes)
      .describe('failed: the new release never took traffic. rolled_back: it did, and was withdrawn.'),
    urls: z.array(z.string()).describe('Where visitors reach it.'),
    milliseconds: timesSchema.describe('How long each step took.'),
    error: errorSchema.exactOptional().describe('Why it failed; absent where it did not.'),
    warnings: z
      .array(z.string())
      .exactOptional()
      .describe('What went wrong beside the deploy, for people; absent where nothing did.'),
  })
  .meta({ id: 'DeployedService' });

export const deploySchema = z
  .object({
    project: z.string().describe('The project that was deployed.'),
    environment: z.string().describe('The environment that was deployed to.'),
    services: z.array(deployedServiceSchema).describe('One for each service, in the order of the declaration.'),
  })
  .meta({ id: 'Deploy', description: 'kapal deploy --json.' });

const gitFactsSchema = z
  .object({
    commit: z.string().max(64).describe('Object name of the commit.'),
    branch: z.string().max(1_000).nullable().describe('null where HEAD is detached.'),
    author: z.string().max(1_000).describe('Name <email>.'),
    subject: z.string().max(1_000).describe("First line of the commit's message."),
  })
  .meta({ id: 'GitFacts' });

const deploySourceSchema = z.discriminatedUnion('kind', [
  z
    .object({
      kind: z.literal('folder').describe('A tree that was put to /api/v1/sources/{digest} before.'),
      digest: z.string().max(100).describe('Its digest: sha256- and 64 hexadecimal digits.'),
      name: z.string().max(1_000).describe("The folder's name; becomes the project's where nothing else names it."),
      git: gitFactsSchema.nullable().describe('The commit that is checked out in it; null outside of git.'),
    })
    .meta({ id: 'FolderSource' }),
  z
    .object({
      kind: z.literal('git').describe('A remote that the daemon fetches.'),
      url: z.string().min(1).max(2_000).describe('https, http, ssh or git URL, or user@host:path.'),
      branch: z.string().min(1).max(1_000).nullable().describe("Branch or tag; null: the remote's default branch."),
    })
    .meta({ id: 'GitSource' }),
]);

export const deployRequestSchema = z
  .object({
    project: name('Overrides the declared or detected name of the project.').exactOptional(),
    environment: name('The environment to deploy to.'),
    source: deploySourceSchema.describe('Where the code is.'),
    service: name('Only this service.').exactOptional(),
    prune: z.boolean().exactOptional().describe('Stop and remove services that vanished from the declaration.'),
    idempotencyKey: z
      .string()
      .min(1)
      .max(200)
      .exactOptional()
      .describe("The client's own id for this request: repeating it does nothing twice."),
  })
  .meta({ id: 'DeployRequest' });

export const operationSchema = z
  .object({
    id: z.string().describe('Names it in /operations/{id}.'),
    kind: z.enum(['deploy', 'rollback', 'restart', 'configure', 'scale', 'stop', 'start']).describe('What was asked.'),
    state: z.enum(['running', 'finished']).describe('It finishes, always.'),
    createdAt: moment('When it was acknowledged.'),
    finishedAt: z.string().nullable().describe('When it ended. ISO 8601, UTC.'),
    result: deploySchema.nullable().describe('Present when finished, unless it failed as a whole.'),
    error: errorSchema.nullable().describe('Why it failed as a whole (declaration, source).'),
  })
  .meta({ id: 'Operation', description: 'A long piece of work that was acknowledged.' });

const someService = z.string().nullable().describe('null where it concerns all of them.');

export const operationEventSchema = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('stage'),
      service: someService,
      stage: z.enum(deployStages).describe('The step that begins.'),
      message: z.string().describe('For people.'),
    }),
    z.object({ kind: z.literal('log'), service: z.string(), text: z.string().describe('A line of the build.') }),
    z.object({ kind: z.literal('notice'), service: someService, message: z.string().describe('For people.') }),
    z.object({ kind: z.literal('service'), result: deployedServiceSchema.describe('One service is done.') }),
    z.object({ kind: z.literal('finished'), operation: operationSchema.describe('The last event.') }),
  ])
  .meta({ id: 'OperationEvent', description: 'data: of a server-sent event; event: is its kind.' });

export const planSchema = z
  .object({
    project: z.string().describe('The project that the declaration names.'),
    environment: z.string().describe('The environment that it was compared with.'),
    origin: z.string().describe('What was read: the file, or what was detected.'),
    warnings: z.array(z.string()).describe('Declared things that mean nothing here.'),
    changes: z
      .array(
        z.object({
          service: z.string().describe('Its name.'),
          action: z
            .enum(['create', 'update', 'unchanged', 'scale', 'vanished', 'remove'])
            .describe('What a deploy would do.'),
          reasons: z.array(z.string()).describe('Why, field by field.'),
        }),
      )
      .describe('One for each service.'),
  })
  .meta({ id: 'Plan' });

const sourceSchema = z
  .object({
    kind: z.enum(['folder', 'git']).describe('Sent by a client, or fetched from a remote.'),
    digest: z.string().describe('Content identity: equal digests mean equal trees.'),
    url: z.string().nullable().describe('Of the remote, without password.'),
    branch: z.string().nullable().describe('Branch or tag.'),
    commit: z.string().nullable().describe('Object name of the commit.'),
    author: z.string().nullable().describe('Name <email> of the commit.'),
    subject: z.string().nullable().describe("First line of the commit's message."),
  })
  .meta({ id: 'Source' });

export const releaseSchema = z
  .object({
    release: z.number().int().describe('Its number, per service, from 1.'),
    status: z
      .enum(['current', 'previous', 'failed', 'rolled_back', 'cancelled', 'pending'])
      .describe('What became of it.'),
    createdAt: moment('When it was made.'),
    source: sourceSchema.nullable().describe('Where its code came from; null where it has none.'),
    cause: z.string().describe('What made it: deploy, rollback to 3, restart, env set KEY.'),
    error: errorSchema.nullable().describe('Why it failed.'),
    available: z.boolean().describe('Whether a rollback can still go back to it.'),
  })
  .meta({ id: 'Release' });

export const variableSchema = z
  .object({
    key: z.string().describe('Its name.'),
    source: z.string().describe('declared, set, generated, group NAME, service NAME.'),
    value: z.string().nullable().describe('Only with reveal=true; else null.'),
  })
  .meta({ id: 'Variable' });

export const logSchema = z
  .object({
    sequence: z.number().int().describe('Grows with every line; the id of the event when followed.'),
    time: moment('When the line was read.'),
    kind: z.enum(['app', 'build', 'predeploy', 'kapal']).describe('Who printed it.'),
    instance: z.string().nullable().describe('The instance that printed it.'),
    release: z.number().int().nullable().describe('The release that printed it.'),
    text: z.string().describe('The line, without its end. Values of variables are masked.'),
  })
  .meta({ id: 'LogLine' });

export const eventSchema = z
  .object({
    sequence: z.number().int().describe('Grows with every event; the id of the event when followed.'),
    time: moment('When it happened.'),
    kind: z.string().describe('What happened, as a stable word.'),
    project: z.string().nullable().describe('The project that it concerns.'),
    environment: z.string().nullable().describe('The environment that it concerns.'),
    service: z.string().nullable().describe('The service that it concerns.'),
    message: z.string().describe('For people.'),
  })
  .meta({ id: 'Event' });

export const statusSchema = z
  .object({
    version: z.string().describe("Kapal's version."),
    pid: z.number().int().describe("The daemon's process."),
    startedAt: moment('When the daemon started.'),
    ready: z.boolean().describe('Everything that it owns has been observed since its start.'),
    data: z.string().describe('The data folder.'),
    http: z.string().describe('host:port at which visitors reach the edge.'),
    https: z.string().nullable().describe('host:port of HTTPS; null where it is not served.'),
    api: z.string().describe('host:port of this API.'),
    socket: z.string().describe('Path of the Unix socket of this API.'),
    domain: z.string().describe('Services without domains answer below it.'),
    edge: z
      .object({
        engine: z.string().describe('What answers visitors.'),
        why: z.string().describe('Why this engine.'),
        workers: z
          .array(z.object({ pid: z.number().int(), residentBytes: z.number().describe('Bytes of memory.') }))
          .describe('Its processes.'),
      })
      .describe('The edge.'),
    runtime: z
      .object({
        engine: z.string().describe('What runs instances.'),
        why: z.string().describe('Why this engine.'),
        notes: z.array(z.string()).describe('What this machine does not allow, in whole sentences.'),
      })
      .describe('The runtime.'),
    residentBytes: z.number().describe('Memory of the daemon in bytes.'),
    disk: z
      .object({
        freeBytes: z.number().describe('Bytes that can still be written.'),
        totalBytes: z.number().describe('Size of the file system in bytes.'),
        state: z.enum(diskStates).describe('What is given up for want of room.'),
        problem: z.string().nullable().describe('For people; null while there is plenty.'),
      })
      .describe('The disk of the data folder.'),
  })
  .meta({ id: 'Status' });

export const rollbackRequestSchema = z
  .object({
    release: z.number().int().min(1).nullable().describe('null: the live release before the current one.'),
  })
  .meta({ id: 'RollbackRequest' });

export const scaleRequestSchema = z
  .object({ instances: z.number().int().min(0).max(1_000).describe('Instances that should run.') })
  .meta({ id: 'ScaleRequest' });

export const variableChangesSchema = z
  .object({
    changes: z
      .record(
        z.string(),
        z
          .string()
          .max(128 * 1024)
          .nullable(),
      )
      .describe('Values by name; null unsets. A value has at most 128 KiB.'),
  })
  .meta({ id: 'VariableChanges' });

export const variablesChangedSchema = z
  .object({
    operation: operationSchema.nullable().describe('null: nothing to roll out, the service has no release yet.'),
  })
  .meta({ id: 'VariablesChanged' });

export const shutdownRequestSchema = z
  .object({ apps: z.boolean().describe('Everything that the daemon runs ends too, the edge last.') })
  .meta({ id: 'ShutdownRequest' });

export const edgeConfigSchema = z
  .object({ text: z.string().describe('The configuration that the edge runs, for people.') })
  .meta({ id: 'EdgeConfig' });

export const edgeCheckSchema = z
  .object({
    problems: z.array(z.string()).describe('What is wrong with the next configuration; empty when it is sound.'),
  })
  .meta({ id: 'EdgeCheck' });

export const garbageRequestSchema = z
  .object({ dryRun: z.boolean().describe('true: nothing is deleted.') })
  .meta({ id: 'GarbageRequest' });

const garbageItemSchema = z
  .object({
    kind: z
      .enum(garbageKinds)
      .describe(
        'The folder of a release; a source as it was sent or fetched; the cache of a git remote; a program that was brought for builds; a cache that builds of a service filled; what is left of a fetch or a removal that was cut short.',
      ),
    path: z.string().describe('The folder.'),
    why: z.string().describe('Why nothing needs it.'),
    bytes: z.number().int().min(0).nullable().describe('null where they could not be counted in time.'),
  })
  .meta({ id: 'GarbageItem' });

export const garbageSchema = z
  .object({
    dryRun: z.boolean().describe('Nothing was deleted.'),
    bytes: count('Of all that was deleted, or would be.'),
    items: z.array(garbageItemSchema).describe('What was deleted, or would be.'),
  })
  .meta({ id: 'Garbage', description: 'kapal gc --json.' });
