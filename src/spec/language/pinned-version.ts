import type { SourceFolder } from './source-folder.ts';

/** A version that a project asks for. */
export interface AskedVersion {
  /** node-semver. */
  readonly range: string;
  /** Where it stands: `.python-version`. */
  readonly file: string;
  /** As it is written there. */
  readonly text: string;
}

/**
 * The version in a file of a version manager, which has one word: `3.11.4`, `ruby-3.2.2`, `python-3.9.7`. Machines follow the last number by their
 * updates, so two numbers count. Null for a name that is no version.
 */
export function versionFile(folder: SourceFolder, name: string): AskedVersion | null {
  const word = lines(folder.read(name))[0];
  return word === undefined ? null : pinned(word, folder.nameOf(name));
}

/** The same in `.tool-versions` of asdf and mise: a line `ruby 3.2.2`. */
export function toolVersion(folder: SourceFolder, tool: string): AskedVersion | null {
  const line = lines(folder.read('.tool-versions')).find((one) => one.split(/\s+/)[0] === tool);
  const word = line?.split(/\s+/)[1];
  return word === undefined ? null : pinned(word, folder.nameOf('.tool-versions'));
}

/** `^3.11`, `~=3.9`: up to the next number before the last one that is written (PEP 440; gems and composer call it `~>` and `~`). */
export function compatible(version: string): string {
  const numbers = version.split('.').map(Number);
  const [major = 0, minor = 0] = numbers;
  return numbers.length > 2 ? `>=${version} <${major}.${minor + 1}.0` : `>=${filled(version)} <${major + 1}.0.0`;
}

/** `3.8` as `3.8.0`. */
export function filled(version: string): string {
  const numbers = version.split('.');
  return [...numbers, '0', '0', '0'].slice(0, Math.max(3, numbers.length)).join('.');
}

function pinned(word: string, file: string): AskedVersion | null {
  const match = /^(?:[a-z]+-)?v?(\d+)(?:\.(\d+))?(?:\.\d+)?(?:[-.]?[a-z]+\d*)?$/i.exec(word);
  if (match === null) return null;
  const [, major = '', minor] = match;
  return { range: minor === undefined ? major : `${major}.${minor}`, file, text: word };
}

function lines(text: string | null): readonly string[] {
  const all = (text ?? '').replace(/^\uFEFF/, '').split(/\r?\n/);
  return all.map((line) => line.replace(/#.*/, '').trim()).filter((line) => line !== '');
}
