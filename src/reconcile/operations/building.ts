import { join } from 'node:path';
import { crashpoint } from '../../lib/crashpoint.ts';
import type { BuildPlan, BuildRequest } from '../../build/port.ts';
import { buildFailureHint } from '../../build/failure-causes.ts';
import { buildScript } from '../../build/script.ts';
import type { Artifact } from '../../model/deploy.ts';
import { describeExit, type Exit } from '../../model/instance.ts';
import { KapalError } from '../../model/errors.ts';
import { type ServiceId, serviceId } from '../../model/service.ts';
import type { RunHandle, RunSpec, ServiceAccount } from '../../runtime/port.ts';
import type { DeclarationFiles } from '../../spec/files.ts';
import { buildRecipe } from '../../spec/language/build.ts';
import { defaults, type ServiceSpec } from '../../spec/spec.ts';
import type { Dependencies } from '../dependencies.ts';
import { declared, masksOf } from '../launching.ts';
import { exitOf } from '../waiting.ts';
import { attachDisk, keptText } from '../disks.ts';
import type { Candidate } from './acknowledge.ts';
import { BuildDisk } from './build-disk.ts';

export interface BuildInput {
  readonly candidate: Candidate;
  readonly artifact: string;
  readonly digest: string;
  /** The run of a build that an earlier daemon began; its folder holds what it did so far. */
  readonly adopt: RunHandle | null;
  readonly signal: AbortSignal;
  /** The run has begun: its handle must be durable before anything else happens. */
  readonly began: (handle: RunHandle) => void;
  readonly line: (text: string) => void;
}

/** Milliseconds that a build gets to end by itself after SIGTERM. */
const killGrace = 5_000;

/** Lines that an error quotes, and those before them in which its cause is looked for: package managers print their whole manual after it. */
const shownLines = 30;
const searchedLines = 1_000;

/** The id of the run that builds an artifact. */
export function buildRunOf(artifact: string): string {
  return `build-${artifact}`;
}

/**
 * Turns a source into an artifact in a folder of its own. A failed, timed-out or cancelled build leaves no folder and no process; whatever runs is left as it was.
 */
export async function build(needs: Dependencies, input: BuildInput): Promise<Artifact> {
  const service = serviceId(input.candidate.key);
  const folder = needs.artifacts.folder(service, input.artifact);
  try {
    const account = await needs.runtime.prepare(service);
    const request = requestOf(input, { folder, account, files: await needs.sources.files(input.digest) });
    const begun =
      input.adopt === null ? await begin(needs, { ...input, request }) : { handle: input.adopt, plan: null };
    if (begun.handle !== null)
      await finish(needs, { ...input, service, handle: begun.handle, folders: [folder, account.home] });
    // What an earlier daemon planned is planned again, the same: its tools are there by now.
    const { runtime } = begun.plan ?? (await needs.builder.plan(request));
    crashpoint('build.ended');
    await attachDisk(needs, { service, spec: input.candidate.spec, artifact: folder, account });
    const { disk } = input.candidate.spec;
    if (disk?.shared === true) input.line(keptText(disk));
    await checkPublished(needs, input.candidate.spec, folder);
    await needs.artifacts.sync(folder);
    crashpoint('build.stored');
    await needs.artifacts.protect(folder, input.candidate.spec.type === 'static' ? 'edge' : 'service');
    return { id: input.artifact, kind: 'folder', path: folder, runtime };
  } catch (error) {
    await needs.artifacts.remove(folder);
    throw error;
  }
}

/**
 * What a static service publishes has to be there, and inside its artifact: the edge serves all that lies below it, and may read what the service may
 * not (the access logs of others). The build has ended, so nobody can put a link in its place any more.
 */
async function checkPublished(needs: Dependencies, spec: ServiceSpec, folder: string): Promise<void> {
  if (spec.type !== 'static') return;
  const path = join(spec.rootDir, spec.publishPath ?? '.');
  if (await needs.artifacts.hasFolder(folder, path)) return;
  throw new KapalError('build_failed', `${spec.name} has no folder ${path} to publish after its build`, {
    hint: 'staticPublishPath names the folder that is served, inside rootDir; a link may not lead out of the release.',
  });
}

function requestOf(
  { candidate, artifact }: BuildInput,
  at: { folder: string; account: ServiceAccount; files: DeclarationFiles },
): BuildRequest {
  return {
    id: buildRunOf(artifact),
    service: serviceId(candidate.key),
    folder: at.folder,
    rootDir: candidate.spec.rootDir,
    recipe: buildRecipe(at.files, candidate.spec),
    variables: declared(candidate.resolved),
    account: at.account,
  };
}

