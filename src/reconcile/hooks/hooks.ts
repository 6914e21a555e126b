import type { HookAdded, HookAnswer, HookDocument, HookRequest } from '../../api/contract/hook-types.ts';
import { paths } from '../../api/contract/paths.ts';
import { crashpoint } from '../../lib/crashpoint.ts';
import { isBranchName } from '../../lib/tree/branch-name.ts';
import { shown } from '../../lib/tree/tree-error.ts';
import { Turns } from '../../lib/turns.ts';
import { errorDocument, KapalError } from '../../model/errors.ts';
import { isName } from '../../model/names.ts';
import { serviceId } from '../../model/service.ts';
import { isTouched } from '../../plan/touched.ts';
import { parseGitUrl } from '../../source/git-url.ts';
import type { Spec } from '../../spec/spec.ts';
import type { HookRow } from '../../state/records.ts';
import type { Dependencies } from '../dependencies.ts';
import { newId } from '../ids.ts';
import type { Deploys } from '../operations/deploys.ts';
import { eventOf } from './event.ts';
import { openHook, sealHook } from './sealed.ts';
import { type Head, isSigned, marksOf } from './signature.ts';

/** What the API asks of hooks. */
export type HookCommands = Pick<Hooks, 'list' | 'add' | 'remove' | 'isKnown' | 'receive'>;

/** Milliseconds after the first failure in a row; twice as long after each further one, up to the longest. */
const backoff = { first: 15_000, longest: 3_600_000 };
/** A share of the time between two looks, so that remotes are not all asked at one moment. */
const jitter = 0.1;
/** Milliseconds for one look. */
const lookTime = 10 * 60_000;

/**
 * Remotes whose pushes are deployed. A delivery says only that a remote is to be looked at, and is on record before it is answered; what is deployed is what
 * the branch is at when it is fetched. A remote that cannot call is due by the clock.
 *
 *   waiting --delivery | poll--> due --fetched, nothing new--> waiting
 *   due --fetched, deploy acknowledged--> waiting        due --remote fails--> due later (back-off)
 */
export class Hooks {
  readonly #needs: Dependencies;
  readonly #deploys: Pick<Deploys, 'deployCommit'>;
  readonly #turns = new Turns();
  readonly #timers = new Map<string, Disposable>();
  readonly #closing = new AbortController();

  constructor(parts: { readonly needs: Dependencies; readonly deploys: Pick<Deploys, 'deployCommit'> }) {
    this.#needs = parts.needs;
    this.#deploys = parts.deploys;
  }

