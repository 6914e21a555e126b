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
  /** Workers that send to it, one unless told, each with a gate of its own; `pick`: in [0, 1), whose visitor the next one is. */
  readonly workers?: { readonly count: number; readonly pick: () => number };
  /** Hears of all that the first gate is told. */
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

/** A gate, and what waits behind it. */
interface Way {
  readonly gate: Gate;
  readonly told: (step: Step) => void;
  waiting: number;
  begins: number;
  limit: number;
}

interface Event {
  readonly way: Way;
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

/** Sends what comes through the gates to the service, without a clock. */
export function follow(course: Course): Found {
  const { service, arrivals, until, patience = Number.POSITIVE_INFINITY, from = 0, told = () => undefined } = course;
  const { count, pick } = course.workers ?? { count: 1, pick: () => 0 };
  const ways = Array.from({ length: count }, (_, index): Way => {
    const gate = new Gate();
    return { gate, told: index === 0 ? told : () => undefined, waiting: 0, begins: 0, limit: gate.limit };
  });
  const agenda = new Agenda();
  const found = { asked: 0, refused: 0, given: 0 };
  const waits: number[] = [];
  const changes: { at: number; limit: number }[] = [];
  const settle = ({ way, at, begun, gone }: Event): void => {
    way.waiting -= 1;
    way.begins -= begun;
    const wait = at - begun;
    if (gone) way.gate.left();
    else way.gate.answered(wait);
    way.told(gone ? { kind: 'left' } : { kind: 'answered', wait });
    if (begun < from) return;
    if (gone) found.given += 1;
    else waits.push(wait);
  };
  const ask = (now: number): void => {
    const way = ways[Math.floor(pick() * count)] as Way;
    if (now >= from) found.asked += 1;
    if (way.waiting >= way.gate.limit) {
      way.gate.refuse();
      way.told({ kind: 'refuse' });
      if (now >= from) found.refused += 1;
      return;
    }
    way.waiting += 1;
    way.begins += now;
    const wait = service(now);
    agenda.add({ way, at: now + Math.min(wait, patience), begun: now, gone: wait > patience });
  };
  const look = (way: Way, now: number): void => {
    const { gate, waiting } = way;
    const seen = { waiting, age: waiting === 0 ? 0 : now - way.begins / waiting, door: service.door?.() ?? 0 };
    gate.look(now, seen);
    way.told({ kind: 'look', now, ...seen, limit: gate.limit });
    if (gate.limit !== way.limit) changes.push({ at: now, limit: (way.limit = gate.limit) });
  };
  let arrival = arrivals(0);
  for (let now = pace; now <= until; now += pace) {
    while (Math.min(arrival, agenda.first?.at ?? Number.POSITIVE_INFINITY) < now) {
      const next = agenda.first;
      if (next !== undefined && next.at <= arrival) settle(agenda.take() as Event);
      else {
        ask(arrival);
        arrival += arrivals(arrival);
      }
    }
    for (const way of ways) look(way, now);
  }
  return { ...found, waits, changes };
}
