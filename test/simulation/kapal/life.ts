import type { Trace } from './trace.ts';

/** What a call of a dead daemon throws: it never happened. */
export class Dead extends Error {
  constructor() {
    super('the daemon is dead');
  }
}

/** Calls that a daemon makes at one moment, at most: a start of one makes some hundreds. */
const mostAtOnce = 20_000;

/**
 * One life of the daemon. Everything that it does to the outside passes through here, and at any of these calls it may die: before the call, which then
 * never happens, or after it, so that what it did stays and nobody heard of it. What runs on in memory afterwards reaches nothing.
 */
export class Life {
  /** Calls to the outside so far. */
  steps = 0;
  readonly #trace: Trace;
  readonly #now: () => number;
  readonly #died: () => void;
  readonly #spins: (call: string) => void;
  #moment = -1;
  #atMoment = 0;
  #alive = true;
  #deathIn: { steps: number; readonly after: boolean } | null = null;

  constructor(parts: {
    readonly trace: Trace;
    readonly now: () => number;
    readonly died: () => void;
    /** It called the outside over and over while no time passed. */
    readonly spins: (call: string) => void;
  }) {
    this.#trace = parts.trace;
    this.#now = parts.now;
    this.#died = parts.died;
    this.#spins = parts.spins;
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  /** It dies at the call so many steps ahead. */
  dieIn(steps: number, after: boolean): void {
    this.#deathIn = { steps, after };
  }

  die(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#trace.note('daemon dies');
    this.#died();
  }

  /** A synchronous call. */
  step<T>(name: string, work: () => T): T {
    const dies = this.#enter(name);
    if (!this.#alive) throw new Dead();
    const result = work();
    if (dies) this.die();
    if (!this.#alive) throw new Dead();
    return result;
  }

  /** A call that takes time: whoever waits for it when the daemon dies waits for ever. */
  async stepLater<T>(name: string, work: () => Promise<T>): Promise<T> {
    const dies = this.#enter(name);
    if (!this.#alive) return never();
    try {
      const result = await work();
      if (dies) this.die();
      return this.#alive ? result : await never();
    } catch (error) {
      if (!this.#alive) return never();
      throw error;
    }
  }

  #isMoving(): boolean {
    const now = this.#now();
    this.#atMoment = now === this.#moment ? this.#atMoment + 1 : 0;
    this.#moment = now;
    return this.#atMoment < mostAtOnce;
  }

  /** Counts the step; dies where it is to die before it. Whether it dies after it. */
  #enter(name: string): boolean {
    if (!this.#alive) return false;
    this.steps += 1;
    this.#trace.note(name);
    if (!this.#isMoving()) {
      this.#spins(name);
      this.die();
      return false;
    }
    const death = this.#deathIn;
    if (death === null || (death.steps -= 1) > 0) return false;
    if (!death.after) this.die();
    return death.after;
  }
}

/** Lets a daemon hear of something; that it dies of it is no error of who told it. */
export function tell(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof Dead)) throw error;
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

type Calls = Record<string, (...values: readonly unknown[]) => unknown>;

/** Every method of a synchronous part as a step. */
export function gated<T extends object>(life: Life, name: string, target: T): T {
  return wrapped(target, (method, call) => life.step(`${name}.${method}`, call));
}

/** Every method of a part that answers later, but for the plain ones, which neither act nor wait. */
export function gatedLater<T extends object>(
  life: Life,
  given: { name: string; target: T; plain?: readonly string[] },
): T {
  const plain = new Set(given.plain ?? []);
  return wrapped(given.target, (method, call) => {
    if (plain.has(method)) return call();
    return life.stepLater(`${given.name}.${method}`, () => Promise.resolve(call()));
  });
}

function wrapped<T extends object>(target: T, around: (method: string, call: () => unknown) => unknown): T {
  const known = new Map<string | symbol, unknown>();
  return new Proxy(target, {
    get(object, key) {
      const found = known.get(key);
      if (found !== undefined) return found;
      const value = Reflect.get(object, key, object) as unknown;
      if (typeof value !== 'function') return value;
      const method = value as Calls[string];
      const wrapper = (...values: readonly unknown[]) =>
        around(String(key), () => Reflect.apply(method, object, values) as unknown);
      known.set(key, wrapper);
      return wrapper;
    },
  });
}
