/** What the client may still send, of bodies with their padding (RFC 9113 5.2): one for the connection, one for each stream. */
export class ReceiveWindow {
  readonly #size: number;
  readonly #step: number;
  readonly #grant: (bytes: number) => void;
  #left: number;
  #read = 0;

  /** `grant` tells the client that it may send so much more; not each read is worth a frame. */
  constructor(size: number, grant: (bytes: number) => void) {
    this.#size = size;
    this.#step = size / 4;
    this.#grant = grant;
    this.#left = size;
  }

  /** Bytes that came. `false`: more than was allowed. */
  take(bytes: number): boolean {
    this.#left -= bytes;
    return this.#left >= 0;
  }

  /** Bytes that were passed on: the client may send as many again. */
  giveBack(bytes: number): void {
    this.#read += bytes;
    if (this.#read < this.#step) return;
    this.#left = Math.min(this.#size, this.#left + this.#read);
    this.#grant(this.#read);
    this.#read = 0;
  }
}
