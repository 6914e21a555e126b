import type { OperationEvent } from '../../api/contract/types.ts';

/**
 * Events of operations in memory, for those who follow: everything since this daemon began to work on the operation, then what comes. Who comes after its end
 * is answered from the record, so that the lines of its builds go with its last follower.
 */
export class Progress {
  readonly #threads = new Map<string, Thread>();

  publish(operation: string, event: OperationEvent): void {
    const thread = this.#thread(operation);
    if (thread.ended) return;
    thread.events.push(event);
    if (thread.events.length > keptEvents) thread.events.splice(0, thread.events.length - keptEvents);
    thread.published += 1;
    if (event.kind === 'finished') this.#end(operation, thread);
    for (const wake of thread.waiting.splice(0)) wake();
  }

  /** Ends after `finished`, or when the signal aborts. The caller answers for operations that ended before this daemon began. */
  async *follow(operation: string, signal: AbortSignal): AsyncIterable<OperationEvent> {
    const thread = this.#thread(operation);
    let seen = thread.published - thread.events.length;
    while (!signal.aborted) {
      const fresh = thread.events.slice(Math.max(0, thread.events.length - (thread.published - seen)));
      seen = thread.published;
      for (const event of fresh) {
        yield event;
        if (event.kind === 'finished') return;
      }
      if (seen === thread.published) await nextOf(thread, signal);
    }
  }

  #thread(operation: string): Thread {
    const known = this.#threads.get(operation);
    if (known !== undefined) return known;
    const fresh: Thread = { events: [], published: 0, ended: false, waiting: [] };
    this.#threads.set(operation, fresh);
    return fresh;
  }

  /** Those who follow hold the thread itself. Its name is kept for a while with nothing behind it, so that nothing begins another thread. */
  #end(operation: string, thread: Thread): void {
    thread.ended = true;
    this.#threads.delete(operation);
    this.#threads.set(operation, { events: [], published: 0, ended: true, waiting: [] });
    const ended = [...this.#threads].filter(([, other]) => other.ended);
    for (const [id] of ended.slice(0, Math.max(0, ended.length - keptThreads))) this.#threads.delete(id);
  }
}

interface Thread {
  events: OperationEvent[];
  published: number;
  ended: boolean;
  waiting: (() => void)[];
}

const keptEvents = 5_000;
const keptThreads = 50;

function nextOf(thread: Thread, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      signal.removeEventListener('abort', wake);
      resolve();
    };
    thread.waiting.push(wake);
    signal.addEventListener('abort', wake, { once: true });
  });
}
