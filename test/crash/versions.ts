import { copyFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { locateNginx } from '../../src/edge/nginx/locate.ts';
import { checkout, type TestKapal } from '../e2e/kapal.ts';
import { type Changes, commented, writeVersion } from '../integration/edge-version.ts';

/** Two versions of Kapal, whose engines differ. */
export interface Versions {
  /** Their folders. */
  readonly one: string;
  readonly other: string;
  /** What an upgrade of the machine does to nginx's program: another file in its place. Nothing with the other engine. */
  readonly replaceProgram: () => void;
}

/** This checkout and a changed copy of it; with nginx two copies, which look for its program in the folder of the test. */
export async function versionsFor(kapal: TestKapal, edge: 'embedded' | 'nginx'): Promise<Versions> {
  const next = join(kapal.folder, 'kapal-next');
  const changed = commented('the next version');
  if (edge === 'embedded') {
    writeVersion(next, changed);
    return { one: checkout, other: next, replaceProgram: () => undefined };
  }
  const found = await locateNginx();
  if (!found.found) throw new Error(found.why);
  const program = join(kapal.folder, 'nginx');
  const replaceProgram = (): void => {
    copyFileSync(found.program, `${program}.new`);
    renameSync(`${program}.new`, program);
  };
  replaceProgram();
  const first = join(kapal.folder, 'kapal-first');
  const own: Changes = {
    'edge/nginx/locate.ts': (text) => text.replace('programs: [', `programs: [\n    ${JSON.stringify(program)},`),
  };
  writeVersion(first, own);
  writeVersion(next, { ...changed, ...own });
  return { one: first, other: next, replaceProgram };
}
