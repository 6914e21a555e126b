import type { DeclarationFiles } from '../files.ts';
import { inside } from './package-json.ts';

/** Where ready-made sites lie, below the folder itself. */
const siteFolders = ['public', 'dist', 'build', 'out', '_site', 'www', 'site', 'docs'];

/** What says that a source is of a language that this version does not build. */
const languages: readonly (readonly [file: string, language: string])[] = [
  ['requirements.txt', 'Python'],
  ['pyproject.toml', 'Python'],
  ['Pipfile', 'Python'],
  ['manage.py', 'Python'],
  ['go.mod', 'Go'],
  ['composer.json', 'PHP'],
  ['index.php', 'PHP'],
  ['Gemfile', 'Ruby'],
  ['pom.xml', 'Java'],
  ['build.gradle', 'Java'],
  ['build.gradle.kts', 'Java'],
  ['Cargo.toml', 'Rust'],
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

/** Files of other languages in a folder, as `requirements.txt (Python)`. */
export function otherLanguages(files: DeclarationFiles, folder: string): string[] {
  const names = new Set(files.list(folder));
  return languages
    .filter(([file]) => names.has(file))
    .map(([file, language]) => `${inside(folder, file)} (${language})`);
}

export function imageFiles(files: DeclarationFiles, folder: string): string[] {
  const names = new Set(files.list(folder));
  return images.filter((file) => names.has(file)).map((file) => inside(folder, file));
}

/** The folders that hold an index.html: the folder itself alone when it does, else all of the usual ones that do. */
export function sitesIn(files: DeclarationFiles, folder: string): string[] {
  if (files.list(folder).includes('index.html')) return ['.'];
  return siteFolders.filter((name) => files.list(inside(folder, name)).includes('index.html'));
}
