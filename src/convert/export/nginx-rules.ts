import { parseDestination, parseSource, type SourcePattern } from '../../model/path-pattern.ts';
import type { PathRuleSpec } from '../../spec/edge-spec.ts';
import { DOLLAR, type Lines, literal, quotedPattern } from './nginx-text.ts';

export interface WrittenRule {
  readonly lines: Lines;
  /** Why it cannot be said; `null`: it is. */
  readonly problem: string | null;
}

/**
 * A redirect or a rewrite. A redirect matches what the client sent (`$request_uri`), so that what it captures goes back encoded: of a decoded path a line
 * break would reach the header. A rewrite matches the decoded path, and nginx encodes what it asks.
 */
export function ruleLines(rule: PathRuleSpec): WrittenRule {
  const source = parseSource(rule.source);
  if ('problem' in source) return { lines: [], problem: source.problem };
  const destination = parseDestination(rule.destination, source);
  if ('problem' in destination) return { lines: [], problem: destination.problem };
  const put = (pieces: typeof destination.path): string =>
    pieces.map((piece) => ('literal' in piece ? dollars(piece.literal) : `\${${captured(piece.name)}}`)).join('');
  const path = put(destination.path);
  const query = destination.query === null ? null : put(destination.query);
  if (rule.kind === 'redirect') {
    const pattern = `^${patternOf(source, { raw: true })}(?:\\?.*)?$`;
    const target = `${destination.origin}${path}${query ?? '$is_args$args'}${put(destination.fragment)}`;
    return {
      lines: [`if ($request_uri ~ ${quotedPattern(pattern)}) {`, `    return ${rule.status} "${target}";`, '}'],
      problem: null,
    };
  }
  // A question mark at the end keeps the request's own query away.
  const target = query === null ? path : `${path}${query}?`;
  return {
    lines: [`rewrite ${quotedPattern(`^${patternOf(source, { raw: false })}$`)} "${target}" break;`],
    problem: null,
  };
}

function patternOf(source: SourcePattern, { raw }: { raw: boolean }): string {
  const one = raw ? '[^/?]+' : '[^/]+';
  const pieces = source.pieces.map((piece) =>
    'literal' in piece
      ? `/${literal(raw ? encoded(piece.literal) : decoded(piece.literal))}`
      : `/(?<${captured(piece.name)}>${one})`,
  );
  const end = source.rest ? `(?:/(?<${captured('*')}>${raw ? '[^?]*' : '.*'}))?` : source.slash ? '/' : '';
  return `${pieces.join('')}${end}`;
}

function captured(name: string): string {
  return name === '*' ? 'kapal_rest' : `kapal_${name}`;
}

function dollars(text: string): string {
  return text.replaceAll('$', `\${${DOLLAR}}`);
}

/** Patterns hold bytes, one character each. */
function encoded(bytes: string): string {
  return bytes.replaceAll(
    /[^\x21-\x7e]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

function decoded(bytes: string): string {
  return new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
}
