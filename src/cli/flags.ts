import { failure } from '../api/contract/exit.ts';

/** Options of one command line by their long names in camel case. */
export class Flags {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values[name] === true;
  }

  /** Whether `--no-NAME` was given. */
  isOff(name: string): boolean {
    return this.#values[name] === false;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** A whole number. Throws `usage` for anything else, and outside of the range. */
  count(name: string, { least, most }: { least: number; most: number }): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw failure('usage', `--${name} ${text}: expected a whole number from ${least} to ${most}`);
  }

  /** One of some words. Throws `usage` naming them. */
  choice<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const text = this.text(name);
    const found = words.find((word) => word === text);
    if (text === undefined || found !== undefined) return found;
    throw failure('usage', `--${name} ${text}: expected ${words.join(' or ')}`);
  }
}
