import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Asker, Visited } from './overload-ground.ts';

export interface Scale {
  /** Clients of the long-poll, and others in proportion. */
  readonly clients: number;
  /** Milliseconds for which the long-poll holds a request. */
  readonly hold: number;
}

/** Services that look busy in one way or another, and are well: whatever the edge thinks of it, none of their requests may be refused. */
export function healthyServices({ clients, hold }: Scale): readonly Visited[] {
  return [
    {
      name: 'polled',
      listener: (_, response) => answerAfter(response, hold),
      visit: (asker) => crowd(asker, clients, () => asker.ask()),
    },
    {
      // Some are told something at once, most only after a while.
      name: 'told',
      listener: (_, response) => answerAfter(response, Math.min(hold, -Math.log(Math.random()) * 4_000)),
      visit: (asker) => crowd(asker, clients / 2, () => asker.ask()),
    },
    {
      name: 'streamed',
      listener: (_, response) => void stream(response),
      visit: (asker) => crowd(asker, clients / 5, () => asker.ask()),
    },
    {
      name: 'bimodal',
      listener: (_, response) => answerAfter(response, Math.random() < 0.9 ? 5 : 2_000),
      visit: (asker) => asker.rate(20),
    },
    {
      // Each takes its 100 ms for the first seconds, one after the other, and then nearly none.
      name: 'warming',
      listener: inTurn((since) => (since < 2_000 ? 100 : 1)),
      visit: (asker) => asker.rate(15),
    },
    {
      name: 'uploaded',
      listener: (request, response) => request.resume().on('end', () => response.end('done')),
      visit: (asker) =>
        crowd(asker, clients / 10, () =>
          asker.ask(
            '/',
            Array.from({ length: 40 }, () => Buffer.alloc(4_096)),
          ),
        ),
    },
    {
      // Always as many as it takes to keep it busy, as a benchmark does.
      name: 'loaded',
      listener: inTurn(() => 5),
      visit: (asker) => crowd(asker, clients / 4, () => asker.ask()),
    },
  ];
}

/** One request at a time, in the order of their coming, each for as long as `work` says. */
export function inTurn(work: (since: number) => number): Visited['listener'] {
  let [begun, free] = [0, 0];
  return (_, response) => {
    const now = performance.now();
    begun ||= now;
    free = Math.max(now, free) + work(now - begun);
    answerAfter(response, free - now);
  };
}

function answerAfter(response: ServerResponse, milliseconds: number): void {
  setTimeout(() => response.end('done'), milliseconds);
}

async function stream(response: ServerResponse): Promise<void> {
  response.write('begun');
  for (let i = 0; i < 20 && !response.closed; i += 1) {
    await pause(200);
    response.write('more');
  }
  response.end();
}

/** So many who each ask again when they have been answered; not all at the same moment. */
async function crowd(asker: Asker, count: number, ask: () => Promise<number>): Promise<void> {
  const one = async (index: number): Promise<void> => {
    await pause(index % 1_000);
    while (!asker.over) await ask();
  };
  await Promise.all(Array.from({ length: count }, (_, index) => one(index * 7)));
}
