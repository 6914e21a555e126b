import { extname } from 'node:path';

/** Content types by extension, as registered with IANA; text carries its charset, for HTTP's default is none (RFC 9110 8.3.2). */
const types: ReadonlyMap<string, string> = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.htm', 'text/html; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.mjs', 'text/javascript; charset=utf-8'],
  ['.cjs', 'text/javascript; charset=utf-8'],
  ['.json', 'application/json'],
  ['.map', 'application/json'],
  ['.webmanifest', 'application/manifest+json'],
  ['.xml', 'application/xml'],
  ['.rss', 'application/rss+xml'],
  ['.atom', 'application/atom+xml'],
  ['.txt', 'text/plain; charset=utf-8'],
  ['.md', 'text/markdown; charset=utf-8'],
  ['.csv', 'text/csv; charset=utf-8'],
  ['.ics', 'text/calendar; charset=utf-8'],
  ['.yaml', 'application/yaml'],
  ['.yml', 'application/yaml'],
  ['.svg', 'image/svg+xml'],
  ['.png', 'image/png'],
  ['.jpg', 'image/jpeg'],
  ['.jpeg', 'image/jpeg'],
  ['.gif', 'image/gif'],
  ['.webp', 'image/webp'],
  ['.avif', 'image/avif'],
  ['.ico', 'image/x-icon'],
  ['.bmp', 'image/bmp'],
  ['.woff', 'font/woff'],
  ['.woff2', 'font/woff2'],
  ['.ttf', 'font/ttf'],
  ['.otf', 'font/otf'],
  ['.mp3', 'audio/mpeg'],
  ['.ogg', 'audio/ogg'],
  ['.wav', 'audio/wav'],
  ['.m4a', 'audio/mp4'],
  ['.mp4', 'video/mp4'],
  ['.webm', 'video/webm'],
  ['.mov', 'video/quicktime'],
  ['.pdf', 'application/pdf'],
  ['.wasm', 'application/wasm'],
  ['.zip', 'application/zip'],
  ['.gz', 'application/gzip'],
  ['.tar', 'application/x-tar'],
  ['.docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  ['.xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
  ['.pptx', 'application/vnd.openxmlformats-officedocument.presentationml.presentation'],
]);

export function contentTypeOf(path: string): string {
  return types.get(extname(path).toLowerCase()) ?? 'application/octet-stream';
}

/** A year, without asking again, for a name that changes with its content; HTML and everything else is asked for each time. */
export function cacheControlOf(path: string): string {
  return isFingerprinted(path) ? 'public, max-age=31536000, immutable' : 'no-cache';
}

/** Whether a name changes with its content. Wrongly yes is a file that visitors keep for a year, so dates, versions and words must not pass. */
function isFingerprinted(path: string): boolean {
  if (/\.html?$/i.test(path)) return false;
  return WHOLLY_FINGERPRINTED.test(path) || hasHexHash(path) || (BUNDLED.test(path) && hasShortHash(path));
}

/** Folders of which their framework promises it: SvelteKit's `immutable`, all of Next.js's static output. */
const WHOLLY_FINGERPRINTED = /(?:^|\/)(?:_app\/immutable|_next\/static)\//;

/** Folders that bundlers fill, where a short base64 hash is believed. */
const BUNDLED = /(?:^|\/)(?:assets|_astro|_nuxt|static\/(?:css|js|media))\//;

/** `main.3f2a1b9c.js`, `app-3f2a1b9c0d1e.chunk.css`: letters and digits both, or `report-20240131.pdf` would pass. */
function hasHexHash(path: string): boolean {
  const run = /[.-]([0-9a-f]{8,64})(?:\.[a-z0-9]+)+$/.exec(path)?.[1];
  return run !== undefined && /\d/.test(run) && /[a-f]/.test(run);
}

/** `index-B3kx9aQz.js`: eight of both cases with a digit, and no word with a number (`Version2`). */
function hasShortHash(path: string): boolean {
  const run = /[.-]([A-Za-z0-9_-]{8})\.[a-z0-9]+(?:\.map)?$/.exec(path)?.[1];
  if (run === undefined || /^[A-Z]?[a-z]+\d+$/.test(run)) return false;
  return /[a-z]/.test(run) && /[A-Z]/.test(run) && /\d/.test(run);
}
