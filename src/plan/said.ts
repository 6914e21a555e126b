/** How values are said in the reasons of a plan: equal texts mean equal values. */

/** Quoted, so that no text reads as `none`, and on one line with nothing that a terminal obeys. Exact: different texts stay different. */
export function quoted(text: string | null): string {
  if (text === null) return 'none';
  return JSON.stringify(text).replace(
    /[\p{Cf}\p{Zl}\p{Zp}\u007f-\u009f]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

export function seconds(milliseconds: number): string {
  return String(milliseconds / 1000);
}

const units = [
  ['GB', 1024 ** 3],
  ['MB', 1024 ** 2],
  ['KB', 1024],
] as const;

/** `100MB`; exact, so that two sizes never read the same. */
export function size(bytes: number | null): string {
  if (bytes === null) return 'none';
  const [unit, factor] = units.find(([, one]) => bytes >= one && bytes % one === 0) ?? ['', 1];
  return `${bytes / factor}${unit}`;
}

export function list(items: readonly string[]): string {
  return items.length === 0 ? 'none' : items.join(', ');
}
