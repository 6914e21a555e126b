import { KapalError } from '../../../src/model/errors.ts';
import type { Noise } from '../noise.ts';
import type { Time } from './time.ts';

/** What goes wrong between the daemon and its world, at a level between 0 (nothing) and 1. */
export class Faults {
  level: number;
  readonly noise: Noise;
  readonly #time: Time;

  constructor(parts: { readonly level: number; readonly noise: Noise; readonly time: Time }) {
    this.level = parts.level;
    this.noise = parts.noise;
    this.#time = parts.time;
  }

  hits(share = 1): boolean {
    return this.level > 0 && this.noise.chance(this.level * share);
  }

  /** An act on the world: may come late, be refused, or take effect and fail all the same. A daemon that dies before it acts does not act. */
  async effect<T>(isAlive: () => boolean, work: () => T | Promise<T>): Promise<T> {
    if (this.hits(0.5)) await this.#time.pause(this.noise.between(1, 300));
    if (!isAlive()) return await new Promise<never>(() => undefined);
    if (this.hits(0.15)) throw new KapalError('runtime_failed', 'simulated: it was refused');
    const result = await work();
    if (this.hits(0.15)) throw new KapalError('runtime_failed', 'simulated: it failed, and took effect');
    if (this.hits(0.5)) await this.#time.pause(this.noise.between(1, 300));
    return result;
  }

  /** A look at the world: what it saw may arrive late, after what a later look saw, or not at all. */
  async look<T>(work: () => T): Promise<T> {
    const seen = work();
    if (this.hits(0.5)) await this.#time.pause(this.noise.between(1, 900));
    if (this.hits(0.05)) throw new KapalError('runtime_failed', 'simulated: nobody could look');
    return seen;
  }

  pause(least: number, most: number): Promise<void> {
    return this.#time.pause(this.noise.between(least, most));
  }
}
