import type { Noise } from '../noise.ts';
import { type anyVariant, declarationOf, type Shape, shapes, type Variant } from './declaration.ts';

/** Writes declarations: what one says of a service holds until a later one says something else. */
export class Author {
  readonly shapes: readonly Shape[];
  readonly #noise: Noise;
  readonly #variants = new Map<string, Variant>();
  #versions = 0;

  constructor(noise: Noise) {
    this.#noise = noise;
    this.shapes = shapes(noise);
  }

  /** What the declaration says of a service now. */
  variant(name: string): Variant | undefined {
    return this.#variants.get(name);
  }

  /** Every service has changed. */
  all(make: typeof anyVariant): string {
    for (const { name } of this.shapes) this.#renew(name, make);
    return this.#text(this.shapes);
  }

  /** One service has changed. */
  only(name: string, make: typeof anyVariant): string {
    for (const shape of this.shapes)
      if (shape.name === name || !this.#variants.has(shape.name)) this.#renew(shape.name, make);
    return this.#text(this.shapes);
  }

  /** The others, changed; null where there are none. */
  without(name: string, make: typeof anyVariant): string | null {
    const left = this.shapes.filter((shape) => shape.name !== name);
    for (const shape of left) this.#renew(shape.name, make);
    return left.length === 0 ? null : this.#text(left);
  }

  same(): string {
    return this.#text(this.shapes);
  }

  /** Nothing but the value of a variable has changed, of every service. */
  otherTokens(): string {
    for (const [name, variant] of this.#variants) this.#variants.set(name, { ...variant, token: `${variant.token}-b` });
    return this.#text(this.shapes);
  }

  #renew(name: string, make: typeof anyVariant): void {
    this.#versions += 1;
    this.#variants.set(name, make(this.#noise, this.#versions));
  }

  #text(of: readonly Shape[]): string {
    return declarationOf(
      of.flatMap((shape) => {
        const variant = this.#variants.get(shape.name);
        return variant === undefined ? [] : [{ shape, variant }];
      }),
    );
  }
}
