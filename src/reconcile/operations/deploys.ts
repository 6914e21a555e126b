import type { DeployRequest, OperationDocument, PlanDocument } from '../../api/contract/types.ts';
import { crashpoint } from '../../lib/crashpoint.ts';
import type { SourceRecord } from '../../model/deploy.ts';
import { KapalError } from '../../model/errors.ts';
import { isName } from '../../model/names.ts';
import { serviceId } from '../../model/service.ts';
import { readDeclaration } from '../../spec/read.ts';
import type { Spec } from '../../spec/spec.ts';
import type { OperationRow } from '../../state/records.ts';
import type { Dependencies } from '../dependencies.ts';
import { deployKeyOf } from '../hooks/sealed.ts';
import { admitDisks } from '../disks.ts';
import { admitPorts } from '../placing.ts';
import { newId } from '../ids.ts';
import type { CommitSource, DeployWork } from './deploy-work.ts';
import type { PortAllocator } from '../ports.ts';
import { type Candidate, candidates, newTask, operationRow, reservePrivatePorts } from './acknowledge.ts';
import { adoptLiveFields } from './live-fields.ts';
import type { Loops, Operations } from './operations.ts';
import { planDocument } from './planning.ts';
import { abandonTask, deployTask, resumeRollout } from './task.ts';
import { vanishedServices } from './vanished.ts';

export interface DeployParts {
  readonly needs: Dependencies;
  readonly operations: Operations;
  readonly loops: Loops;
  readonly privatePorts: PortAllocator;
  /** Throws `disk_full` while there is too little room to begin a build. */
  readonly admitBuild: () => Promise<void>;
}

export interface CommitDeploy {
  /** Whole sentences for the user. */
  readonly notices: readonly string[];
  /** Which of the declared services are deployed; all unless told. */
  readonly choose?: (spec: Spec) => Promise<readonly string[]>;
  /** Called within the step that makes the deploy durable; null where nothing is deployed. */
  readonly recorded: (operation: string | null) => void;
}

/** Milliseconds for a fetch from a remote. */
const fetchTimeout = 10 * 60_000;

/** Deploys: from a request to tasks, in one durable step, and again after a restart of the daemon. */
export class Deploys {
  readonly #parts: DeployParts;
  /** How long a tree took to arrive, for the deploy that uses it next. */
  readonly #arrivals = new Map<string, number>();

  constructor(parts: DeployParts) {
    this.#parts = parts;
  }

