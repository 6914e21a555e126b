import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { DeploySource, OperationDocument } from '../../src/api/contract/types.ts';
import { errorCode } from '../../src/lib/files.ts';
import { readFolder } from '../../src/lib/tree/list.ts';
import { packTree } from '../../src/lib/tree/pack.ts';
import { type Answer, askApi, type Asking } from '../e2e/api.ts';
import type { Install } from '../e2e/install.ts';
import { hang } from '../patience.ts';

/** An operation that a daemon said it has on record. */
export interface Acknowledged {
  readonly id: string;
  readonly kind: OperationDocument['kind'];
  /** How it ended, as the client was told; null until then. */
  end: string | null;
  /** Releases that its end names. */
  releases: readonly number[];
}

/** What was on record before a run. */
export interface Before {
  readonly operations: ReadonlySet<string>;
  readonly releases: readonly number[];
}

/** Milliseconds between two questions to a daemon that does not answer, or whose operation goes on. */
const pace = 40;

/** Milliseconds after which the client gives up: in one run several daemons may be killed, each of which has the time to start that is taken for a hang. */
const patience = 10 * hang;

/** A client that outlives daemons: asks until it is answered, follows what was acknowledged to its end, and keeps a history of what it was told. */
export class Client {
  /** All that was acknowledged, in order. */
  readonly history: Acknowledged[] = [];
  /** Commands of this run whose answer was lost after they had been sent: each may have had its effect, or not. */
  unanswered = 0;
  before: Before = { operations: new Set(), releases: [] };
  #from = 0;
  readonly #kapal: Install;

  constructor(kapal: Install) {
    this.#kapal = kapal;
  }

  /** Begins a run. */
  begin(before: Before): void {
    this.before = before;
    this.#from = this.history.length;
    this.unanswered = 0;
  }

  /** What this run was told of. */
  get told(): readonly Acknowledged[] {
    return this.history.slice(this.#from);
  }

  /** The answer of a daemon, whichever lives. */
  async ask(path: string, asking: Asking = {}): Promise<Answer> {
    const deadline = performance.now() + patience;
    for (;;) {
      try {
        return await askApi(this.#kapal.data, path, asking);
      } catch (error) {
        if (performance.now() > deadline) throw error;
        // Nobody had listened where the connection was refused.
        const unsent = ['ECONNREFUSED', 'ENOENT'].includes(errorCode(error) ?? '');
        if (!unsent && asking.method !== undefined) this.unanswered += 1;
      }
      await pause(pace);
    }
  }

  /** One delivery of Gitea's to a hook, however often it has to be made; answers the status. */
  async deliver({ hook, secret, port }: { hook: string; secret: string; port: number }): Promise<number> {
    const body = JSON.stringify({ ref: 'refs/heads/main', after: '1'.repeat(40), moment: randomUUID() });
    const headers = {
      'content-type': 'application/json',
      'x-gitea-event': 'push',
      'x-gitea-delivery': randomUUID(),
      'x-gitea-signature': createHmac('sha256', secret).update(body).digest('hex'),
    };
    const deadline = performance.now() + patience;
    for (;;) {
      try {
        const place = `http://127.0.0.1:${port}/hooks/${hook}`;
        return (await fetch(place, { method: 'POST', headers, body })).status;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        this.unanswered += 1;
      }
      await pause(pace);
    }
  }

  /** A command that begins an operation; answers how it ended. Throws where it is refused. */
  async operation(path: string, body?: unknown, method = 'POST'): Promise<OperationDocument> {
    return this.ended(await this.begun(path, body, method));
  }

  /** A command that begins an operation; answers its id once that is acknowledged. */
  async begun(path: string, body?: unknown, method = 'POST'): Promise<string> {
    const answer = await this.ask(path, { method, body });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    // The cast: the contract's answer, whose shape the API's own tests hold.
    const found = answer.body as OperationDocument | { readonly operation: OperationDocument };
    const { id, kind } = 'operation' in found ? found.operation : found;
    if (!this.history.some((one) => one.id === id)) this.history.push({ id, kind, end: null, releases: [] });
    return id;
  }

  /** An operation that a push began: git's client is not told of its id. */
  noted(id: string): string {
    if (!this.history.some((one) => one.id === id)) this.history.push({ id, kind: 'deploy', end: null, releases: [] });
    return id;
  }

  /** Resolves when the operation, which was acknowledged, has ended. Throws where no daemon knows of it any more. */
  async ended(id: string): Promise<OperationDocument> {
    const deadline = performance.now() + patience;
    for (;;) {
      const { status, body } = await this.ask(`/operations/${id}`);
      if (status !== 200)
        throw new Error(`the acknowledged operation ${id} is lost: ${status} ${JSON.stringify(body)}`);
      const document = body as OperationDocument;
      if (document.state === 'finished') {
        const known = this.history.find((one) => one.id === id);
        if (known !== undefined) {
          known.end ??= endOf(document);
          known.releases = (document.result?.services ?? []).flatMap(({ release }) => release ?? []);
        }
        return document;
      }
      if (performance.now() > deadline) throw new Error(`the operation ${id} does not end`);
      await pause(pace);
    }
  }

  /** Sends the folder's tree; answers what a deploy names it by. */
  async send(folder: string): Promise<DeploySource> {
    const { digest, git, entries } = await readFolder(folder);
    const parts: Uint8Array[] = [];
    for await (const part of packTree(folder, entries)) parts.push(part);
    const { status, body } = await this.ask(`/sources/${digest}`, { method: 'PUT', tar: Buffer.concat(parts) });
    if (status !== 204) throw new Error(`the source was refused: ${status} ${JSON.stringify(body)}`);
    return { kind: 'folder', digest, name: 'shop', git };
  }

  /** Begins a deploy; however often it has to be asked for, it is one. */
  deploying(source: DeploySource): Promise<string> {
    return this.begun('/deploys', { project: 'shop', environment: 'production', source, idempotencyKey: randomUUID() });
  }
}

/** What a client sees of the end of an operation: the same, whenever and of whichever daemon it is asked. */
export function endOf({ kind, result, error }: OperationDocument): string {
  // Of one that made no release, the document names whichever is current when it is asked for.
  const services = result?.services.map(({ service, outcome, release, error: problem }) => ({
    service,
    outcome,
    release: outcome === 'live' && !['scale', 'stop', 'start'].includes(kind) ? release : null,
    problem,
  }));
  return JSON.stringify({ services, error });
}
