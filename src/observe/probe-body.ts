import type { IncomingMessage } from 'node:http';
import { shown } from '../spec/report.ts';

/** No more of an answer is looked at. Bytes. */
export const bodyLimit = 64 * 1024;

/** A text that the first 64 KiB of a body have to hold, looked for while it comes in. */
export class BodySearch {
  readonly #wanted: string;
  readonly #bytes: Buffer;
  readonly #seen = Buffer.alloc(bodyLimit);
  #length = 0;
  #found = false;
  #more = false;

  constructor(wanted: string) {
    this.#wanted = wanted;
    this.#bytes = Buffer.from(wanted);
  }

  /** Whether it is decided: the text is there, or no more is looked at. */
  take(part: Buffer): boolean {
    // A text that began in the part before ends in this one.
    const from = Math.max(0, this.#length - this.#bytes.length + 1);
    const copied = part.copy(this.#seen, this.#length);
    this.#more ||= copied < part.length;
    this.#length += copied;
    this.#found ||= this.#seen.subarray(0, this.#length).includes(this.#bytes, from);
    return this.#found || this.#more;
  }

  /** What was seen: `answered 200 without "ready" in its body, which is "starting"`. */
  verdict(status: number): { readonly ok: boolean; readonly detail: string } {
    if (this.#found) return { ok: true, detail: `answered ${status}` };
    const without = `answered ${status} without ${shown(this.#wanted)} in its body`;
    if (this.#length === 0) return { ok: false, detail: `${without}, which is empty` };
    const text = this.#seen.toString('utf8', 0, this.#length);
    const which = this.#more ? `the first ${bodyLimit / 1024} KiB of which were looked at: ` : 'which is ';
    return { ok: false, detail: `${without}, ${which}${shown(text)}` };
  }
}

/** Reads the body of an answer into a search. `decided` is called once; nothing after that is looked at. */
export function searchBody(
  response: IncomingMessage,
  wanted: string,
  decided: (verdict: ReturnType<BodySearch['verdict']>) => void,
): void {
  const search = new BodySearch(wanted);
  let open = true;
  const decide = (): void => {
    if (!open) return;
    open = false;
    decided(search.verdict(response.statusCode ?? 0));
  };
  response.on('data', (part: Buffer) => {
    if (open && search.take(part)) decide();
  });
  // Closed early, what came is what there is.
  response.on('close', decide);
}
