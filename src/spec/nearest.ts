/** The name of the list that a mistyped name most probably meant, or `null` where none is near. */
export function nearest(name: string, names: Iterable<string>): string | null {
  const wanted = name.toLowerCase();
  let best: { readonly name: string; readonly distance: number } | null = null;
  for (const candidate of names) {
    const distance = distanceOf(wanted, candidate.toLowerCase());
    if (best === null || distance < best.distance) best = { name: candidate, distance };
  }
  if (best === null) return null;
  const letters = Math.max(wanted.length, best.name.length);
  // Of two letters one is no likeness.
  const close = best.distance <= (letters < 3 ? 0 : Math.max(1, Math.floor(letters / 3)));
  return close ? best.name : partOf(wanted, names);
}

/** `, did you mean startCommand?`, or nothing. */
export function suggestion(name: string, names: Iterable<string>): string {
  const near = nearest(name, names);
  return near === null ? '' : `, did you mean ${near}?`;
}

/** `publishPath` for `staticPublishPath`: far by letters, but one holds the other. Short names hold by chance. */
function partOf(wanted: string, names: Iterable<string>): string | null {
  if (wanted.length < 4) return null;
  for (const candidate of names) {
    const name = candidate.toLowerCase();
    if (name.length >= 4 && (name.includes(wanted) || wanted.includes(name))) return candidate;
  }
  return null;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). Names are short; longer texts are cut. */
function distanceOf(left: string, right: string): number {
  const a = left.slice(0, 64);
  const b = right.slice(0, 64);
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
