import { inspect } from 'node:util';

const shown = '[secret]';

/** A text that never prints: only `reveal` gives it out, every other way to text (templates, JSON, `console.log`, errors, loggers) says `[secret]`. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  [Symbol.toPrimitive](): string {
    return shown;
  }

  get [Symbol.toStringTag](): string {
    return 'secret';
  }

  [inspect.custom](): string {
    return shown;
  }
}
