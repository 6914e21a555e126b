import { editDistance } from '../model/nearest.ts';

/** The name of the list that a mistyped name most probably meant, or `null` where none is near. */
export function nearest(name: string, names: Iterable<string>): string | null {
  const wanted = name.toLowerCase();
  let best: { readonly name: string; readonly distance: number } | null = null;
  for (const candidate of names) {
    // Names are short; longer texts are cut.
    const distance = editDistance(wanted.slice(0, 64), candidate.toLowerCase().slice(0, 64));
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
