import { type AskedVersion, compatible, filled, toolVersion, versionFile } from '../pinned-version.ts';
import type { SourceFolder } from '../source-folder.ts';
import type { Composer } from './composer.ts';

/** The PHP that a project asks for: `.php-version`, `.tool-versions`, else what composer.json requires. */
export function askedPhp(folder: SourceFolder, composer: Composer | null): AskedVersion | null {
  const pinned = versionFile(folder, '.php-version') ?? toolVersion(folder, 'php');
  if (pinned !== null) return pinned;
  const text = composer?.php ?? null;
  const range = text === null ? null : rangeOf(text);
  return text === null || range === null ? null : { range, text, file: folder.nameOf('composer.json') };
}

/** Composer's constraints (`^8.1`, `~8.1`, `7.4.* || >=8.0 <8.4`) as a range of node-semver. Null for what is not understood, which asks for nothing then. */
export function rangeOf(text: string): string | null {
  const ranges = text.split(/\s*\|\|?\s*/).map(allOf);
  return ranges.includes(null) ? null : ranges.join(' || ');
}

function allOf(text: string): string | null {
  const between = /^\s*(\d+(?:\.\d+)*)\s+-\s+(\d+(?:\.\d+)*)\s*$/.exec(text);
  if (between !== null) return `${filled(between[1] ?? '')} - ${between[2]}`;
  const clauses = text.replaceAll(/([<>=!~^])\s+/g, '$1').split(/[\s,]+/);
  const found = clauses.filter((clause) => clause !== '' && clause !== '*').map(clauseOf);
  if (found.includes(null)) return null;
  return found.filter((one) => one !== '').join(' ') || '*';
}

function clauseOf(clause: string): string | null {
  const match = /^(~|\^|>=|<=|>|<|!=|==?)?v?(\d+(?:\.\d+){0,2})(?:\.\d+)?(\.\*|\.x)?(?:[-@]\w+)?$/.exec(clause);
  if (match === null) return null;
  const [, operator = '=', version = ''] = match;
  switch (operator) {
    case '~':
      return compatible(version);
    case '!=':
      return '';
    case '=':
    case '==':
      return version;
    case '^':
      return `^${version}`;
    default:
      return `${operator}${filled(version)}`;
  }
}
