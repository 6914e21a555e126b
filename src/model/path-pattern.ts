/**
 * Patterns of paths, and what is made of what they capture. Texts here are byte strings, one character for each byte of UTF-8: a path that is no
 * UTF-8 goes through unharmed.
 */

/** A path as the segments that it leads through. */
export interface PathParts {
  /** Percent-decoded once; none is empty, `.` or `..`. */
  readonly segments: readonly string[];
  /** The same, as they were sent. */
  readonly raw: readonly string[];
  /** It ends with a slash; `/` does. */
  readonly slash: boolean;
}

type Piece = { readonly literal: string } | { readonly name: string };

export interface SourcePattern {
  readonly pieces: readonly Piece[];
  /** Ends with `*`. */
  readonly rest: boolean;
  readonly slash: boolean;
}

/** What a source has captured: segments by name, and what `*` took. */
export interface Captures {
  readonly named: ReadonlyMap<string, string>;
  readonly rest: readonly string[];
  /** The rest ends with a slash. */
  readonly slash: boolean;
}

export interface Destination {
  /** `https://host:port` in lower case, or empty for a path. */
  readonly origin: string;
  /** Literals and placeholders by turns; `*` is the rest. */
  readonly path: readonly Piece[];
  /** With its `?`; `null`: the request's own goes along. */
  readonly query: readonly Piece[] | null;
  /** With its `#`. */
  readonly fragment: readonly Piece[];
}

/** Why a text is no pattern, as the end of a sentence. */
export interface Unsound {
  readonly problem: string;
}

/** `null` where nobody should act on it: no slash at the beginning, broken percent encoding, NUL, `..` above the root. */
export function pathParts(path: string): PathParts | null {
  if (!path.startsWith('/') || /%(?![0-9A-Fa-f]{2})|%00|\0/.test(path)) return null;
  const segments: string[] = [];
  const raw: string[] = [];
  let slash = true;
  for (const part of path.slice(1).split('/')) {
    const decoded = decode(part);
    slash = decoded === '' || decoded === '.' || decoded === '..';
    if (decoded === '..' && segments.length === 0) return null;
    if (decoded === '..') {
      segments.pop();
      raw.pop();
    } else if (!slash) {
      segments.push(decoded);
      raw.push(part);
    }
  }
  return { segments, raw, slash };
}