  async putSource(digest: string, tar: AsyncIterable<Uint8Array>): Promise<void> {
    const { clock, sources } = this.#parts.needs;
    const begun = clock.monotonic();
    await this.#parts.admitBuild();
    await sources.put(digest, tar);
    if (this.#arrivals.size > 100) this.#arrivals.clear();
    this.#arrivals.set(digest, clock.monotonic() - begun);
  }

  async deploy(request: DeployRequest): Promise<OperationDocument> {
    const { needs, operations } = this.#parts;
    checkNames(request);
    const repeated = request.idempotencyKey === undefined ? null : needs.store.operations.byKey(request.idempotencyKey);
    if (repeated !== null) return operations.document(repeated.id);
    await this.#parts.admitBuild();
    if (request.source.kind === 'git') return this.#deployRemote(request, request.source);
    const record = await this.#storedRecord(request);
    const spec = await this.#read(request, record);
    const id = newId('operation', needs.random);
    const row = operationRow(needs, {
      id,
      kind: 'deploy',
      at: { project: spec.project, environment: request.environment },
      request,
      idempotencyKey: request.idempotencyKey,
    });
    await this.#begin({ row, known: false, request, spec, source: record });
    return operations.document(id);
  }

  /** Deploys a tree that the daemon has taken itself; null where nothing of it is to be deployed. */
  async deployCommit(
    work: DeployWork & { readonly source: CommitSource },
    told: CommitDeploy,
  ): Promise<OperationDocument | null> {
    const { needs, operations } = this.#parts;
    await this.#parts.admitBuild();
    const record = await this.#storedRecord(work);
    const spec = await this.#read(work, record);
    const services = await told.choose?.(spec);
    if (services?.length === 0) {
      told.recorded(null);
      return null;
    }
    const request = services === undefined ? work : { ...work, services };
    const id = newId('operation', needs.random);
    const at = { project: spec.project, environment: work.environment };
    const row = operationRow(needs, { id, kind: 'deploy', at, request });
    await this.#begin({ row, known: false, request, spec, source: record, recorded: () => told.recorded(id) });
    for (const message of told.notices) operations.publish(id, { kind: 'notice', service: null, message });
    return operations.document(id);
  }

  async plan(request: DeployRequest): Promise<PlanDocument> {
    checkNames(request);
    const record =
      request.source.kind === 'git' ? (await this.#fetch(request.source)).record : await this.#storedRecord(request);
    const spec = await this.#read(request, record);
    await admitDisks(this.#parts.needs, spec);
    await admitPorts(this.#parts.needs, spec, request.environment);
    return planDocument(this.#parts.needs, { spec, request, digest: record.digest });
  }

  /** Goes on with a deploy that an earlier daemon acknowledged. */
  resume(row: OperationRow, request: DeployWork): void {
    const tasks = this.#parts.needs.store.operations.tasks(row.id);
    const undecided = tasks.filter(
      (task) => task.stage !== 'finished' && task.stage !== 'rollout' && task.cancel === 'no',
    );
    if (tasks.length > 0 && undecided.length === 0) this.#runOpen(row, null);
    else void this.#again(row, request);
  }

  /** The tasks of a known operation without its declaration: what is in rollout goes on, the rest is given up. */
  #runOpen(row: OperationRow, reason: unknown): void {
    const { needs, operations } = this.#parts;
    const open = needs.store.operations.tasks(row.id).filter((task) => task.stage !== 'finished');
    operations.run(
      row.id,
      open.map((task) => ({
        service: task.service,
        work: (context) =>
          task.stage === 'rollout' ? resumeRollout(context, task) : abandonTask(context, task, reason),
      })),
    );
  }

  async #again(row: OperationRow, request: DeployWork): Promise<void> {
    try {
      const source =
        request.source.kind === 'git' ? (await this.#fetch(request.source)).record : await this.#storedRecord(request);
      const spec = await this.#read(request, source);
      await this.#begin({ row, known: true, request, spec, source });
    } catch (error) {
      if (this.#parts.needs.store.operations.tasks(row.id).length === 0) this.#parts.operations.fail(row.id, error);
      else this.#runOpen(row, error);
    }
  }

  /** The acknowledgement comes before the fetch: a slow remote must not hold the request. */
  #deployRemote(request: DeployRequest, source: { url: string; branch: string | null }): OperationDocument {
    const { needs, operations } = this.#parts;
    const id = newId('operation', needs.random);
    const project = request.project ?? projectNameOf(request);
    const row = operationRow(needs, {
      id,
      kind: 'deploy',
      at: { project, environment: request.environment },
      request,
      idempotencyKey: request.idempotencyKey,
    });
    operations.acknowledge(row, []);
    crashpoint('deploy.acknowledged');
    operations.publish(id, {
      kind: 'stage',
      service: null,
      stage: 'source',
      message: `fetching ${redacted(source.url)}`,
    });
    void this.#again(row, request);
    return operations.document(id);
  }

  /** Names the services and their tasks in one transaction, then runs them. For a known operation (git, or resumed) only tasks that are missing are added. */
  async #begin(input: {
    row: OperationRow;
    known: boolean;
    request: DeployWork;
    spec: Spec;
    source: SourceRecord;
    /** Part of the step that makes it durable. */
    recorded?: () => void;
  }): Promise<void> {
    const { needs, operations, loops, privatePorts } = this.#parts;
    const { row, request, spec, source } = input;
    await admitDisks(needs, spec);
    await admitPorts(needs, spec, request.environment);
    const reserved = await reservePrivatePorts(needs, { spec, environment: request.environment, ports: privatePorts });
    const arrived = Math.round(this.#arrivals.get(source.digest) ?? 0);
    let found: Candidate[] = [];
    try {
      needs.store.transaction(() => {
        found = candidates(needs, { spec, request, digest: source.digest, privatePorts: reserved });
        const tasks = found.map((candidate) => newTask(row.id, serviceId(candidate.key), arrived));
        if (!input.known) operations.acknowledge(row, tasks);
        else
          this.#addTasks(
            row,
            tasks.map((task) => task.service),
            arrived,
          );
        for (const candidate of found) if (candidate.unchanged) this.#unchanged(row, candidate);
        if (request.prune === true)
          for (const service of vanishedServices(needs, spec, request))
            needs.store.services.update(service, { removing: true });
        input.recorded?.();
      });
    } finally {
      for (const port of reserved.values()) privatePorts.release(port);
    }
    crashpoint('deploy.recorded');
    for (const warning of spec.warnings)
      operations.publish(row.id, {
        kind: 'notice',
        service: null,
        message: `${warning.file}:${warning.line}:${warning.column}: ${warning.message}`,
      });
    for (const service of needs.store.services.all()) if (service.removing) loops.wake(service.id);
    this.#run(row, { found, spec, source, isFixed: request.source.kind !== 'git' });
  }

  #run(
    row: OperationRow,
    input: { found: readonly Candidate[]; spec: Spec; source: SourceRecord; isFixed: boolean },
  ): void {
    const { needs, operations, loops } = this.#parts;
    const open = new Map(
      needs.store.operations
        .tasks(row.id)
        .filter((task) => task.stage !== 'finished')
        .map((task) => [task.service, task]),
    );
    for (const candidate of input.found) if (candidate.unchanged) loops.wake(serviceId(candidate.key));
    if (open.size === 0) {
      operations.finish(row.id, null);
      return;
    }
    const works = input.found.flatMap((candidate) => {
      const task = open.get(serviceId(candidate.key));
      if (task === undefined) return [];
      const { spec, source, isFixed } = input;
      return [
        {
          service: task.service,
          work:
            task.stage === 'rollout'
              ? (context: Parameters<typeof resumeRollout>[0]) => resumeRollout(context, task)
              : (context: Parameters<typeof deployTask>[0]) =>
                  deployTask(context, { candidate, groups: spec.groups, source, isFixed }),
        },
      ];
    });
    operations.run(row.id, works);
  }

  #addTasks(row: OperationRow, services: readonly ReturnType<typeof serviceId>[], arrived: number): void {
    const { needs, operations } = this.#parts;
    const has = new Set(needs.store.operations.tasks(row.id).map((task) => task.service));
    for (const service of services) {
      if (has.has(service)) continue;
      // What was asked for while the remote was fetched is newer than this.
      const isOvertaken = needs.store.operations.isOvertaken(row.id, service);
      needs.store.operations.addTask({
        ...newTask(row.id, service, arrived),
        cancel: isOvertaken ? 'superseded' : 'no',
      });
      if (!isOvertaken) operations.supersede(service, row.id);
    }
  }

