import { type AskedVersion, compatible, filled, toolVersion, versionFile } from '../pinned-version.ts';
import type { SourceFolder } from '../source-folder.ts';
import type { Bundle } from './gemfile.ts';

/**
 * The Ruby that a project asks for. Bundler holds the Gemfile's own line against the machine's Ruby to the last number, and installs nothing for another;
 * files of version managers count with two numbers.
 */
export function askedRuby(folder: SourceFolder, bundle: Bundle | null): AskedVersion | null {
  return fromGemfile(folder, bundle) ?? versionFile(folder, '.ruby-version') ?? toolVersion(folder, 'ruby');
}

function fromGemfile(folder: SourceFolder, bundle: Bundle | null): AskedVersion | null {
  if (bundle === null) return null;
  const { rubyFile } = bundle;
  const written = rubyFile === null ? bundle.ruby : [exactly(folder, rubyFile)].filter((one) => one !== null);
  const ranges = written.map(rangeOf);
  if (ranges.length === 0 || ranges.includes(null)) return null;
  return { range: ranges.join(' '), text: written.join(', '), file: folder.nameOf(rubyFile ?? bundle.file) };
}

/** A word of `.ruby-version` or of the line of `.tool-versions`, as bundler reads them: `ruby-3.2.2`. */
function exactly(folder: SourceFolder, name: string): string | null {
  return /^(?:ruby[-\s]+)?(\d+(?:\.\d+)*)\s*$/m.exec(folder.read(name) ?? '')?.[1] ?? null;
}

/** Requirements of gems (`~> 3.1`, `>= 3.0`, `3.2.2`) as a range of node-semver. */
export function rangeOf(text: string): string | null {
  const match = /^\s*(~>|>=|<=|>|<|=)?\s*(\d+(?:\.\d+){0,2})(?:\.\d+|p\d+)?\s*$/.exec(text);
  if (match === null) return null;
  const [, operator = '=', version = ''] = match;
  if (operator === '~>') return compatible(version);
  return operator === '=' ? version : `${operator}${filled(version)}`;
}
