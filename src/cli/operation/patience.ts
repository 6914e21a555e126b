import { setTimeout as pause } from 'node:timers/promises';
import { failure, failureDocument } from '../../api/contract/exit.ts';
import type { Client } from '../client/client.ts';
import type { Messages } from '../language/en.ts';

/** Milliseconds that a daemon may be away (an upgrade, a crash) before a command gives up on it. */
const LONGEST = 60_000;
const BETWEEN = 200;

/** Bears it when a daemon that was there goes away: says so once, tries again, and says when it is back. */
export class Patience {
  readonly #client: Client;
  readonly #say: Messages;
  readonly #note: (text: string) => void;
  #since: number | null = null;

  constructor({ client, say, note }: { client: Client; say: Messages; note: (text: string) => void }) {
    this.#client = client;
    this.#say = say;
    this.#note = note;
  }

  /** Does what can be done twice without harm until the daemon has answered it. */
  async persist<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const result = await attempt();
        this.back();
        return result;
      } catch (error) {
        await this.bear(error);
      }
    }
  }

  /** Waits a little after a lost connection; throws any other error, and this one after a minute. */
  async bear(error: unknown): Promise<void> {
    if (!this.#client.met || failureDocument(error).code !== 'no_daemon') throw error;
    if (this.#since === null) {
      this.#since = performance.now();
      this.#note(this.#say.connectionLost);
    }
    if (performance.now() - this.#since > LONGEST) throw error;
    await pause(BETWEEN);
  }

  /** After a stream that the daemon ended, as it does before it goes. */
  rest(): Promise<void> {
    return this.bear(failure('no_daemon', 'the daemon ended the stream'));
  }

  /** The daemon has answered. */
  back(): void {
    if (this.#since === null) return;
    this.#since = null;
    this.#note(this.#say.connectionBack);
  }
}
