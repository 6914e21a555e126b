/** What a bench measured, held against what is to be reached. Each figure is printed as soon as it is known. */
export class Figures {
  #missed = 0;

  get reached(): boolean {
    return this.#missed === 0;
  }

  /** A number that may be `most` and no more. */
  atMost(name: string, measured: { readonly value: number; readonly most: number; readonly unit?: string }): void {
    const { value, most, unit = '' } = measured;
    this.holds(`${name}: ${rounded(value)}${unit}`, { wanted: `at most ${most}${unit}`, is: value <= most });
  }

  holds(name: string, { wanted, is }: { readonly wanted: string; readonly is: boolean }): void {
    if (!is) this.#missed += 1;
    console.log(`${is ? 'reached' : 'MISSED '}  ${name} (figure to reach: ${wanted})`);
  }

  /** The bench itself could not be carried out. */
  fail(reason: string): void {
    this.#missed += 1;
    console.log(`MISSED   ${reason}`);
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

function rounded(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1);
}
