/** Time as an argument: the daemon uses `systemClock`, the simulator its own. All numbers are milliseconds. */
export interface Clock {
  /** Wall time since the epoch; may jump by any amount, forward or back. For what people read, and for ends that others set (certificates). */
  now(): number;
  /**
   * Wall time as it was when the process began, and from there by the monotonic clock: whole, and never jumps. For moments on record that are compared
   * with each other: a deadline must neither pass nor move away because somebody set the machine's clock.
   */
  steady(): number;
  /** Never goes back; for durations and deadlines. */
  monotonic(): number;
  /** Calls `wake` once after `milliseconds`; disposing the answer cancels it. Never keeps a process alive by itself. */
  after(milliseconds: number, wake: () => void): Disposable;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  steady: () => Math.floor(performance.timeOrigin + performance.now()),
  monotonic: () => performance.now(),
  after(milliseconds, wake) {
    const timer = setTimeout(wake, milliseconds);
    timer.unref();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** A steady moment as the wall clock would have shown it, as it is set now. */
export function wallTime(clock: Pick<Clock, 'now' | 'steady'>, steady: number): number {
  return steady + setBy(clock);
}

/** A moment that was read from the wall clock, as it is set now, on the steady clock. */
export function steadyTime(clock: Pick<Clock, 'now' | 'steady'>, wall: number): number {
  return wall - setBy(clock);
}

/** By how much somebody has set the clock, in whole seconds: the two clocks are not read at once, and a moment must not change its milliseconds with each look. */
function setBy(clock: Pick<Clock, 'now' | 'steady'>): number {
  return Math.round((clock.now() - clock.steady()) / 1000) * 1000;
}

/** Randomness as an argument: `bytes` for secrets and ids, `fraction` in [0, 1) for jitter. */
export interface Random {
  bytes(count: number): Uint8Array;
  fraction(): number;
}