/** `/docs/:page`, `/blog/*`. Escapes are decoded, so `%2A` is a star and `%3A` a colon. */
export function parseSource(text: string): SourcePattern | Unsound {
  if (!isWritable(text) || /[?#]/.test(text)) return { problem: 'holds a query, a backslash or what no path can hold' };
  const parts = pathParts(utf8(text));
  if (parts === null) return { problem: 'is no path that begins with / and is soundly encoded' };
  const pieces: Piece[] = [];
  const names = new Set<string>();
  for (const [index, raw] of parts.raw.entries()) {
    if (raw === '*' && index === parts.raw.length - 1 && !parts.slash) return { pieces, rest: true, slash: false };
    if (raw.includes('*')) return { problem: 'has a * that is not its last segment (write %2A for a star)' };
    const name = /^:([A-Za-z_]\w*)$/.exec(raw)?.[1];
    if (name === undefined && raw.startsWith(':'))
      return { problem: `has ${raw}, which is no :name (write %3A for a colon)` };
    if (name !== undefined && names.has(name)) return { problem: `has :${name} twice` };
    if (name !== undefined) names.add(name);
    pieces.push(name === undefined ? { literal: parts.segments[index] ?? '' } : { name });
  }
  return { pieces, rest: false, slash: parts.slash };
}

export function matchSource(pattern: SourcePattern, path: PathParts): Captures | null {
  const { pieces, rest } = pattern;
  const { segments } = path;
  if (rest ? segments.length < pieces.length : segments.length !== pieces.length || path.slash !== pattern.slash)
    return null;
  const named = new Map<string, string>();
  for (const [index, piece] of pieces.entries()) {
    const segment = segments[index] ?? '';
    if ('name' in piece) named.set(piece.name, segment);
    else if (piece.literal !== segment) return null;
  }
  const left = segments.slice(pieces.length);
  return { named, rest: left, slash: path.slash && left.length > 0 };
}

/** A path, or an absolute http(s) URL, with the names that `source` captures. */
export function parseDestination(text: string, source: SourcePattern): Destination | Unsound {
  if (!isWritable(text)) return { problem: 'holds a backslash, a blank or what no address can hold' };
  const [, origin = '', path = '', query = '', fragment = ''] =
    /^(https?:\/\/[^/?#]*)?([^?#]*)(\?[^#]*)?(#.*)?$/i.exec(text) ?? [];
  if (origin !== '' && !isOrigin(origin))
    return { problem: 'has a host that is no plain host name with or without a port' };
  if (origin === '' ? !path.startsWith('/') : path !== '' && !path.startsWith('/'))
    return { problem: 'is neither a path nor an http or https address' };
  if (path.includes('//')) return { problem: 'holds //' };
  if (pathParts(utf8(path === '' ? '/' : path)) === null || /%(?![0-9A-Fa-f]{2})/.test(query + fragment))
    return { problem: 'is not soundly encoded' };
  if (path.split('/').some(isDots)) return { problem: 'has a segment of dots alone' };
  const unknown = [path, query, fragment].flatMap((part) => unknownNames(part, source));
  if (unknown[0] !== undefined) return { problem: `uses ${unknown[0]}, which its source does not capture` };
  return {
    origin: origin.toLowerCase(),
    path: piecesOf(path === '' ? '/' : path),
    query: query === '' ? null : piecesOf(query),
    fragment: piecesOf(fragment),
  };
}

/** `query`: the request's, with its `?`, or empty. The path never begins with `//`, whatever was captured. */
export function expand(destination: Destination, captures: Captures, query: string): string {
  const { origin, path, fragment } = destination;
  // A rest of nothing between two slashes would make two of them one after the other, which at the beginning lead to another host (RFC 3986 4.2).
  const expanded = put(path, captures).replace(/\/{2,}/g, '/');
  return `${origin}${expanded}${destination.query === null ? query : put(destination.query, captures)}${put(fragment, captures)}`;
}

/** Path and query without a fragment, as it is asked of a pool. */
export function isAskable(destination: Destination): boolean {
  return destination.origin === '' && destination.fragment.length === 0;
}

function put(pieces: readonly Piece[], captures: Captures): string {
  let text = '';
  for (const piece of pieces) {
    if ('literal' in piece) text += piece.literal;
    else if (piece.name !== '*') text += encode(captures.named.get(piece.name) ?? '');
    else text += captures.rest.map(encode).join('/') + (captures.slash ? '/' : '');
  }
  return text;
}

function piecesOf(text: string): Piece[] {
  return text
    .split(/(:[A-Za-z_]\w*|\*)/)
    .filter((part) => part !== '')
    .map((part) => {
      if (part === '*') return { name: '*' };
      return /^:[A-Za-z_]/.test(part) ? { name: part.slice(1) } : { literal: escaped(utf8(part)) };
    });
}

function unknownNames(text: string, source: SourcePattern): string[] {
  const known = new Set(source.pieces.flatMap((piece) => ('name' in piece ? [`:${piece.name}`] : [])));
  if (source.rest) known.add('*');
  return (text.match(/:[A-Za-z_]\w*|\*/g) ?? []).filter((name) => !known.has(name));
}

/** With or without a placeholder beside them: an empty rest would leave the dots, which lead elsewhere. */
function isDots(segment: string): boolean {
  const literal = segment.replaceAll('*', '').replace(/:[A-Za-z_]\w*/g, '');
  return /^(?:\.|%2e)+$/i.test(literal);
}

function isOrigin(origin: string): boolean {
  const authority = origin.slice(origin.indexOf('//') + 2);
  const [, port = '0'] = /:(\d{1,5})$/.exec(authority) ?? [];
  const host = authority.replace(/:\d{1,5}$/, '');
  const isName = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(host);
  return (isName || /^\[[0-9A-Fa-f:.]{2,45}\]$/.test(host)) && Number(port) <= 65_535;
}

/** No control character, blank, backslash, quotation mark or angle bracket: those are written as escapes. */
function isWritable(text: string): boolean {
  return !/[\0-\x20\x7f-\xa0\\"<>^`{|}\ufffd]/.test(text) && text.length <= 2048 && text.isWellFormed();
}

/** All that is not visible ASCII as escapes; escapes that are there stay. */
function escaped(bytes: string): string {
  return bytes.replace(/[^\x21-\x7e]/g, escapeByte);
}

function encode(bytes: string): string {
  return bytes.replace(/[^A-Za-z0-9._~-]/g, escapeByte);
}

function escapeByte(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

function decode(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function utf8(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');
}
