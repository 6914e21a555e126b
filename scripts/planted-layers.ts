/** One planted import for every ordered pair of places under src/, shallow and deep, static and in the other forms an import has. */
import { posix } from 'node:path';
import { mayImport, portLayers } from './layers.ts';
import type { Plant } from './planted-rules.ts';

const places = Object.keys(mayImport);

/** A file in each place for the plants to import. */
export function layerTargets(): Record<string, string> {
  const files = [...places.map(targetOf), 'src/lib/errors.ts', 'src/main.ts'];
  return Object.fromEntries(files.map((file) => [file, 'export const target = 1;\n']));
}

export function layerPlants(): Plant[] {
  return places.flatMap((from) => [
    ...[...places, 'lib/errors.ts'].filter((to) => to !== from).flatMap((to) => pair(from, to)),
    ...(from === 'daemon' ? [] : plantsAt(from, 'src/main.ts', false)),
    ...(isFlat(from) || from === 'daemon' ? [] : [deepOwn(from)]),
  ]);
}

function pair(from: string, to: string): Plant[] {
  // lib's own file, whoever else may use it.
  if (from === 'lib' && to === 'lib/errors.ts') return [];
  return plantsAt(
    from,
    to === 'lib/errors.ts' ? 'src/lib/errors.ts' : targetOf(to),
    mayImport[from]?.includes(to) === true,
  );
}

/** From the folder itself and from a folder below it: the number of `../` differs, so a pattern may match one and miss the other. */
function plantsAt(from: string, target: string, allowed: boolean): Plant[] {
  const folders = isFlat(from) ? [`src/${from}`] : [`src/${from}`, `src/${from}/deep`];
  return folders.map((folder) => plant(folder, target, allowed));
}

/** A folder below a place uses the place's own files. */
function deepOwn(place: string): Plant {
  return plant(`src/${place}/deep`, targetOf(place), true);
}

function plant(folder: string, target: string, allowed: boolean): Plant {
  const relative = posix.relative(folder, target);
  const specifier = relative.startsWith('.') ? relative : `./${relative}`;
  const name = `${folder} imports ${target}`;
  const file = `${folder}/from-${target.replaceAll(/[/.]/g, '-')}.ts`;
  const text = `import { target } from '${specifier}';\nexport const seen = target;\n`;
  return allowed ? { name, file, text } : { name, file, text, rule: 'no-restricted-imports' };
}

function targetOf(place: string): string {
  return `src/${place}/target.ts`;
}

/** Below a port's folder a driver begins, and the contract has no folders. */
function isFlat(place: string): boolean {
  return place === 'api/contract' || portLayers.some((port) => port === place);
}
