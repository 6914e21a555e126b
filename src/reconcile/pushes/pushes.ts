import type { RepositoryChange, RepositoryDocument } from '../../api/contract/push-types.ts';
import { paths } from '../../api/contract/paths.ts';
import { crashpoint } from '../../lib/crashpoint.ts';
import { isBranchName } from '../../lib/tree/branch-name.ts';
import { shown } from '../../lib/tree/tree-error.ts';
import { Turns } from '../../lib/turns.ts';
import { errorDocument, KapalError } from '../../model/errors.ts';
import type { GitAnswer, GitRequest } from '../../source/http-backend.ts';
import type { PushedCommit } from '../../source/repositories.ts';
import type { RepositoryRow } from '../../state/records.ts';
import type { Dependencies } from '../dependencies.ts';
import type { DiskGuard } from '../disk-guard.ts';
import { newId } from '../ids.ts';
import type { Deploys } from '../operations/deploys.ts';
import type { Operations } from '../operations/operations.ts';
import { eventLines, failureLines, headline, resultLines, succeeded } from './lines.ts';
import { checkProject, documentOf } from './repository.ts';
import { type BranchUpdate, isNothing, readSaid, type Said } from './said.ts';

export interface PushParts {
  readonly needs: Dependencies;
  readonly operations: Pick<Operations, 'document' | 'follow'>;
  readonly deploys: Pick<Deploys, 'deployCommit'>;
  readonly disk: Pick<DiskGuard, 'room'>;
}

/** What the API asks of Kapal's own git. */
export type PushCommands = Pick<Pushes, 'serve' | 'receive' | 'list' | 'get' | 'change'>;

/** A push that git is taking at this moment. */
interface Push {
  readonly project: string;
  /** Its deploy was waited for, and succeeded, before its branch moved. */
  waited: boolean;
  /** Resolves when git has ended. */
  readonly ended: Promise<void>;
}

/** The branches that are deployed where none was chosen, the first that a push brings. */
const usual = ['main', 'master'] as const;
const environment = 'production';

/** The verdicts that our hook knows. No line of text is one: those begin with an arrow or a blank, or are notes. */
const [taken, refused] = ['=0', '=1'] as const;

/**
 * Kapal's own git. A push is stored by git itself, and then looked at: where the branch that is deployed is at another commit than the record says, that
 * commit is deployed. A daemon that died between the two does so when it begins.
 *
 *   pushed --pre-receive--> stored --post-receive--> looked at --> deployed
 *   pushed --pre-receive, waiting--> deployed --> stored --post-receive--> looked at      (refused where the deploy fails)
 */
export class Pushes {
  readonly #parts: PushParts;
  readonly #turns = new Turns();
  readonly #under = new Map<string, Push>();
  /** Pushes whose deploy went live while their branch has still to move. */
  readonly #settling = new Map<string, Promise<void>>();

  constructor(parts: PushParts) {
    this.#parts = parts;
  }

