import { ConnectionError, errorCode } from './codes.ts';

/** What one HTTP/2 connection may cost. Sizes in bytes. */
export const bounds = {
  /** SETTINGS_MAX_CONCURRENT_STREAMS. */
  streams: 128,
  /** SETTINGS_INITIAL_WINDOW_SIZE: what one request's body may be ahead of its endpoint. */
  streamWindow: 128 * 1024,
  /** The same over all streams. */
  connectionWindow: 512 * 1024,
  /** A header block as it comes, compressed, over all its frames; and how many frames (CVE-2024-27316). */
  blockSize: 64 * 1024,
  blockFrames: 32,
  /** What waits for the socket before bodies are held back; and before a client that does not read is given up. */
  outboxSize: 256 * 1024,
  outboxLimit: 1024 * 1024,
  /** Streams that ended lately are remembered, for frames that were on their way. */
  remembered: 256,
  /** Streams that were reset, refused or malformed (CVE-2023-44487): a browser that leaves a page resets a hundred at once. */
  resets: { burst: 400, perSecond: 40 },
  /** PING, SETTINGS, PRIORITY, empty and unknown frames, window updates without need. */
  control: { burst: 1000, perSecond: 100 },
} as const;

/** What a client may do that costs work and brings nothing. Each method throws ConnectionError when it is too much. */
export class Patience {
  readonly #resets: Budget;
  readonly #control: Budget;

  constructor(now: number) {
    this.#resets = new Budget(bounds.resets, now);
    this.#control = new Budget(bounds.control, now);
  }

  reset(now: number): void {
    if (!this.#resets.spend(now)) throw new ConnectionError(errorCode.enhanceYourCalm, 'too many resets');
  }

  nuisance(now: number): void {
    if (!this.#control.spend(now)) throw new ConnectionError(errorCode.enhanceYourCalm, 'too many control frames');
  }
}

/** A bucket of so many events that fills again with time. */
class Budget {
  readonly #burst: number;
  readonly #perMillisecond: number;
  #left: number;
  #filledAt: number;

  constructor({ burst, perSecond }: { readonly burst: number; readonly perSecond: number }, now: number) {
    this.#burst = burst;
    this.#perMillisecond = perSecond / 1000;
    this.#left = burst;
    this.#filledAt = now;
  }

  /** `false`: there was none left. */
  spend(now: number): boolean {
    if (this.#left < 1) {
      this.#left = Math.min(this.#burst, this.#left + (now - this.#filledAt) * this.#perMillisecond);
      this.#filledAt = now;
    }
    this.#left -= 1;
    return this.#left >= 0;
  }
}
