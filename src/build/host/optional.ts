import { readdir } from 'node:fs/promises';
import { delimiter, isAbsolute } from 'node:path';
import { satisfies } from 'semver';
import type { BetterWay, OptionalProgram } from '../../model/build-recipe.ts';
import type { BuildNote } from '../port.ts';
import { onPath } from './program-places.ts';
import { hasPart, sayVersion } from './programs.ts';

/** Where administrators' programs lie, which PATH of an ordinary user leaves out. */
const moreFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Where the programs of a better way lie, by their variables: all of them, or none. The note says which it is and, where one is missing, what brings it. */
export async function findBetter(
  { programs, present, absent }: BetterWay,
  path: string,
): Promise<{ readonly environment: Readonly<Record<string, string>>; readonly note: BuildNote }> {
  const folders = [...new Set([...path.split(delimiter).filter(isAbsolute), ...moreFolders])];
  const found = await Promise.all(programs.map(async (one) => ({ one, place: await find(one, folders) })));
  const missing = found.flatMap(({ one, place }) => (place === null ? [one] : []));
  if (missing.length > 0) return { environment: {}, note: { isWarning: true, text: `${absent} ${way(missing)}` } };
  const environment = Object.fromEntries(found.map(({ one, place }) => [one.variable, place ?? '']));
  return { environment, note: { isWarning: false, text: present } };
}

function way(missing: readonly OptionalProgram[]): string {
  const names = missing.map(nameOf).join(' or ');
  const packages = missing.flatMap((one) => one.packages).join(' ');
  return `This machine has no ${names}: sudo apt-get install ${packages} (Debian and Ubuntu) brings what is missing, for the next deploy.`;
}

function nameOf({ program, part, version: { asks } }: OptionalProgram): string {
  if (part !== undefined) return `${program} with ${part.name}`;
  return asks.kind === 'range' ? `${program} ${asks.range}` : `${program} in the version of ${asks.program}`;
}

/** The first whose version will do. */
async function find({ program, version, part }: OptionalProgram, folders: readonly string[]): Promise<string | null> {
  const path = folders.join(delimiter);
  const range = version.asks.kind === 'range' ? version.asks.range : await rangeAs(version.asks.program, path);
  for (const name of await namesOf(program, folders)) {
    const place = await onPath(name, path);
    const said = place === null ? null : await sayVersion(place, { args: version.args, path });
    if (place === null || said === null || range === null || !satisfies(said, range)) continue;
    if (part === undefined || (await hasPart(place, { part, path }))) return place;
  }
  return null;
}

/** `8.2` of PHP 8.2.36. */
async function rangeAs(program: string, path: string): Promise<string | null> {
  const place = await onPath(program, path);
  const said = place === null ? null : await sayVersion(place, { args: ['--version'], path });
  return said === null ? null : said.split('.').slice(0, 2).join('.');
}

/** The plain name before those with a number: `php-fpm`, `php-fpm8.2`, `php-fpm83`. */
async function namesOf(program: string, folders: readonly string[]): Promise<readonly string[]> {
  const lists = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])));
  const numbered = lists
    .flat()
    .filter((name) => name.startsWith(program) && /^\d+(?:\.\d+)?$/.test(name.slice(program.length)));
  return [program, ...new Set(numbered.toSorted())];
}
