import { Gate } from '../../../src/edge/embedded/plane/gate.ts';

/** How long after `now` the head of the answer to a request that comes now is sent. Milliseconds. */
export type Service = ((now: number) => number) & { readonly door?: () => number };

/** Requests come so many milliseconds after each other at this moment. */
export type Arrivals = (now: number) => number;

export interface Course {
  readonly service: Service;
  readonly arrivals: Arrivals;
  readonly until: number;
  /** After which a client leaves; the service does its work all the same. */
  readonly patience?: number;
  /** Only what comes from then on counts. */
  readonly from?: number;
  /** Hears of all that the gate is told. */
  readonly told?: (step: Step) => void;
}

/** What a gate is told; `limit`: what it says after a look. */
export type Step =
  | { readonly kind: 'answered'; readonly wait: number }
  | { readonly kind: 'left' }
  | { readonly kind: 'refuse' }
  | {
      readonly kind: 'look';
      readonly now: number;
      readonly waiting: number;
      readonly age: number;
      readonly door: number;
      readonly limit: number;
    };

export interface Found {
  readonly asked: number;
  readonly refused: number;
  /** By how long the answer took: of those that were answered at all. */
  readonly waits: readonly number[];
  readonly given: number;
  /** The moments at which the limit changed. */
  readonly changes: readonly { readonly at: number; readonly limit: number }[];
}

const pace = 100;

/** Random numbers that are the same in each run (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Arrivals that know nothing of each other. `rate`: a second. */
export function poisson(random: () => number, rate: (now: number) => number): Arrivals {
  return (now) => (-Math.log(1 - random()) / rate(now)) * 1000;
}

/** Takes so many requests at once, each for as long as `work` says, the others in the order of their coming. */
export function queueing(servers: number, work: (now: number) => number): Service {
  const free = Array.from({ length: servers }, () => 0);
  return (now) => {
    const next = free.indexOf(Math.min(...free));
    const begins = Math.max(now, free[next] ?? 0);
    free[next] = begins + work(begins);
    return (free[next] ?? 0) - now;
  };
}

interface Event {
  readonly at: number;
  readonly begun: number;
  readonly gone: boolean;
}

/** Events by time: a binary heap. */
class Agenda {
  readonly #events: Event[] = [];

  get first(): Event | undefined {
    return this.#events[0];
  }

  add(event: Event): void {
    const events = this.#events;
    let at = events.push(event) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (this.#at(above) <= event.at) break;
      this.#swap(at, above);
      at = above;
    }
  }

  take(): Event | undefined {
    const events = this.#events;
    const first = events[0];
    const last = events.pop();
    if (last === undefined || events.length === 0) return first;
    events[0] = last;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      const least = this.#at(left + 1) < this.#at(left) ? left + 1 : left;
      if (this.#at(least) >= this.#at(at)) return first;
      this.#swap(at, least);
      at = least;
    }
  }

  #at(index: number): number {
    return this.#events[index]?.at ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const events = this.#events;
    [events[a], events[b]] = [events[b] as Event, events[a] as Event];
  }
}

/** Sends what comes through a gate to the service, without a clock. */
export function follow(course: Course): Found {
  const { service, arrivals, until, patience = Number.POSITIVE_INFINITY, from = 0, told = () => undefined } = course;
  const gate = new Gate();
  const agenda = new Agenda();
  const found = { asked: 0, refused: 0, given: 0 };
  const waits: number[] = [];
  const changes: { at: number; limit: number }[] = [];
  let [waiting, begins, limit] = [0, 0, gate.limit];
  const settle = (event: Event): void => {
    waiting -= 1;
    begins -= event.begun;
    if (event.gone) {
      gate.left();
      told({ kind: 'left' });
    } else {
      const wait = event.at - event.begun;
      gate.answered(wait);
      told({ kind: 'answered', wait });
    }
    if (event.begun < from) return;
    if (event.gone) found.given += 1;
    else waits.push(event.at - event.begun);
  };
  const ask = (now: number): void => {
    if (now >= from) found.asked += 1;
    if (waiting >= gate.limit) {
      gate.refuse();
      told({ kind: 'refuse' });
      if (now >= from) found.refused += 1;
      return;
    }
    waiting += 1;
    begins += now;
    const wait = service(now);
    agenda.add({ at: now + Math.min(wait, patience), begun: now, gone: wait > patience });
  };
  let arrival = arrivals(0);
  for (let look = pace; look <= until; look += pace) {
    while (Math.min(arrival, agenda.first?.at ?? Number.POSITIVE_INFINITY) < look) {
      const next = agenda.first;
      if (next !== undefined && next.at <= arrival) settle(agenda.take() as Event);
      else {
        ask(arrival);
        arrival += arrivals(arrival);
      }
    }
    const age = waiting === 0 ? 0 : look - begins / waiting;
    const door = service.door?.() ?? 0;
    gate.look(look, { waiting, age, door });
    told({ kind: 'look', now: look, waiting, age, door, limit: gate.limit });
    if (gate.limit !== limit) changes.push({ at: look, limit: (limit = gate.limit) });
  }
  return { ...found, waits, changes };
}
