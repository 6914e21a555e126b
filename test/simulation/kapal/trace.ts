/** All that happened, as one number: two runs with the same number went the same way. The last lines are kept for people. */
export class Trace {
  #hash = 0x811c9dc5;
  #count = 0;
  readonly #last: string[] = [];
  readonly #kept: number;
  readonly #now: () => number;

  constructor(options: { readonly now: () => number; readonly kept?: number }) {
    this.#now = options.now;
    this.#kept = options.kept ?? 0;
  }

  note(text: string): void {
    const now = this.#now();
    this.#count += 1;
    this.#mix(now);
    // FNV-1a (https://www.rfc-editor.org/rfc/rfc9923) over the units of the text.
    for (let index = 0; index < text.length; index += 1) this.#mix(text.charCodeAt(index));
    if (this.#kept === 0) return;
    this.#last.push(`${now.toFixed(0).padStart(8)} ${text}`);
    if (this.#last.length > this.#kept * 2) this.#last.splice(0, this.#kept);
  }

  get digest(): string {
    return `${this.#count}-${(this.#hash >>> 0).toString(16).padStart(8, '0')}`;
  }

  get last(): readonly string[] {
    return this.#last.slice(-this.#kept);
  }

  #mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ (value & 0xffffff), 0x01000193);
  }
}
