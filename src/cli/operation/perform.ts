import type { OperationDocument } from '../../api/contract/types.ts';
import type { Invocation, Option } from '../command.ts';
import { followOperation } from './follow.ts';
import { Patience } from './patience.ts';
import { printResult } from './result.ts';
import type { View } from './event-line.ts';
import { createView } from './view.ts';

export const waitOption: Option = {
  flags: '--no-wait',
  description: 'print the operation and do not wait for its end',
};

/** As a shell reports a program that SIGINT ended. */
const INTERRUPTED = 130;

export interface Beginning {
  readonly view: View;
  readonly patience: Patience;
  /** To be called when the daemon is asked for the operation: from then on it may go on without this command. */
  readonly asking: () => void;
}

/**
 * Begins an operation, shows it to its end and answers the exit code. `service` is named in the advice of how to cancel; null where it
 * is only known from the events. An interrupt ends the showing, not the operation.
 */
export async function perform(
  invocation: Invocation,
  operation: {
    readonly service: string | null;
    readonly begin: (beginning: Beginning) => Promise<OperationDocument>;
    /** What is done with the operation that ended; it is printed unless told. */
    readonly conclude?: (ended: OperationDocument) => number;
  },
): Promise<number> {
  const { out, say, client, host } = invocation;
  const interruption = new AbortController();
  using _handler = host.onInterrupt(() => interruption.abort());
  using view = createView(out, say);
  const patience = new Patience({ client, say, note: (text) => view.note(text) });
  let asked = false;
  let service = operation.service;
  const beginning: Beginning = { view, patience, asking: () => (asked = true) };
  const begun = await unlessAborted(operation.begin(beginning), interruption.signal);
  if (begun !== null && !waits(invocation)) return acknowledge(invocation, begun, view);
  const ended =
    begun === null
      ? null
      : await finish(invocation, begun, {
          patience,
          signal: interruption.signal,
          onEvent: (event) => {
            if ('service' in event && event.service !== null) service ??= event.service;
            view.event(event);
          },
        });
  view[Symbol.dispose]();
  const { conclude = (document) => printResult(invocation, document) } = operation;
  if (ended !== null) return conclude(ended);
  out.err.line(asked ? say.goesOn(service ?? 'SERVICE') : say.nothingBegun);
  return INTERRUPTED;
}

/** A beginning for an operation that was begun already. */
export function acknowledged(operation: OperationDocument): (beginning: Beginning) => Promise<OperationDocument> {
  return async ({ asking }) => {
    asking();
    return operation;
  };
}

function waits({ flags }: Invocation): boolean {
  return !flags.isOff('wait');
}

async function finish(
  { client }: Invocation,
  begun: OperationDocument,
  following: Pick<Parameters<typeof followOperation>[0], 'patience' | 'signal' | 'onEvent'>,
): Promise<OperationDocument | null> {
  return begun.state === 'finished' ? begun : followOperation({ client, id: begun.id, ...following });
}

function acknowledge({ out, say, json }: Invocation, begun: OperationDocument, view: View): number {
  view[Symbol.dispose]();
  if (json) out.json(begun);
  else out.out.line(say.acknowledged(begun.id));
  return 0;
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const abort = () => resolve(null);
  signal.addEventListener('abort', abort, { once: true });
  // Nobody waits for what is given up; its failure must not end the process.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
