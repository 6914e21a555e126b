import { isInside, type SourceFolder } from '../source-folder.ts';

/**
 * Where `ng build` writes the pages of the only application that angular.json names (https://angular.dev/reference/configs/workspace-config). The builder
 * `application` of Angular 17 has a folder for the browser in it; older ones write into the folder itself. Null without a file that says it.
 */
export function angularOutput(folder: SourceFolder): string | null {
  const projects = Object.entries(recordOf(parsed(folder.read('angular.json'))['projects']));
  const able = projects.flatMap(([name, project]) => {
    const target = recordOf(recordOf(recordOf(project)['architect'] ?? recordOf(project)['targets'])['build']);
    const builder = target['builder'];
    const isLibrary = recordOf(project)['projectType'] === 'library';
    return typeof builder === 'string' && !isLibrary ? [{ name, builder, options: recordOf(target['options']) }] : [];
  });
  const [only, ...others] = able;
  if (only === undefined || others.length > 0) return null;
  const path = outputOf(only);
  return isInside(path) ? path.replace(/\/+$/, '') : null;
}

function outputOf({
  name,
  builder,
  options,
}: {
  readonly name: string;
  readonly builder: string;
  readonly options: Readonly<Record<string, unknown>>;
}): string {
  const written = options['outputPath'];
  const hasBrowser = builder.endsWith(':application');
  if (typeof written === 'string') return hasBrowser ? `${written}/browser` : written;
  const { base, browser } = recordOf(written);
  if (typeof base === 'string')
    return browser === '' ? base : `${base}/${typeof browser === 'string' ? browser : 'browser'}`;
  return hasBrowser ? `dist/${name}/browser` : `dist/${name}`;
}

/** A file that is no JSON says nothing here: `ng build` tells what is wrong with it. */
function parsed(text: string | null): Readonly<Record<string, unknown>> {
  try {
    return recordOf(JSON.parse(text ?? '{}'));
  } catch {
    return {};
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  // The cast: an object that is no list is read by its names alone, and their values are looked at before they are used.
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
