import type { Random } from '../lib/clock.ts';

/** Letters and digits without those that look alike. 32 of them, so that five bits make one. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz023456789'.slice(0, 32);

/** `rollout-x7k2pq9w4m`: 50 random bits, safe in paths and host names. */
export function newId(prefix: string, random: Random, length = 10): string {
  return `${prefix}-${[...random.bytes(length)].map((byte) => alphabet[byte & 31]).join('')}`;
}