  begin(): void {
    for (const row of this.#needs.store.hooks.all()) this.#schedule(row);
  }

  close(): void {
    this.#closing.abort(new Error('the daemon ends'));
    for (const timer of this.#timers.values()) timer[Symbol.dispose]();
    this.#timers.clear();
  }

  list(): HookDocument[] {
    return this.#needs.store.hooks.all().map(documentOf);
  }

  isKnown(id: string): boolean {
    return this.#needs.store.hooks.get(id) !== null;
  }

  /** A remote that is polled is looked at when its hook is added: what it is at then is deployed. */
  async add(request: HookRequest): Promise<HookAdded> {
    const { store, random, clock, sources } = this.#needs;
    const remote = checked(request);
    const { project, environment, provider, branch, pollSeconds } = request;
    const id = newId('hook', random, 20);
    const key = remote.isSsh ? await sources.makeKey(`kapal-${project}`) : null;
    const secret = provider === 'none' ? null : secretOf(provider, random.bytes(32));
    const sealed = { url: request.url, secret: secret ?? '', privateKey: key?.privateKey ?? null };
    const row: HookRow = {
      id,
      project,
      environment,
      provider,
      url: remote.shown,
      branch,
      poll: pollSeconds === null ? null : pollSeconds * 1_000,
      sealed: sealHook(this.#needs, id, sealed),
      publicKey: key?.publicKey ?? null,
      dueAt: pollSeconds === null ? null : clock.now(),
      seen: null,
      failures: 0,
      problem: null,
      createdAt: clock.now(),
    };
    store.hooks.put(row);
    crashpoint('hook.added');
    this.#schedule(row);
    return { hook: documentOf(row), secret };
  }

  remove(id: string): void {
    if (!this.#needs.store.hooks.remove(id)) throw unknown(id);
    crashpoint('hook.removed');
    this.#timers.get(id)?.[Symbol.dispose]();
    this.#timers.delete(id);
  }

  /** With its project a hook goes too. Whether there was one. */
  forget(project: string): boolean {
    const rows = this.#needs.store.hooks.all().filter((row) => row.project === project);
    for (const { id } of rows) this.remove(id);
    return rows.length > 0;
  }

  /** What a provider says. Throws `unauthorized` for a wrong signature, `conflict` for a delivery that was taken before. */
  receive(id: string, { head, body }: { readonly head: Head; readonly body: Uint8Array }): HookAnswer {
    const { store, clock } = this.#needs;
    const row = store.hooks.get(id);
    if (row === null) throw unknown(id);
    const { provider, branch } = row;
    const now = clock.now();
    if (!isSigned({ provider, secret: openHook(this.#needs, row).secret, head, body, now }))
      throw new KapalError('unauthorized', 'the delivery is not signed with the secret of this hook', {
        hint: 'kapal hook add prints the secret once; a new hook has a new one.',
      });
    const event = eventOf(provider, head, body);
    if (event.kind === 'ping') return { accepted: false, message: 'the hook is reached, and its secret is right' };
    if (event.kind === 'other') return { accepted: false, message: 'only pushes deploy' };
    if (event.branches.length === 0 || (branch !== null && !event.branches.includes(branch)))
      return { accepted: false, message: `only pushes of ${branch ?? 'a branch'} deploy` };
    store.transaction(() => {
      if (!store.hooks.take(id, marksOf({ provider, head, body }), now))
        throw new KapalError('conflict', 'this delivery was taken before');
      store.hooks.put({ ...row, dueAt: now, failures: 0 });
    });
    crashpoint('hook.delivered');
    this.#schedule({ ...row, dueAt: now });
    return { accepted: true, message: 'the remote is looked at' };
  }

  #schedule({ id, dueAt }: Pick<HookRow, 'id' | 'dueAt'>): void {
    this.#timers.get(id)?.[Symbol.dispose]();
    this.#timers.delete(id);
    if (dueAt === null || this.#closing.signal.aborted) return;
    const { clock } = this.#needs;
    // The machine's clock may have been set back: nothing waits longer than a day.
    const wait = Math.min(Math.max(0, dueAt - clock.now()), 86_400_000);
    this.#timers.set(
      id,
      clock.after(wait, () => void this.#turns.take(id, () => this.#look(id))),
    );
  }

  /** Never rejects. */
  async #look(id: string): Promise<void> {
    const { store, clock, log } = this.#needs;
    const row = store.hooks.get(id);
    if (row === null || row.dueAt === null || this.#closing.signal.aborted) return;
    if (row.dueAt > clock.now()) return this.#schedule(row);
    try {
      const at = { seen: row.seen };
      await this.#deploy(row, at).catch((error: unknown) => this.#failed({ ...row, ...at }, error));
    } catch (error) {
      // On a full disk what is due stays due.
      log.warn({ err: error, hook: id }, 'a look at a remote could not be recorded');
    }
    const now = store.hooks.get(id);
    if (now !== null) this.#schedule(now.dueAt === row.dueAt ? { id, dueAt: clock.now() + backoff.first } : now);
  }

  /** `at` is told which commit was fetched. */
  async #deploy(row: HookRow, at: { seen: string | null }): Promise<void> {
    const { sources, clock } = this.#needs;
    const { url, privateKey } = openHook(this.#needs, row);
    const time = new AbortController();
    using _timeout = clock.after(lookTime, () => time.abort());
    const signal = AbortSignal.any([time.signal, this.#closing.signal]);
    const key = privateKey === null ? {} : { key: privateKey };
    const { record, notices } = await sources.fetch({ url, branch: row.branch, signal, ...key });
    const { commit, branch, author, subject, digest } = record;
    if (commit === null || commit === row.seen) return this.#settle(row, { seen: commit, problem: null });
    crashpoint('hook.fetched');
    at.seen = commit;
    const { project, environment } = row;
    const git = { commit, branch, author: author ?? '', subject: subject ?? '' };
    const source = { kind: 'commit', digest, url: row.url, git } as const;
    await this.#deploys.deployCommit(
      { project, environment, source },
      {
        notices,
        choose: (spec) => this.#touched(spec, row, { url, commit }),
        recorded: () => this.#settle(row, { seen: commit, problem: null }),
      },
    );
    crashpoint('hook.deployed');
  }

  /** The services that the commit changes, each against what runs of it. */
  async #touched(
    spec: Spec,
    row: HookRow,
    { url, commit }: { url: string; commit: string },
  ): Promise<readonly string[]> {
    const { store, sources } = this.#needs;
    const names: string[] = [];
    for (const service of spec.services) {
      const id = serviceId({ project: row.project, environment: row.environment, service: service.name });
      const current = store.services.get(id)?.current ?? null;
      const from = current === null ? null : (store.releases.get(id, current)?.source?.commit ?? null);
      const changed = from === null ? null : await sources.changes({ url, from, to: commit });
      if (isTouched(service, changed)) names.push(service.name);
    }
    return names;
  }

  /** What was asked for while this look went on stays asked for. */
  #settle(row: HookRow, seen: Pick<HookRow, 'seen' | 'problem'>): void {
    const { store, clock, random } = this.#needs;
    const now = store.hooks.get(row.id);
    if (now === null) return;
    const next = row.poll === null ? null : clock.now() + row.poll * (1 - jitter + 2 * jitter * random.fraction());
    const dueAt = now.dueAt === row.dueAt ? (next === null ? null : Math.round(next)) : now.dueAt;
    store.hooks.put({ ...now, ...seen, dueAt, failures: 0 });
  }

  /** A remote that fails is asked again, later and later. What its commit says wrongly stays so until the next one. */
  #failed(row: HookRow, error: unknown): void {
    const { store, clock, log } = this.#needs;
    if (this.#closing.signal.aborted) return;
    if (!(error instanceof KapalError)) log.error({ err: error, hook: row.id }, 'a look at a remote failed by a fault');
    const { code, message } = errorDocument(error);
    const passes = ['source_failed', 'disk_full', 'disk_failed', 'internal', 'conflict'].includes(code);
    const now = store.hooks.get(row.id);
    if (now === null) return;
    store.transaction(() => {
      if (passes) {
        const failures = row.failures + 1;
        const wait = Math.min(backoff.longest, backoff.first * 2 ** Math.min(failures - 1, 20));
        store.hooks.put({
          ...now,
          failures,
          problem: message,
          dueAt: Math.round(clock.now() + Math.max(wait, row.poll ?? 0)),
        });
      } else this.#settle(row, { seen: row.seen, problem: message });
      if (row.problem !== message)
        store.events.append({
          time: clock.now(),
          kind: 'hook.failed',
          service: null,
          project: row.project,
          message: `${row.url}: ${message}`,
        });
    });
  }
}

function checked(request: HookRequest): { readonly shown: string; readonly isSsh: boolean } {
  const { project, environment, provider, branch, pollSeconds, url } = request;
  for (const [what, name] of Object.entries({ project, environment }))
    if (!isName(name)) throw new KapalError('name_invalid', `${what} ${shown(name)} is not a valid name`);
  if (branch !== null && !isBranchName(branch))
    throw new KapalError('usage', `${shown(branch)} cannot be the name of a branch`);
  if ((provider === 'none') !== (pollSeconds !== null))
    throw new KapalError('usage', 'a remote either calls, or is polled: name its provider, or the seconds');
  const remote = parseGitUrl(url);
  return { shown: remote.shown, isSsh: !/^(?:https?|git):\/\//i.test(remote.shown) };
}

/** GitLab's own form where it signs: `whsec_` and a key in base64 (Standard Webhooks); it is the token where it does not. */
function secretOf(provider: HookRequest['provider'], bytes: Uint8Array): string {
  const key = Buffer.from(bytes);
  return provider === 'gitlab' ? `whsec_${key.toString('base64')}` : key.toString('base64url');
}

function unknown(id: string): KapalError {
  return new KapalError('not_found', `there is no hook ${shown(id)}`, { hint: 'See them: kapal hook list' });
}

function documentOf(row: HookRow): HookDocument {
  const { id, project, environment, provider, url, branch, poll, publicKey, seen, problem, dueAt } = row;
  return {
    id,
    project,
    environment,
    provider,
    url,
    branch,
    pollSeconds: poll === null ? null : poll / 1_000,
    path: provider === 'none' ? null : paths.called(id),
    publicKey,
    commit: seen,
    problem,
    nextLook: dueAt === null ? null : new Date(dueAt).toISOString(),
  };
}
