import { paths } from '../../api/contract/paths.ts';
import type { EventDocument } from '../../api/contract/types.ts';
import type { Command, Invocation } from '../command.ts';
import { followRows } from '../rows.ts';
import { localTime } from '../time.ts';

const EVENTS = 50;

export const events: Command = {
  operands: [],
  options: [
    { flags: '-f, --follow', description: 'go on with what comes' },
    { flags: '-n, --lines <count>', description: `the newest so many events, ${EVENTS} unless told` },
  ],
  examples: [
    ['events', `the last ${EVENTS} events`],
    ['events -f --json', 'events as they come, one JSON document a line'],
  ],
  run(invocation) {
    const { flags, out, json } = invocation;
    const limit = flags.count('lines', { least: 1, most: 10_000 }) ?? EVENTS;
    return followRows<EventDocument>(invocation, {
      path: (follow) => `${paths.events}?limit=${limit}${follow ? '&follow=true' : ''}`,
      print: (event) => (json ? out.json(event) : out.out.line(written(invocation, event))),
    });
  },
};

function written(
  { out: { out } }: Invocation,
  { time, project, environment, service, message }: EventDocument,
): string {
  const place = [project, environment, service].filter((part) => part !== null).join('/');
  return `${out.paint('dim', localTime(time))} ${out.paint('cyan', place === '' ? 'kapal' : place)} ${out.safe(message)}`;
}
