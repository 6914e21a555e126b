import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMissing } from '../../../lib/files.ts';

/**
 * What keys of session tickets are derived from, so that a ticket of one worker is good at every other, and after a restart. Keys change
 * with the hours by themselves, daemon or not; the daemon replaces the seed each day, and with it what old keys could be told from.
 */
export interface TicketSeed {
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** 32 bytes in hex. */
  readonly seed: string;
}

/** Milliseconds. */
const keyLifetime = 6 * 3_600_000;
export const seedLifetime = 24 * 3_600_000;

export function ticketFile(folder: string): string {
  return join(folder, 'tickets');
}

/** `null` where there is none, or a damaged one. */
export function readTicketSeed(folder: string): TicketSeed | null {
  try {
    const seed = JSON.parse(readFileSync(ticketFile(folder), 'utf8')) as Partial<TicketSeed>;
    if (typeof seed.since !== 'number' || typeof seed.seed !== 'string') return null;
    return { since: seed.since, seed: seed.seed };
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The number of the key that holds at a time. */
export function ticketPeriod(now: number): number {
  return Math.floor(now / keyLifetime);
}

/** 48 bytes: a name, a key of HMAC and a key of AES, 16 each. */
export function ticketKeyOf(seed: TicketSeed, period: number): Buffer {
  return createHmac('sha384', Buffer.from(seed.seed, 'hex')).update(`session tickets ${period}`).digest();
}
