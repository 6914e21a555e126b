import { KapalError } from '../../model/errors.ts';
import type { SourceFolder } from './source-folder.ts';

/** What says that a source is of a language that this version does not build. */
const unbuilt: readonly (readonly [file: string, language: string])[] = [
  ['mix.exs', 'Elixir'],
  ['deno.json', 'Deno'],
  ['deno.jsonc', 'Deno'],
];

const images = [
  'Dockerfile',
  'Containerfile',
  'compose.yaml',
  'compose.yml',
  'docker-compose.yml',
  'docker-compose.yaml',
];

/** Where ready-made sites lie, below the folder itself. */
const siteFolders = ['public', 'dist', 'build', 'out', '_site', 'www', 'site', 'docs'];

/** Files of languages that are not built, as `mix.exs (Elixir)`. */
export function otherLanguages(folder: SourceFolder): string[] {
  return unbuilt.filter(([file]) => folder.has(file)).map(([file, language]) => `${folder.nameOf(file)} (${language})`);
}

export function imageFiles(folder: SourceFolder): string[] {
  return images.filter((file) => folder.has(file)).map((file) => folder.nameOf(file));
}

/** The folders that hold an index.html: the folder itself alone when it does, else all of the usual ones that do. */
export function sitesIn(folder: SourceFolder): string[] {
  if (folder.has('index.html')) return ['.'];
  return siteFolders.filter((name) => folder.has(`${name}/index.html`));
}

/** Also for a Procfile whose commands are of such a language. */
export function unsupported(found: readonly string[]): KapalError {
  return new KapalError('nothing_to_deploy', `found ${found.join(', ')}, which this version of Kapal does not build`, {
    hint: 'Images need a runtime for them, which a later version brings. What runs elsewhere can be served by a proxy service: docs/guides/kapal-yaml.md',
  });
}
