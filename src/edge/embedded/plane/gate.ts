/**
 * Whether an endpoint is asked for more than it can answer, and how much of it is let through then. Each worker decides for itself, from what it has seen: the
 * limit is a time's worth of the answers that this worker gets, so what all workers let through adds up to what the endpoint can do. The same rule, with the
 * same numbers, is lua/kapal/gate.lua; docs/decisions/0012 says why it is this one. Pure but for its own memory: `now` is told. Milliseconds.
 *
 *   open --answers came all late, in turn, or connections were not taken; and more and more waited--> limiting
 *   limiting --nobody was refused, and few wait--> open
 *   limiting --it cost answers: what waited was no queue--> open, with twice the patience
 */
export class Gate {
  /** Requests that may wait there for the head of an answer. */
  limit = Number.POSITIVE_INFINITY;
  readonly #usual = new Usual();
  #began = 0;
  #answers = 0;
  #quickest = Number.POSITIVE_INFINITY;
  readonly #waits = noWaits();
  #refused = 0;
  #gone = 0;
  #untaken = 0;
  /** The least of the window. */
  #door = Number.POSITIVE_INFINITY;
  #waited = 0;
  /** How long it has been seen to answer: a program that has just begun is slow without being overloaded. */
  #seasoned = 0;
  #streak: Streak | null = null;
  #limiting: Limiting | null = null;
  /** What patience has been taught by mistakes, and until when it holds. */
  #taught = { patience: 0, until: 0 };

  /** The head of an answer came so long after its request had gone there whole. */
  answered(wait: number): void {
    this.#answers += 1;
    this.#quickest = Math.min(this.#quickest, wait);
    const bucket = bucketOf(wait);
    this.#waits[bucket] = (this.#waits[bucket] ?? 0) + 1;
  }

  /** One that waited has left without an answer. */
  left(): void {
    this.#gone += 1;
  }

  /** It did not take the connection in time: the line before it has no room left. */
  untaken(): void {
    this.#untaken += 1;
  }

  refuse(): void {
    this.#refused += 1;
  }

  /**
   * Whether it is worth a look how many connections it has not taken (see `Waiting.door`): only where many wait, and some for long.
   */
  static isSuspect({ waiting, age }: Omit<Waiting, 'door'>): boolean {
    return waiting > least && age >= late / 4;
  }

