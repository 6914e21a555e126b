/** Time as an argument: the daemon uses `systemClock`, the simulator its own. Both numbers are milliseconds. */
export interface Clock {
  /** Wall time since the epoch; may jump. */
  now(): number;
  /** Never goes back; for durations and deadlines. */
  monotonic(): number;
  /** Calls `wake` once after `milliseconds`; disposing the answer cancels it. Never keeps a process alive by itself. */
  after(milliseconds: number, wake: () => void): Disposable;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(milliseconds, wake) {
    const timer = setTimeout(wake, milliseconds);
    timer.unref();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** Randomness as an argument: `bytes` for secrets and ids, `fraction` in [0, 1) for jitter. */
export interface Random {
  bytes(count: number): Uint8Array;
  fraction(): number;
}
