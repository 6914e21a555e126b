import type { Origin } from '../../spec/draft/note.ts';
import type { Places, Pm2Object } from './pm2-shape.ts';

/**
 * Looks for `field:` in the text. Where it stands there as often as there are apps that have the field, the app's own is taken; else the first one;
 * where it is nowhere, the beginning of the file.
 */
export function placesIn(text: string, { file, apps }: { file: string; apps: readonly Pm2Object[] }): Places {
  const place = (field: string, key: string, rank: { readonly nth: number; readonly all: number }): Origin => {
    const found = occurrences(text, key);
    const offset = (found.length === rank.all ? found[rank.nth] : found[0]) ?? 0;
    return { file, field, ...spot(text, offset) };
  };
  const ranked = (app: number, has: (one: Pm2Object) => boolean): { nth: number; all: number } => ({
    nth: apps.slice(0, app).filter(has).length,
    all: apps.filter(has).length,
  });
  return {
    of: (app, field) =>
      place(
        `apps[${app}].${field}`,
        field,
        ranked(app, (one) => field in one),
      ),
    variable: (app, { field, key }) =>
      place(
        `apps[${app}].${field}.${key}`,
        key,
        ranked(app, (one) => {
          const values = one[field];
          return typeof values === 'object' && values !== null && key in values;
        }),
      ),
    top: (field) => place(field, field, { nth: 0, all: 1 }),
  };
}

function occurrences(text: string, key: string): readonly number[] {
  const name = key.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return [...text.matchAll(new RegExp(String.raw`(?<![\w$.])["']?${name}["']?\s*(?=:|,|\})`, 'g'))].map(
    ({ index }) => index,
  );
}

function spot(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
