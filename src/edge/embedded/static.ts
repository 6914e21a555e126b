import type { StaticPool } from '../pool.ts';
import { cacheControlOf, contentTypeOf } from './content-types.ts';
import { acceptsCoding, precompressed } from './encodings.ts';
import { errorPage } from './pages.ts';
import type { StaticAnswer, StaticBody, StaticRequest } from './plane/types.ts';
import { evaluatePreconditions, rangeApplies } from './preconditions.ts';
import { parseRange, type ByteRange } from './ranges.ts';
import { openBelow, type OpenFile, resolveRoot } from './static-file.ts';

/** The file that answers a request: what it is called, and perhaps a compressed form of it. */
interface Chosen {
  readonly path: string;
  readonly file: OpenFile;
  readonly coding: string | null;
  readonly status: 200 | 404;
}

type Resolution = Chosen | { readonly redirect: string } | null;

/**
 * Answers GET and HEAD from the files of a release (RFC 9110): folders by their index.html, unknown addresses that a person navigates
 * to by the pool's fallback, the rest by 404.html or a page. Hidden names and links out of the folder are not there.
 * Rejects for faults of the disk only.
 */
export async function answerStatic(pool: StaticPool, request: StaticRequest): Promise<StaticAnswer> {
  const root = await resolveRoot(pool.root);
  const found = root === null || !isServable(request.path) ? null : await resolve({ root, pool, request });
  if (found === null) return notFound(request);
  if ('redirect' in found)
    return {
      status: 301,
      headers: [
        ['Location', found.redirect],
        ['Cache-Control', 'no-cache'],
      ],
      body: null,
    };
  return answerFile(found, request);
}

/** Whether there is a file for a path, or a folder with its index: what comes before rules. */
export async function hasFile(pool: StaticPool, path: string): Promise<boolean> {
  const root = await resolveRoot(pool.root);
  if (root === null || !isServable(path)) return false;
  const plain = path.replace(/\/{2,}/g, '/');
  if (plain.endsWith('/')) return isThere(root, `${plain}index.html`);
  return (await isThere(root, plain)) || isThere(root, `${plain}/index.html`);
}

async function resolve(at: {
  readonly root: string;
  readonly pool: StaticPool;
  readonly request: StaticRequest;
}): Promise<Resolution> {
  const { root, pool, request } = at;
  const path = request.path.replace(/\/{2,}/g, '/');
  if (path.endsWith('/')) {
    const index = await choose({ root, path: `${path}index.html`, request });
    if (index !== null) return index;
  } else {
    const found = await openBelow(root, path);
    if (found.kind === 'file') return compressed({ root, path, file: found, request });
    if (found.kind === 'folder' && (await isThere(root, `${path}/index.html`))) return { redirect: slashForm(request) };
  }
  if (pool.fallback !== null && isNavigation(request)) {
    const fallback = await choose({ root, path: `/${pool.fallback}`, request });
    if (fallback !== null) return fallback;
  }
  const page = await choose({ root, path: '/404.html', request });
  return page === null ? null : { ...page, status: 404 };
}

async function choose(at: {
  readonly root: string;
  readonly path: string;
  readonly request: StaticRequest;
}): Promise<Chosen | null> {
  const file = await openBelow(at.root, at.path);
  return file.kind === 'file' ? compressed({ ...at, file }) : null;
}

/** The compressed sibling that the client takes, else the file itself. */
async function compressed(at: {
  readonly root: string;
  readonly path: string;
  readonly file: OpenFile;
  readonly request: StaticRequest;
}): Promise<Chosen> {
  const accepted = at.request.headers.get('accept-encoding');
  for (const { coding, extension } of precompressed) {
    if (!acceptsCoding(accepted, coding)) continue;
    const sibling = await openBelow(at.root, at.path + extension);
    if (sibling.kind !== 'file') continue;
    at.file.close();
    return { path: at.path, file: sibling, coding, status: 200 };
  }
  return { path: at.path, file: at.file, coding: null, status: 200 };
}

async function isThere(root: string, path: string): Promise<boolean> {
  const found = await openBelow(root, path);
  if (found.kind === 'file') found.close();
  return found.kind === 'file';
}

function answerFile(chosen: Chosen, request: StaticRequest): StaticAnswer {
  const { file, status } = chosen;
  const headers = headersOf(chosen);
  if (status === 404) return { status, headers, body: bodyOf(file, { start: 0, end: file.size - 1 }) };
  const precondition = evaluatePreconditions(request.headers, file.validators);
  if (precondition !== 'proceed') {
    file.close();
    return {
      status: precondition === 'failed' ? 412 : 304,
      headers: precondition === 'failed' ? [] : headers,
      body: null,
    };
  }
  const range = rangeApplies(request.headers, file.validators)
    ? parseRange(request.headers.get('range'), file.size)
    : 'whole';
  if (range === 'unsatisfiable') {
    file.close();
    return { status: 416, headers: [['Content-Range', `bytes */${file.size}`]], body: null };
  }
  if (range === 'whole') return { status, headers, body: bodyOf(file, { start: 0, end: file.size - 1 }) };
  const partial: [string, string] = ['Content-Range', `bytes ${range.start}-${range.end}/${file.size}`];
  return { status: 206, headers: [...headers, partial], body: bodyOf(file, range) };
}

function headersOf(chosen: Chosen): [string, string][] {
  const { path, file, coding, status } = chosen;
  const headers: [string, string][] = [
    ['Content-Type', contentTypeOf(path)],
    ['X-Content-Type-Options', 'nosniff'],
    ['Vary', 'Accept-Encoding'],
  ];
  if (coding !== null) headers.push(['Content-Encoding', coding]);
  if (status === 404) return [...headers, ['Cache-Control', 'no-cache']];
  return [
    ...headers,
    ['Cache-Control', cacheControlOf(path)],
    ['ETag', file.validators.etag],
    ['Last-Modified', new Date(file.validators.modified * 1000).toUTCString()],
    ['Accept-Ranges', 'bytes'],
  ];
}

function bodyOf(file: OpenFile, range: ByteRange): StaticBody | null {
  if (file.size === 0) {
    file.close();
    return null;
  }
  return { length: range.end - range.start + 1, open: () => file.stream(range), discard: () => file.close() };
}

function notFound(request: StaticRequest): StaticAnswer {
  const page = errorPage(404, { accept: request.headers.get('accept'), id: '' });
  return {
    status: 404,
    headers: [
      ['Content-Type', page.contentType],
      ['Cache-Control', 'no-cache'],
    ],
    body: page.body,
  };
}

/** The plane has refused dot segments, NUL and backslashes; the disk is asked for none in any case. Of hidden names only `/.well-known` (RFC 8615) is public. */
function isServable(path: string): boolean {
  if (!path.startsWith('/') || /[\0\\]/.test(path)) return false;
  return path
    .split('/')
    .every((segment, index) => !segment.startsWith('.') || (index === 1 && segment === '.well-known'));
}

/** A person opening an address, as against a page asking for one of its parts: a script that is gone must not be answered with HTML. */
function isNavigation(request: StaticRequest): boolean {
  const mode = request.headers.get('sec-fetch-mode');
  if (mode !== null) return mode === 'navigate';
  if ((request.headers.get('accept') ?? '').includes('text/html')) return true;
  return !/\.[^/]*$/.test(request.path);
}

/** As it was sent, with one leading slash: `//host/` would lead to another site (RFC 3986 4.2). */
function slashForm(request: StaticRequest): string {
  const query = request.query === null ? '' : `?${request.query}`;
  return `/${request.rawPath.replace(/^\/+/, '')}/${query}`;
}
