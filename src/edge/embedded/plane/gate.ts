import { bucketOf, noWaits, Seen, Usual } from './usual.ts';

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
  #answeredAt = Number.NEGATIVE_INFINITY;
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

  /** More is asked than it answers, and it does answer: who waits there for long does not wait for a dead program. */
  isOverloaded(now: number): boolean {
    return this.#limiting !== null && now - this.#answeredAt < lively;
  }

  get isLimiting(): boolean {
    return this.#limiting !== null;
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
    if (seen.answers > 0) this.#answeredAt = now;
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
      if (answers > 0 && (this.#isSeasoned || seen.quickest < late)) this.#usual.see(waits, elapsed);
      this.#streak = null;
      return;
    }
    const streak = this.#lengthen(seen, isLate);
    if (streak.windows < enoughWindows) return;
    const rate = streak.answers / streak.seen.elapsed;
    const limit = this.#limitAt(rate, now);
    const grown = streak.entered - streak.answers >= limit + chance * Math.sqrt(2 * waiting);
    const inLine = seen.door > least || seen.quickest >= streak.first * rising;
    if (isLate && waiting > limit && (streak.untaken > 0 || (grown && inLine))) {
      const wait = answers > 0 ? Math.max(seen.quickest, seen.age) : seen.age;
      this.#streak = null;
      this.#usual.forgetLatest();
      this.#limiting = { rate, lasting: rate, anchor: rate, before: rate, wait, settled: 0, calm: 0 };
      this.limit = limit;
    } else if (streak.seen.elapsed >= longestStreak) {
      this.#usual.learn(streak.seen);
      this.#streak = null;
    }
  }

  #lengthen(seen: Window, isLate: boolean): Streak {
    const streak = this.#streak ?? {
      windows: 0,
      first: seen.quickest,
      seen: new Seen(),
      answers: 0,
      entered: 0,
      untaken: 0,
    };
    this.#streak = streak;
    if (isLate) streak.windows += 1;
    streak.seen.add(seen.waits, seen.elapsed);
    streak.answers += seen.answers;
    streak.entered += seen.entered;
    streak.untaken += seen.untaken;
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
    const { elapsed, answers, refused, gone, waiting, age, door, now } = seen;
    // Others may have filled the line before the door while nothing was sent there from here.
    const isCalm = refused === 0 && waiting < this.limit / 2 && door <= least;
    limiting.calm = isCalm ? limiting.calm + elapsed : 0;
    if (limiting.calm >= calmness) {
      this.#open();
      return;
    }
    // What was there before the limit is answered first.
    if (limiting.settled === 0 && waiting > this.limit) return;
    if (refused > 0 || waiting >= this.limit / 2)
      limiting.rate += (answers / elapsed - limiting.rate) * Math.min(1, elapsed / smoothing);
    limiting.anchor += (limiting.rate - limiting.anchor) * Math.min(1, elapsed / anchoring);
    const rate = limiting.rate * (1 - anchored) + limiting.anchor * anchored;
    // What has left unanswered is worked at unseen, while those behind it grow older: that says nothing of what the limit costs.
    if (gone > answers * few || age > 2 * limiting.wait) {
      limiting.settled = 0;
      this.limit = this.#limitAt(rate, now);
      return;
    }
    limiting.settled += elapsed;
    limiting.lasting += (answers / elapsed - limiting.lasting) * Math.min(1, elapsed / judging);
    if (limiting.settled < limiting.wait + smoothing) return;
    const asLate = seen.quickest >= limiting.wait * worth;
    // Where connections are not taken there is a line, and who has fewer answers than before has lost them to another worker.
    if (refused > 0 && asLate && door <= least && limiting.lasting < limiting.before * worth) {
      this.#taught = { patience: Math.max(2 * limiting.wait, 2 * this.#patience(now)), until: now + remembering };
      this.#open();
      return;
    }
    this.limit = this.#limitAt(rate, now);
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
  readonly seen: Seen;
  answers: number;
  entered: number;
  untaken: number;
}

interface Limiting {
  /** Answers a millisecond: now, over longer times, and before it was limited. */
  rate: number;
  lasting: number;
  anchor: number;
  readonly before: number;
  /** How long was waited before. */
  readonly wait: number;
  /** For how long no more than the limit has waited. */
  settled: number;
  calm: number;
}

/** A window is so long, and longer until there are enough answers to say something. */
const window = 150;
const enough = 5;
const longestWindow = 2_000;
/** It answers as long as something was answered in this time. */
const lively = 3_000;
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
const calmness = 2_000;
const smoothing = 1_000;
/** Of what is judged by it: workers' answers come in bursts, since those of one stand together in the line. */
const judging = 4_000;
/** Of a limit. Workers that share a line get answers as they have limits: without something that holds them, chance would give one of them ever more. */
const anchored = 0.3;
const anchoring = 30_000;
/** Of its answers. */
const few = 0.1;
/** A limit under which there are fewer answers than this share, which are no earlier, was none of a queue. */
const worth = 0.6;
const remembering = 600_000;
