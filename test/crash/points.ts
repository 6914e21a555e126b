import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../../src', import.meta.url));

/** Every crash point that stands in the source, in the order of its files. */
export function pointsInSource(): string[] {
  return readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .toSorted()
    .flatMap((name) =>
      [...readFileSync(join(source, name), 'utf8').matchAll(/\bcrashpoint\('([^']+)'\)/g)].map(
        (found) => found[1] ?? '',
      ),
    );
}
