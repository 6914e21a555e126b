import { kindOf, type Value } from '../yaml/value.ts';
import type { Kind, Reading } from './shape.ts';

/** What a kind takes, in the words of errors and of the manual. */
export function expectation(kind: Kind): string {
  switch (kind.kind) {
    case 'text':
      return 'text';
    case 'command':
      return 'a command (text)';
    case 'glob':
      return 'a glob such as "packages/ui/**"';
    case 'path':
      return 'a relative path';
    case 'host':
      return 'a host name such as shop.example.com';
    case 'domain':
      return 'a host name such as shop.example.com, or with a path: shop.example.com/api';
    case 'address':
      return 'host:port, http://host:port or https://host';
    case 'schedule':
      return 'a schedule such as "30 2 * * *" or "@hourly"';
    case 'time-zone':
      return 'a time zone such as Europe/Berlin';
    case 'network':
      return 'an address or a network such as 10.0.0.0/8';
    case 'header':
      return 'the name of a header';
    case 'headers':
      return 'a mapping (header: value)';
    case 'client':
      return 'ip, or header:NAME';
    case 'pattern':
      return 'a path such as /blog/* or /users/:id';
    case 'destination':
      return 'a path that begins with /, or an http(s) URL';
    case 'url-path':
      return 'a path that begins with /';
    case 'mount-path':
      return 'a folder of the service, or an absolute path';
    case 'number':
      return `a number from ${kind.min} to ${kind.max}`;
    case 'scalar':
      return 'text, a number, true or false';
    case 'flag':
      return 'true or false';
    case 'any':
      return 'anything';
    case 'whole':
      return `a whole number${kind.unit === 's' ? ' of seconds' : ''} from ${kind.min} to ${kind.max}`;
    case 'size':
      return `a size of at least ${sizeText(kind.min)}, such as "512MB" or "2GB"`;
    case 'choice':
      return kind.values.length === 1 ? `${kind.values[0]}` : `one of ${kind.values.join(', ')}`;
    case 'list':
      return `a list of ${kind.of.kind === 'object' ? 'mappings' : 'values'}`;
    case 'word-or':
      return `${kind.word}, or ${expectation(kind.of)}`;
    case 'one-or-more':
      return `${expectation(kind.of)}, or a list of them`;
    case 'object':
      return 'a mapping (name: value)';
  }
}

/** Says what was expected and what is there. A text that is there is not repeated: it may be a secret in the wrong place. */
export function mismatch(value: Value, at: Reading, kind: Kind): undefined {
  const quotes = takesText(kind) && value.kind === 'scalar' && value.value !== null ? ': put it in quotes' : '';
  at.report.refuse({ ...value.at, path: at.path }, `expected ${expectation(kind)}, found ${kindOf(value)}${quotes}`);
  return undefined;
}

function takesText({ kind }: Kind): boolean {
  const quoted = ['text', 'command', 'path', 'glob', 'host', 'domain', 'network', 'header', 'client', 'mount-path'];
  return [...quoted, 'schedule', 'time-zone'].includes(kind);
}

export function refuseAt(value: Value, at: Reading, message: string): undefined {
  at.report.refuse({ ...value.at, path: at.path }, message);
  return undefined;
}

export function textOf(value: Value): string | null {
  return value.kind === 'scalar' && typeof value.value === 'string' ? value.value : null;
}

/** Bytes of `KB`, `MB`, `GB`, `TB`. */
export const units: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** `100MB`, `1.5GB`: the largest unit that says it in a few digits. */
export function sizeText(bytes: number): string {
  for (const unit of ['t', 'g', 'm', 'k']) {
    const count = bytes / (units[unit] ?? 1);
    if (count >= 1 && Number.isInteger(count * 10)) return `${count}${unit.toUpperCase()}B`;
  }
  return `${bytes} bytes`;
}