/** Copies the source and starts the build's one run; no handle where there is nothing to run. */
async function begin(
  needs: Dependencies,
  input: BuildInput & { readonly request: BuildRequest },
): Promise<{ readonly handle: RunHandle | null; readonly plan: BuildPlan }> {
  const { candidate, request } = input;
  const { account, folder, service } = request;
  await needs.artifacts.remove(folder);
  const owner = account.uid === null || account.gid === null ? null : { uid: account.uid, gid: account.gid };
  await needs.sources.copyTo(input.digest, folder, owner);
  crashpoint('build.source.copied');
  const plan = await needs.builder.plan(request);
  for (const tool of plan.tools) input.line(`using ${tool}`);
  for (const { isWarning, text } of plan.notes) input.line(isWarning ? `warning: ${text}` : text);
  if (plan.steps.length === 0) return { handle: null, plan };
  const run: RunSpec = {
    id: request.id,
    service,
    directory: join(folder, candidate.spec.rootDir),
    command: buildScript(plan.steps),
    environment: {
      ...account.environment,
      ...plan.environment,
      ...request.variables,
      KAPAL_SERVICE: candidate.spec.name,
    },
    port: null,
    memoryLimit: candidate.spec.build.memoryLimit ?? needs.settings.buildMemory,
    // ioprio_set(2): without a class of its own, the priority of its reads and writes follows from this.
    niceness: 10,
    processLimit: candidate.spec.build.processLimit ?? defaults.buildProcesses,
  };
  input.signal.throwIfAborted();
  const handle = await needs.runtime.start(run);
  crashpoint('build.started');
  try {
    input.began(handle);
  } catch (error) {
    // Nobody would own a run that is not on record.
    await needs.runtime.dispose(handle);
    throw error;
  }
  crashpoint('build.run.recorded');
  return { handle, plan };
}

async function finish(
  needs: Dependencies,
  input: BuildInput & { service: ServiceId; handle: RunHandle; folders: readonly string[] },
): Promise<void> {
  const { handle, candidate, service, folders } = input;
  const source = {
    path: handle.log,
    run: handle.id,
    service,
    kind: 'build',
    instance: null,
    release: null,
    masks: masksOf(candidate.resolved),
  } as const;
  await needs.logs.attach(source);
  using _lines = relayLines(needs, { run: handle.id, service, line: input.line });
  const limit = candidate.spec.build.diskLimit ?? null;
  using disk = new BuildDisk(needs, { name: candidate.spec.name, handle, folders, limit });
  const ended = await exitOf(needs, {
    handle,
    timeout: candidate.spec.build.timeout,
    grace: killGrace,
    signal: AbortSignal.any([input.signal, disk.signal]),
  });
  await needs.logs.detach(handle.id);
  await needs.runtime.dispose(handle);
  crashpoint('build.run.disposed');
  if (disk.signal.aborted) throw abortReason(disk.signal);
  if (ended.by === 'abort') throw abortReason(input.signal);
  const last = (await needs.logs.query({ run: handle.id, limit: searchedLines })).map((line) => line.text);
  const tail = last.slice(-shownLines);
  for (const text of await rest(needs, handle.id, _lines.seen())) input.line(text);
  if (ended.by === 'timeout') {
    throw new KapalError(
      'build_timeout',
      `the build of ${candidate.spec.name} did not end within ${candidate.spec.build.timeout / 1000} s`,
      {
        hint: 'Raise build.timeoutSeconds in kapal.yaml, or look for a command that waits for input or never ends.',
        log: tail,
      },
    );
  }
  if (ended.exit.code !== 0)
    throw buildFailed(candidate, { exit: ended.exit, log: tail, cause: buildFailureHint(last) });
}

function buildFailed(
  candidate: Candidate,
  { exit, log, cause }: { readonly exit: Exit; readonly log: readonly string[]; readonly cause: string | null },
): KapalError {
  const command = candidate.spec.commands.build;
  return new KapalError(
    'build_failed',
    `the build of ${candidate.spec.name} ${describeExit(exit)}${command === null ? '' : ` (buildCommand: ${command})`}`,
    {
      hint:
        exit.reason === 'out-of-memory'
          ? 'Raise build.memoryLimit in kapal.yaml.'
          : (cause ?? `The last lines are above; all of them: kapal logs ${candidate.spec.name}`),
      log,
    },
  );
}

export function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new KapalError('cancelled', 'the deploy was cancelled');
}

/** Hands the run's lines on as they are stored. */
function relayLines(
  needs: Dependencies,
  input: { run: string; service: ServiceId; line: (text: string) => void },
): Disposable & { seen(): number } {
  let after = 0;
  let reading: Promise<void> | null = null;
  let again = false;
  const read = async (): Promise<void> => {
    do {
      again = false;
      const lines = await needs.logs.query({ run: input.run, after, limit: 500 });
      for (const line of lines.filter((one) => one.sequence > after)) {
        after = line.sequence;
        input.line(line.text);
      }
    } while (again);
  };
  const watching = needs.logs.watch(input.service, () => {
    again = true;
    reading ??= read()
      .catch((error: unknown) => needs.log.warn({ err: error, run: input.run }, 'cannot follow the build log'))
      .finally(() => {
        reading = null;
      });
  });
  return { [Symbol.dispose]: () => watching[Symbol.dispose](), seen: () => after };
}

async function rest(needs: Dependencies, run: string, after: number): Promise<string[]> {
  return (await needs.logs.query({ run, after, limit: 500 })).map((line) => line.text);
}