  /** Takes up what was pushed and not deployed. */
  async begin(): Promise<void> {
    const { store, repositories, log } = this.#parts.needs;
    const rows = store.repositories.all();
    await repositories.begin(new Set(rows.map(({ project }) => project)));
    for (const { project, branch } of rows) {
      if (branch !== null) await repositories.point(project, branch);
      this.#look(project).catch((error: unknown) =>
        log.warn({ err: error, project }, 'what was pushed could not be deployed'),
      );
    }
  }

  close(): void {
    this.#parts.needs.repositories.close();
  }

  /** Answers a request of git's smart HTTP. The first push makes the repository. */
  async serve(project: string, request: GitRequest): Promise<GitAnswer> {
    const { repositories, settings, random } = this.#parts.needs;
    checkProject(project);
    const receives = request.service === 'git-receive-pack';
    const room = receives ? await this.#parts.disk.room() : null;
    if (receives) await this.#turns.take(project, () => this.#make(project));
    else this.#row(project);
    const id = newId('push', random, 20);
    const ended = Promise.withResolvers<void>();
    if (receives && request.step === 'exchange') this.#under.set(id, { project, waited: false, ended: ended.promise });
    const daemon = { socket: settings.socket, path: paths.push(id) };
    try {
      const answer = await repositories.serve({ project, request, room, daemon });
      void answer.ended.finally(() => this.#end(id, ended.resolve));
      return answer;
    } catch (error) {
      this.#end(id, ended.resolve);
      throw error;
    }
  }

  /** What our hooks ask: lines for the pusher, each after a blank, and at the end the verdict, `=0` or `=1`. */
  async *receive(
    id: string,
    stage: 'pre-receive' | 'post-receive',
    { body, signal }: { readonly body: AsyncIterable<Uint8Array>; readonly signal: AbortSignal },
  ): AsyncGenerator<string, void> {
    const push = this.#under.get(id);
    if (push === undefined) throw new KapalError('not_found', 'the push is not known to this daemon: push again');
    const { branch } = this.#row(push.project);
    const steps = this.#steps({ push, stage, body, wanted: new Set(branch === null ? usual : [branch]), signal });
    for await (const text of steps) yield text === taken || text === refused ? text : ` ${text}`;
  }

  async *#steps(asked: {
    push: Push;
    stage: 'pre-receive' | 'post-receive';
    body: AsyncIterable<Uint8Array>;
    wanted: ReadonlySet<string>;
    signal: AbortSignal;
  }): AsyncGenerator<string, void> {
    const { push, stage, body, wanted, signal } = asked;
    try {
      const said = await readSaid(body, wanted);
      yield* stage === 'pre-receive' ? this.#before(push, said, signal) : this.#after(push, said, signal);
    } catch (error) {
      yield* this.#failed(push.project, error);
      yield refused;
    }
  }

  list(): RepositoryDocument[] {
    return this.#parts.needs.store.repositories.all().map(documentOf);
  }

  /** Of any project with a valid name: its repository is made when it is pushed to. */
  get(project: string): RepositoryDocument {
    checkProject(project);
    return documentOf(this.#parts.needs.store.repositories.get(project) ?? this.#newRow(project));
  }

  /** What a newly chosen branch is at already is not deployed: the next push of it is. */
  async change(project: string, change: RepositoryChange): Promise<RepositoryDocument> {
    checkProject(project);
    const { branch } = change;
    if (branch !== undefined && !isBranchName(branch))
      throw new KapalError('usage', `${shown(branch)} cannot be the name of a branch`);
    return this.#turns.take(project, async () => {
      const { store, repositories } = this.#parts.needs;
      const row = store.repositories.get(project) ?? this.#newRow(project);
      const moves = branch !== undefined && branch !== row.branch;
      const at = moves ? await repositories.commit(project, { branch }) : null;
      const next = { ...row, ...change, ...(moves ? { tip: at?.commit ?? null } : {}) };
      store.repositories.put(next);
      crashpoint('push.repository.changed');
      if (next.branch !== null) await repositories.point(project, next.branch);
      return documentOf(next);
    });
  }

  /** Whether there was one. */
  async forget(project: string): Promise<boolean> {
    const { store, repositories } = this.#parts.needs;
    return this.#turns.take(project, async () => {
      const there = store.repositories.get(project) !== null;
      store.repositories.remove(project);
      crashpoint('push.repository.forgotten');
      if (there) await repositories.remove(project);
      return there;
    });
  }

  /** Before anything is stored: refuses what is not understood, and deploys first where that was asked for. */
  async *#before(push: Push, said: Said, signal: AbortSignal): AsyncGenerator<string, void> {
    const unknown = said.options.filter((option) => option !== 'wait');
    if (unknown.length > 0) {
      yield headline(`there is no push option ${unknown.map(shown).join(', ')}; there is: -o wait`);
      yield refused;
      return;
    }
    const row = this.#row(push.project);
    const branch = row.branch ?? usual.find((name) => said.branches.has(name)) ?? null;
    const update = branch === null ? undefined : said.branches.get(branch);
    const waits = row.requireDeploy || said.options.includes('wait');
    const isDeployed = waits && branch !== null && update !== undefined && !isNothing(update.after);
    if (!isDeployed) yield taken;
    else yield* this.#deployFirst(push, { branch, update, said, signal });
  }

  async *#deployFirst(
    push: Push,
    pushed: { branch: string; update: BranchUpdate; said: Said; signal: AbortSignal },
  ): AsyncGenerator<string, void> {
    const { branch, update, said, signal } = pushed;
    const { repositories } = this.#parts.needs;
    // Of two pushes from the same commit one is refused by git, when both have been deployed: better before.
    await this.#settling.get(push.project);
    const now = await repositories.commit(push.project, { branch });
    if ((now?.commit ?? null) !== (isNothing(update.before) ? null : update.before)) {
      yield headline(`${branch} moved meanwhile: fetch it, then push again`);
      yield refused;
      return;
    }
    let ok = false;
    try {
      const operation = await this.#turns.take(push.project, async () => {
        const commit = await repositories.commit(push.project, { commit: update.after, quarantine: said.quarantine });
        return this.#begin(push.project, { branch, commit, moved: false });
      });
      if (operation !== null) ok = yield* this.#follow(operation, signal);
    } catch (error) {
      yield* this.#failed(push.project, error);
    }
    if (!ok) yield headline('the push is refused: what ran before goes on');
    push.waited = ok;
    if (ok) this.#settle(push);
    yield ok ? taken : refused;
  }

  /** What was pushed is stored. */
  async *#after(push: Push, said: Said, signal: AbortSignal): AsyncGenerator<string, void> {
    crashpoint('push.stored');
    const { project } = push;
    const branch = await this.#branchOf(this.#row(project));
    const rest = said.otherCount > said.others.length ? ', ...' : '';
    const others = `${said.others.map(shown).join(', ')}${rest}`;
    if (said.otherCount > 0 && branch !== null)
      yield headline(`stored and not deployed: ${others}; ${branch} is deployed`);
    if (branch === null) {
      yield headline(`stored and not deployed: ${others}`);
      yield `    Push main or master, or choose the branch: kapal git set ${project} --branch BRANCH`;
    }
    const update = branch === null ? undefined : said.branches.get(branch);
    if (update !== undefined) yield* this.#deployStored(push, { update, signal });
    yield taken;
  }

  async *#deployStored(
    push: Push,
    { update, signal }: { update: BranchUpdate; signal: AbortSignal },
  ): AsyncGenerator<string, void> {
    try {
      const begun = await this.#look(push.project);
      if (isNothing(update.after)) {
        yield headline('the branch was deleted: what runs goes on');
        return;
      }
      if (begun === null && push.waited) return;
      // Of two pushes at once, one looks for both.
      const operation = begun ?? this.#row(push.project).operation;
      if (operation === null) return;
      const ok = yield* this.#follow(operation, signal);
      if (!ok) yield headline('deploy failed: the commit is stored, and what ran before goes on');
    } catch (error) {
      yield* this.#failed(push.project, error);
    }
  }

  async *#follow(operation: string, signal: AbortSignal): AsyncGenerator<string, boolean> {
    const { operations } = this.#parts;
    yield headline(`deploying, operation ${operation}`);
    let told = false;
    for await (const event of operations.follow(operation, signal)) {
      yield* eventLines(event);
      told ||= event.kind === 'service';
      // One that had ended before it could be followed says nothing but its end.
      if (event.kind === 'finished' && !told) yield* resultLines(event.operation);
    }
    const document = operations.document(operation);
    return document.state === 'finished' && succeeded(document);
  }

  *#failed(project: string, error: unknown): Generator<string> {
    const { log } = this.#parts.needs;
    if (!(error instanceof KapalError)) log.error({ err: error, project }, 'a push could not be deployed by a fault');
    yield* failureLines(errorDocument(error));
  }

  /** Deploys what the branch is at where nobody has; answers the operation, or null. */
  #look(project: string): Promise<string | null> {
    const { store, repositories } = this.#parts.needs;
    return this.#turns.take(project, async () => {
      const row = store.repositories.get(project);
      const branch = row === null ? null : await this.#branchOf(row);
      if (row === null || branch === null) return null;
      const commit = await repositories.commit(project, { branch });
      const tip = commit?.commit ?? null;
      if (tip === row.tip) return null;
      if (commit !== null && !this.#isDeployed(row, commit.commit))
        return this.#begin(project, { branch, commit, moved: true });
      this.#note(project, { tip });
      return null;
    });
  }

  /** Whether a push that waited has deployed the commit, or does: one that failed is tried again when it is stored all the same. */
  #isDeployed({ deployed, operation }: RepositoryRow, commit: string): boolean {
    const { operations, needs } = this.#parts;
    if (deployed !== commit || operation === null || needs.store.operations.get(operation) === null) return false;
    const document = operations.document(operation);
    return document.state === 'running' || succeeded(document);
  }

  /** `moved`: the branch is at the commit. What cannot be deployed by its own fault has been looked at too, and is not tried again. */
  async #begin(
    project: string,
    { branch, commit, moved }: { branch: string; commit: PushedCommit | null; moved: boolean },
  ): Promise<string | null> {
    if (commit === null) throw new KapalError('source_failed', `there is no commit at ${branch}`);
    const { sources } = this.#parts.needs;
    const tip = moved ? { tip: commit.commit } : {};
    try {
      const { record, notices } = await sources.keep(commit, branch);
      crashpoint('push.kept');
      const git = { commit: commit.commit, branch, author: commit.author, subject: commit.subject };
      const source = { kind: 'commit', digest: record.digest, url: null, git } as const;
      const recorded = (operation: string | null) =>
        this.#note(project, { ...tip, deployed: commit.commit, operation });
      const begun = await this.#parts.deploys.deployCommit({ project, environment, source }, { notices, recorded });
      return begun?.id ?? null;
    } catch (error) {
      if (error instanceof KapalError && !isOfDisk(error)) this.#note(project, tip);
      throw error;
    }
  }

  /** A project that is being removed has no row to change any more. */
  #note(project: string, change: Partial<RepositoryRow>): void {
    const { repositories } = this.#parts.needs.store;
    const row = repositories.get(project);
    if (row !== null) repositories.put({ ...row, ...change });
  }

  async #make(project: string): Promise<void> {
    const { store, repositories } = this.#parts.needs;
    if (store.repositories.get(project) === null) store.repositories.put(this.#newRow(project));
    crashpoint('push.repository.named');
    await repositories.make(project);
  }

  /** The first push of main or master says which branch is deployed from then on. */
  async #branchOf({ project, branch }: Pick<RepositoryRow, 'project' | 'branch'>): Promise<string | null> {
    if (branch !== null) return branch;
    const { repositories } = this.#parts.needs;
    for (const name of usual) {
      if ((await repositories.commit(project, { branch: name })) === null) continue;
      this.#note(project, { branch: name });
      crashpoint('push.branch.chosen');
      await repositories.point(project, name);
      return name;
    }
    return null;
  }

  #settle(push: Push): void {
    this.#settling.set(push.project, push.ended);
    void push.ended.then(() => {
      if (this.#settling.get(push.project) === push.ended) this.#settling.delete(push.project);
    });
  }

  #end(id: string, resolve: () => void): void {
    const push = this.#under.get(id);
    this.#under.delete(id);
    resolve();
    if (push === undefined) return;
    const { project } = push;
    void this.#tidy(project, ![...this.#under.values()].some((other) => other.project === project));
  }

  async #tidy(project: string, isLast: boolean): Promise<void> {
    const { repositories, log } = this.#parts.needs;
    const cleared = isLast ? repositories.clear(project) : Promise.resolve();
    await cleared
      .then(() => repositories.tidy(project))
      .catch((error: unknown) =>
        log.warn({ err: error, project }, 'a repository could not be tidied; the next push tries'),
      );
  }

  #row(project: string): RepositoryRow {
    const row = this.#parts.needs.store.repositories.get(project);
    if (row !== null) return row;
    throw new KapalError('not_found', `nothing has been pushed to ${project} yet`, {
      hint: `Push to it first: kapal git url ${project}`,
    });
  }

  #newRow(project: string): RepositoryRow {
    const createdAt = this.#parts.needs.clock.now();
    return { project, branch: null, requireDeploy: false, tip: null, deployed: null, operation: null, createdAt };
  }
}

function isOfDisk({ code }: KapalError): boolean {
  return code === 'disk_full' || code === 'disk_failed';
}