  #unchanged(row: OperationRow, candidate: Candidate): void {
    const { needs } = this.#parts;
    const service = serviceId(candidate.key);
    adoptLiveFields(needs, service, candidate.spec);
    const task = needs.store.operations.tasks(row.id).find((one) => one.service === service);
    if (task === undefined || task.stage === 'finished') return;
    const total = task.times.source + Math.max(0, needs.clock.now() - row.createdAt);
    needs.store.operations.updateTask(row.id, service, {
      stage: 'finished',
      outcome: 'unchanged',
      times: { ...task.times, total },
    });
  }

  async #storedRecord({ source }: Pick<DeployWork, 'source'>): Promise<SourceRecord> {
    if (source.kind === 'git') throw new KapalError('internal', 'a tree that is stored was expected');
    if (!(await this.#parts.needs.sources.has(source.digest))) {
      throw new KapalError('not_found', `the tree ${source.digest} was not sent`, {
        hint: 'Send it first: PUT /api/v1/sources/DIGEST',
      });
    }
    const { git } = source;
    return {
      kind: source.kind === 'folder' ? 'folder' : 'git',
      digest: source.digest,
      url: source.kind === 'folder' ? null : source.url,
      branch: git?.branch ?? null,
      commit: git?.commit ?? null,
      author: git?.author ?? null,
      subject: git?.subject ?? null,
    };
  }

  async #fetch(source: { url: string; branch: string | null }): ReturnType<Dependencies['sources']['fetch']> {
    const { clock, sources } = this.#parts.needs;
    const begun = clock.monotonic();
    const time = new AbortController();
    using _timeout = clock.after(fetchTimeout, () => time.abort());
    const key = deployKeyOf(this.#parts.needs, source.url);
    const fetched = await sources.fetch({ ...source, signal: time.signal, ...(key === null ? {} : { key }) });
    this.#arrivals.set(fetched.record.digest, clock.monotonic() - begun);
    return fetched;
  }

  async #read(request: DeployWork, record: SourceRecord): Promise<Spec> {
    const files = await this.#parts.needs.sources.files(record.digest);
    const told = { project: request.project, url: record.url ?? undefined, branch: record.branch ?? undefined };
    const known = Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
    return readDeclaration(files, { name: projectNameOf(request), ...known });
  }
}

function checkNames(request: DeployWork): void {
  for (const [what, name] of [
    ['project', request.project],
    ['environment', request.environment],
  ] as const) {
    if (name === undefined || isName(name)) continue;
    throw new KapalError('name_invalid', `${what} "${name}" is not a valid name`, {
      hint: 'Use lower-case letters, digits and inner dashes, 40 at most.',
    });
  }
}

/** The name that a source suggests for its project: its folder's, or the last part of its URL. */
function projectNameOf({ source, project }: Pick<DeployWork, 'source' | 'project'>): string {
  if (source.kind === 'folder') return source.name;
  const path = (source.url ?? project ?? 'app').replace(/\/+$/, '').replace(/\.git$/, '');
  return unescaped(path.split(/[/:]/).at(-1) ?? 'app');
}

/** `my shop` for `my%20shop`; what is no percent-encoding (RFC 3986, 2.1) stays as it is. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function redacted(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}