  /** Several times a second. */
  look(now: number, { waiting, age, door }: Waiting): void {
    this.#door = Math.min(this.#door, door);
    const elapsed = now - this.#began;
    if (elapsed < window || (this.#answers < enough && elapsed < longestWindow)) return;
    const seen: Window = {
      now,
      elapsed: Math.min(elapsed, longestWindow),
      answers: this.#answers,
      entered: waiting - this.#waited + this.#answers + this.#gone,
      quickest: this.#quickest,
      refused: this.#refused,
      gone: this.#gone,
      untaken: this.#untaken,
      door: this.#door,
      waits: this.#waits,
      waiting,
      age,
    };
    if (seen.answers > 0) this.#seasoned = Math.min(seasoning, this.#seasoned + seen.elapsed);
    if (this.#limiting === null) this.#watch(seen);
    else this.#govern(seen, this.#limiting);
    this.#began = now;
    this.#answers = 0;
    this.#quickest = Number.POSITIVE_INFINITY;
    this.#waits.fill(0);
    this.#refused = 0;
    this.#gone = 0;
    this.#untaken = 0;
    this.#door = Number.POSITIVE_INFINITY;
    this.#waited = waiting;
  }

  #watch(seen: Window): void {
    const { answers, elapsed, now, waits, waiting } = seen;
    const isLate = this.#isLate(seen);
    // While more wait than are answered in time, one answer that came soon changes nothing.
    if (!isLate && (this.#streak === null || waiting <= this.#limitAt(answers / elapsed, now))) {
      // What a program does that has just begun is not what it usually does.
      if (answers > 0 && (this.#isSeasoned || seen.quickest < late)) this.#usual.learn(waits, elapsed);
      this.#streak = null;
      return;
    }
    const streak = this.#lengthen(seen, isLate);
    if (streak.windows < enoughWindows) return;
    const rate = streak.answers / streak.elapsed;
    const limit = this.#limitAt(rate, now);
    const grown = streak.entered - streak.answers >= limit + chance * Math.sqrt(2 * waiting);
    const inLine = seen.door > least || seen.quickest >= streak.first * rising;
    if (isLate && waiting > limit && (streak.untaken > 0 || (grown && inLine))) {
      const wait = answers > 0 ? Math.max(seen.quickest, seen.age) : seen.age;
      this.#streak = null;
      this.#limiting = { rate, before: rate, wait, settled: 0, calm: 0 };
      this.limit = limit;
    } else if (streak.elapsed >= longestStreak) {
      this.#usual.learn(streak.waits, streak.elapsed);
      this.#streak = null;
    }
  }

  #lengthen(seen: Window, isLate: boolean): Streak {
    const streak = this.#streak ?? {
      windows: 0,
      first: seen.quickest,
      elapsed: 0,
      answers: 0,
      entered: 0,
      untaken: 0,
      waits: noWaits(),
    };
    this.#streak = streak;
    if (isLate) streak.windows += 1;
    streak.elapsed += seen.elapsed;
    streak.answers += seen.answers;
    streak.entered += seen.entered;
    streak.untaken += seen.untaken;
    for (const [bucket, count] of seen.waits.entries()) streak.waits[bucket] = (streak.waits[bucket] ?? 0) + count;
    return streak;
  }

  /**
   * Even the quickest answer is later than nearly all were before, and nobody who waits was overtaken by it: they stand in one line. Or the line is before
   * the door: a program that takes new connections only when it has nothing else to do answers the others in time.
   */
  #isLate({ answers, gone, quickest, untaken, door, waiting, age }: Window): boolean {
    if (waiting <= least) return false;
    // Also where everybody leaves before the answer: nobody else would ever stop coming.
    const inTime = this.#isSeasoned ? late : newcomer;
    if (door > least && answers + gone >= enough && (this.#isSeasoned || age >= newcomer)) return true;
    if (answers < enough) return false;
    return untaken > 0 || (quickest >= Math.max(inTime, this.#usual.wait) && age <= quickest);
  }

  #govern(seen: Window, limiting: Limiting): void {
    const { elapsed, answers, refused, gone, waiting, age, now } = seen;
    limiting.calm = refused === 0 && waiting < this.limit / 2 ? limiting.calm + elapsed : 0;
    if (limiting.calm >= calmness) {
      this.#open();
      return;
    }
    // What was there before the limit is answered first; and what has left unanswered is worked at unseen, while those behind it grow older.
    const unseen = gone > answers * few || age > 2 * limiting.wait;
    if (unseen || (limiting.settled === 0 && waiting > this.limit)) {
      limiting.settled = 0;
      return;
    }
    limiting.settled += elapsed;
    if (refused > 0 || waiting >= this.limit / 2)
      limiting.rate += (answers / elapsed - limiting.rate) * Math.min(1, elapsed / smoothing);
    if (limiting.settled < limiting.wait + smoothing) return;
    const asLate = seen.quickest >= limiting.wait * worth;
    if (refused > 0 && asLate && limiting.rate < limiting.before * worth) {
      this.#taught = { patience: Math.max(2 * limiting.wait, 2 * this.#patience(now)), until: now + remembering };
      this.#open();
      return;
    }
    this.limit = this.#limitAt(limiting.rate, now);
  }

  #open(): void {
    this.#limiting = null;
    this.limit = Number.POSITIVE_INFINITY;
  }

  #limitAt(rate: number, now: number): number {
    return Math.max(least, Math.round(rate * this.#patience(now)));
  }

  #patience(now: number): number {
    const taught = now < this.#taught.until ? this.#taught.patience : 0;
    return Math.max(this.#isSeasoned ? shortestPatience : newcomer, 2 * this.#usual.wait, taught);
  }

  get #isSeasoned(): boolean {
    return this.#seasoned >= seasoning;
  }
}

export interface Waiting {
  /** Requests that wait for the head of an answer. */
  readonly waiting: number;
  /** For how long they do, on average. */
  readonly age: number;
  /** Connections that the program has not taken yet; 0 where that is not known. */
  readonly door: number;
}

interface Window extends Waiting {
  readonly now: number;
  readonly elapsed: number;
  readonly answers: number;
  readonly entered: number;
  readonly quickest: number;
  readonly refused: number;
  readonly gone: number;
  readonly untaken: number;
  readonly waits: readonly number[];
}

/** Windows in a row in which all answers were late. */
interface Streak {
  windows: number;
  /** The quickest answer of the first. */
  readonly first: number;
  elapsed: number;
  answers: number;
  entered: number;
  untaken: number;
  readonly waits: number[];
}

interface Limiting {
  /** Answers a millisecond: now, and before it was limited. */
  rate: number;
  readonly before: number;
  /** How long was waited before. */
  readonly wait: number;
  /** For how long no more than the limit has waited. */
  settled: number;
  calm: number;
}

/** What nineteen of twenty answers took at most, in the last minutes. */
class Usual {
  readonly #weights: number[] = noWaits();
  wait = 0;

  learn(waits: readonly number[], elapsed: number): void {
    const kept = 0.5 ** (elapsed / halfLife);
    let sum = 0;
    for (const [bucket, count] of waits.entries()) {
      const weight = (this.#weights[bucket] ?? 0) * kept + count;
      this.#weights[bucket] = weight;
      sum += weight;
    }
    if (sum === 0) return;
    let below = 0;
    let bucket = 0;
    for (; bucket < buckets - 1; bucket += 1) {
      below += this.#weights[bucket] ?? 0;
      if (below >= sum * nearlyAll) break;
    }
    this.wait = firstEdge * 2 ** bucket;
  }
}

/** Waits are counted by doubling: below 100 ms, below 200, and so on. */
const firstEdge = 100;
const buckets = 11;

function bucketOf(wait: number): number {
  let bucket = 0;
  for (let edge = firstEdge; wait >= edge && bucket < buckets - 1; edge *= 2) bucket += 1;
  return bucket;
}

function noWaits(): number[] {
  return Array.from({ length: buckets }, () => 0);
}

/** A window is so long, and longer until there are enough answers to say something. */
const window = 150;
const enough = 5;
const longestWindow = 2_000;
/** Windows in a row that have to say the same. */
const enoughWindows = 3;
/** Answers before this are in time, whatever is usual; those of a program that has just begun before the other. */
const late = 400;
const newcomer = 3_000;
/** What is let through is answered in this time, or in twice what is usual. */
const shortestPatience = 500;
/** Of one worker at one endpoint. */
const least = 5;
const seasoning = 10_000;
/** More may wait than before by chance: three deviations of what comes and goes at random. */
const chance = 3;
const rising = 1.25;
/** Late, but no more and more of them: it is usual from now on. */
const longestStreak = 10_000;
/** Of the answers. */
const nearlyAll = 0.95;
const halfLife = 120_000;
const calmness = 2_000;
const smoothing = 1_000;
/** Of its answers. */
const few = 0.1;
/** A limit under which there are fewer answers than this share, which are no earlier, was none of a queue. */
const worth = 0.6;
const remembering = 600_000;
