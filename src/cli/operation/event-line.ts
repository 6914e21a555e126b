import type { OperationEvent } from '../../api/contract/types.ts';
import { en, type Messages } from '../language/en.ts';
import type { Colour, Stream } from '../output.ts';

/** What is shown of an operation while it goes on, on stderr. */
export interface View extends Disposable {
  event(event: OperationEvent): void;
  note(text: string): void;
}

export type Outcome = Extract<OperationEvent, { readonly kind: 'service' }>['result']['outcome'];

export const outcomeColours: Readonly<Record<Outcome, Colour>> = {
  live: 'green',
  unchanged: 'dim',
  failed: 'red',
  rolled_back: 'red',
  cancelled: 'yellow',
};

export function noteLine(text: string, stream: Stream): string {
  return `${stream.paint('cyan', '==>')} ${stream.safe(text)}`;
}

/** An event as one line; null for those that say nothing to people. */
export function eventLine(event: OperationEvent, stream: Stream, say: Messages): string | null {
  switch (event.kind) {
    case 'stage':
      return noteLine(`${prefix(event.service)}${stageText(event, say)}`, stream);
    case 'log':
      return stream.paint('dim', `    ${event.service} | ${stream.safe(event.text)}`);
    case 'notice':
      return `${stream.paint('yellow', `${say.note}:`)} ${stream.safe(`${prefix(event.service)}${event.message}`)}`;
    case 'service': {
      const { service, outcome, milliseconds } = event.result;
      const time = say.seconds((milliseconds.total / 1_000).toFixed(1));
      const word = stream.paint(outcomeColours[outcome], say.outcomes[outcome]);
      return `${noteLine(`${service}: `, stream)}${word} (${time})`;
    }
    case 'finished':
      return null;
  }
}

/** The stage in the user's language, with what the daemon says beyond it: `building: npm ci`, `starting release 4`. */
export function stageText(event: Extract<OperationEvent, { readonly kind: 'stage' }>, say: Messages): string {
  const word = say.stages[event.stage];
  const { message } = event;
  if (message === '') return word;
  const [verb = ''] = en.stages[event.stage].split(' ');
  if (!message.startsWith(verb)) return `${word}: ${message}`;
  return say === en ? message : word;
}

function prefix(service: string | null): string {
  return service === null ? '' : `${service}: `;
}
