import { crashpoint } from '../../lib/crashpoint.ts';
import { KapalError } from '../../model/errors.ts';
import type { ControlAnswer } from './control.ts';
import { type EntryDelta, type EntryState, deltaBetween, noEntries, wholeOf } from './entries.ts';
import { readState, writeState } from './state-file.ts';

export interface PublisherOptions {
  /** The file that nginx reads at its start. */
  readonly path: string;
  /** Hands a change to the running nginx. */
  readonly push: (delta: EntryDelta) => Promise<ControlAnswer>;
  /** For messages: `the route table`. */
  readonly subject: string;
  readonly dead: () => KapalError;
}

/**
 * Brings states of the entries to disk and then into the shared memory, one round at a time. States that are handed in during a round share the next one, of
 * which only the newest is written: a burst of changes costs two rounds. An older state never replaces a newer one.
 */
export class EntryPublisher {
  readonly #options: PublisherOptions;
  #newest: EntryState | null = null;
  /** What the file holds; null until it was read once. */
  #saved: EntryState | null = null;
  #running: Promise<void> = Promise.resolve();
  #queued: Promise<void> | null = null;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Resolves when this state, or a newer one, is on disk and served by every worker. */
  publish(state: EntryState): Promise<void> {
    if (this.#newest === null || state.version >= this.#newest.version) this.#newest = state;
    this.#queued ??= this.#begin();
    return this.#queued;
  }

  /** What nginx would start with now. A file that is damaged is worth nothing: the state at hand replaces it. */
  async saved(): Promise<EntryState> {
    this.#saved ??= await readState(this.#options.path).catch(() => noEntries);
    return this.#saved;
  }

  #begin(): Promise<void> {
    const round = this.#running.then(async () => {
      this.#queued = null;
      if (this.#newest !== null) await this.#bring(this.#newest);
    });
    this.#running = round.catch(() => undefined);
    return round;
  }

  async #bring(wanted: EntryState): Promise<void> {
    const before = await this.saved();
    const next = before.version > wanted.version ? before : wanted;
    const delta = deltaBetween(before, next);
    const changes = next.version !== before.version || Object.keys(delta.set).length + delta.delete.length > 0;
    if (changes) await this.#save(next);
    const refusal = await this.#push(delta, next);
    crashpoint('nginx.state.pushed');
    if (refusal === null) return;
    // What the shared memory has no room for must not meet nginx at its next start either.
    if (changes) await this.#save(before);
    this.#newest = before;
    throw refusal;
  }

  async #save(state: EntryState): Promise<void> {
    await writeState(this.#options.path, state);
    crashpoint('nginx.state.saved');
    this.#saved = state;
  }

  /** The change, or everything where nginx holds another state than the file did: it was started again, or an answer was lost. */
  async #push(delta: EntryDelta, next: EntryState): Promise<KapalError | null> {
    const first = await this.#options.push(delta);
    const answer = first.kind === 'answered' && first.status === 409 ? await this.#options.push(wholeOf(next)) : first;
    if (answer.kind !== 'answered') throw this.#options.dead();
    if (answer.status === 200) return null;
    if (answer.status === 507) return this.#full();
    throw new KapalError('edge_failed', `nginx did not take ${this.#options.subject} (${answer.status})`, {
      log: answer.body.split('\n').slice(0, 20),
    });
  }

  #full(): KapalError {
    return new KapalError('edge_failed', `The edge's shared memory has no room for ${this.#options.subject}`, {
      hint: 'What was served before is served on. Remove domains or services that are not needed any more, or serve some of them from another data folder.',
    });
  }
}
