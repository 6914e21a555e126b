import { asFailure, isFailureDocument } from '../../api/contract/exit.ts';
import { paths } from '../../api/contract/paths.ts';
import type { OperationDocument, OperationEvent } from '../../api/contract/types.ts';
import type { Client } from '../client/client.ts';
import type { ServerEvent } from '../client/events.ts';
import type { Patience } from './patience.ts';

/**
 * Follows an operation to its end, over restarts of the daemon. Resolves with the finished operation, or null when the signal aborts.
 * Throws KapalError.
 */
export async function followOperation(input: {
  readonly client: Client;
  readonly id: string;
  readonly patience: Patience;
  readonly signal: AbortSignal;
  readonly onEvent: (event: OperationEvent) => void;
}): Promise<OperationDocument | null> {
  const { client, id, patience, signal, onEvent } = input;
  const seen = new Seen();
  while (!signal.aborted) {
    try {
      for await (const received of client.events(paths.operationEvents(id), { signal })) {
        patience.back();
        const event = read(received);
        if (seen.has(received.id)) continue;
        onEvent(event);
        if (event.kind === 'finished') return event.operation;
      }
      if (!signal.aborted) await patience.rest();
    } catch (error) {
      await patience.bear(error);
    }
  }
  return null;
}

function read({ event, data }: ServerEvent): OperationEvent {
  const value: unknown = JSON.parse(data);
  if (event === 'error' && isFailureDocument(value)) throw asFailure(value.error);
  return value as OperationEvent;
}

/** Ids are `LIFE.NUMBER`: within one life of the daemon the stream begins anew with each connection, and what was seen is seen again. */
class Seen {
  #life = '';
  #count = 0;

  has(id: string | null): boolean {
    const [life = '', number = '0'] = (id ?? '').split('.');
    if (life === this.#life && Number(number) <= this.#count) return true;
    this.#life = life;
    this.#count = Number(number);
    return false;
  }
}
