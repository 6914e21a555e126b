import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { answerStatic } from '../../../src/edge/embedded/static.ts';
import type { StaticAnswer } from '../../../src/edge/embedded/plane/types.ts';

const modified = new Date('2025-03-01T10:20:30.250Z');

/** A folder with a site in it, and another beside it that must stay private. */
class Site implements Disposable {
  readonly base = mkdtempSync(join(tmpdir(), 'kapal-static-'));
  readonly root = join(this.base, 'public');
  readonly fallback: string | null;

  constructor(files: Readonly<Record<string, string>>, fallback: string | null = null) {
    this.fallback = fallback;
    mkdirSync(this.root);
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  write(name: string, text: string): void {
    const path = join(this.root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    utimesSync(path, modified, modified);
  }

  async ask(
    path: string,
    headers: Readonly<Record<string, string>> = {},
    query: string | null = null,
  ): Promise<Answered> {
    const pool = { kind: 'static', id: 's', service: 'a/b/s', root: this.root, fallback: this.fallback } as const;
    const lookup = { get: (name: string) => headers[name] ?? null };
    const answer = await answerStatic(pool, {
      method: 'GET',
      path: decodeURIComponent(path),
      rawPath: path,
      query,
      headers: lookup,
    });
    return {
      status: answer.status,
      headers: Object.fromEntries(answer.headers.map(([name, value]) => [name.toLowerCase(), value])),
      body: await textOf(answer),
    };
  }

  /** Descriptors of this process that point into the site. */
  open(): string[] {
    return readdirSync('/proc/self/fd')
      .map((name) => {
        try {
          return readlinkSync(`/proc/self/fd/${name}`);
        } catch {
          return '';
        }
      })
      .filter((path) => path.startsWith(this.base));
  }

  /** Resolves when no descriptor is left open; fails after two seconds. */
  async closed(): Promise<void> {
    const deadline = performance.now() + 2000;
    while (this.open().length > 0) {
      assert.ok(performance.now() < deadline, this.open().join());
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.base, { recursive: true, force: true });
  }
}

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

async function textOf(answer: StaticAnswer): Promise<string> {
  if (answer.body === null) return '';
  if (Buffer.isBuffer(answer.body)) return answer.body.toString();
  const bytes = await buffer(answer.body.open());
  assert.equal(bytes.length, answer.body.length);
  return bytes.toString();
}

describe('what is found', () => {
  test('a file, with its type, validators and caching', async () => {
    using site = new Site({ 'a b/page.html': '<p>hi</p>' });
    const { status, headers, body } = await site.ask('/a%20b/page.html');
    assert.equal(status, 200);
    assert.equal(body, '<p>hi</p>');
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    assert.equal(headers['last-modified'], 'Sat, 01 Mar 2025 10:20:30 GMT');
    assert.match(headers['etag'] ?? '', /^"[^"]+"$/);
    assert.equal(headers['cache-control'], 'no-cache');
    assert.equal(headers['accept-ranges'], 'bytes');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    await site.closed();
  });

  test('a folder by its index, and without the slash a redirect that keeps query and coding', async () => {
    using site = new Site({ 'index.html': 'top', 'caf\u00e9/index.html': 'docs' });
    assert.equal((await site.ask('/')).body, 'top');
    assert.equal((await site.ask('/caf%C3%A9/')).body, 'docs');
    const moved = await site.ask('/caf%C3%A9', {}, 'x=1&y');
    assert.deepEqual([moved.status, moved.headers['location']], [301, '/caf%C3%A9/?x=1&y']);
  });

  test('a redirect never leads to another site', async () => {
    using site = new Site({ 'evil.example/index.html': 'x' });
    assert.equal((await site.ask('//evil.example')).headers['location'], '/evil.example/');
  });

  test('nothing: a page, or JSON for who asks for it, or the site\u2019s own 404.html', async () => {
    using site = new Site({ 'a.txt': 'x' });
    const page = await site.ask('/absent', { accept: 'text/html' });
    assert.equal(page.status, 404);
    assert.match(page.body, /<!doctype html>/);
    const json = await site.ask('/absent', { accept: 'application/json' });
    assert.equal((JSON.parse(json.body) as { error: { status: number } }).error.status, 404);
    site.write('404.html', 'our own');
    const own = await site.ask('/absent');
    assert.deepEqual([own.status, own.body, own.headers['etag']], [404, 'our own', undefined]);
    assert.equal((await site.ask('/a.txt/')).status, 404);
    assert.equal((await site.ask('/a.txt/b')).status, 404);
  });

  test('a root that is gone answers 404', async () => {
    using site = new Site({});
    rmSync(site.root, { recursive: true });
    assert.equal((await site.ask('/')).status, 404);
  });

  test('an empty file', async () => {
    using site = new Site({ 'empty.txt': '' });
    const { status, body } = await site.ask('/empty.txt', { range: 'bytes=0-' });
    assert.deepEqual([status, body], [416, '']);
    assert.equal((await site.ask('/empty.txt')).status, 200);
    await site.closed();
  });

  test('the fallback of a single-page app, for navigations only', async () => {
    using site = new Site({ 'index.html': 'app', 'app.js': 'js' }, 'index.html');
    assert.equal((await site.ask('/orders/17')).body, 'app');
    assert.equal((await site.ask('/people/j.doe', { accept: 'text/html,*/*' })).body, 'app');
    assert.equal((await site.ask('/orders/17', { 'sec-fetch-mode': 'cors' })).status, 404);
    assert.equal((await site.ask('/old.js', { accept: '*/*' })).status, 404);
    assert.equal((await site.ask('/old.js', { 'sec-fetch-mode': 'no-cors', accept: 'text/html' })).status, 404);
    assert.equal((await site.ask('/orders/17')).headers['cache-control'], 'no-cache');
  });
});

describe('what stays private', () => {
  test('hidden names, except .well-known at the top', async () => {
    using site = new Site({
      '.env': 'SECRET',
      '.git/config': 'x',
      'a/.b/c': 'x',
      '.well-known/security.txt': 'ok',
      'a/.well-known/x': 'x',
    });
    for (const path of ['/.env', '/.git/config', '/a/.b/c', '/a/.well-known/x', '/.well-known/.x']) {
      assert.equal((await site.ask(path)).status, 404, path);
    }
    assert.equal((await site.ask('/.well-known/security.txt')).body, 'ok');
  });

  test('dot segments, NUL and backslashes, should the plane let them pass', async () => {
    using site = new Site({ 'a.txt': 'x' });
    writeFileSync(join(site.base, 'secret.txt'), 'secret');
    for (const path of ['/../secret.txt', '/%2e%2e/secret.txt', '/a.txt%00', '/..%5csecret.txt', '/./a.txt', 'a.txt']) {
      assert.equal((await site.ask(path)).status, 404, path);
    }
  });

  test('links that lead out of the folder, at any depth; links inside it are followed', async () => {
    using site = new Site({ 'docs/a.txt': 'inside' });
    mkdirSync(join(site.base, 'public-private'));
    writeFileSync(join(site.base, 'public-private', 'secret.txt'), 'secret');
    symlinkSync('../public-private/secret.txt', join(site.root, 'file'));
    symlinkSync('../public-private', join(site.root, 'folder'));
    symlinkSync('/etc/passwd', join(site.root, 'passwd'));
    symlinkSync('loop', join(site.root, 'loop'));
    symlinkSync('docs', join(site.root, 'latest'));
    for (const path of ['/file', '/folder/secret.txt', '/folder', '/folder/', '/passwd', '/loop']) {
      assert.equal((await site.ask(path)).status, 404, path);
    }
    assert.equal((await site.ask('/latest/a.txt')).body, 'inside');
    await site.closed();
  });

  test('a root that is itself a link', async () => {
    using site = new Site({ 'a.txt': 'x' });
    const link = join(site.base, 'current');
    symlinkSync('public', link);
    const pool = { kind: 'static', id: 's', service: 'a/b/s', root: link, fallback: null } as const;
    const request = {
      method: 'GET',
      path: '/a.txt',
      rawPath: '/a.txt',
      query: null,
      headers: { get: () => null },
    } as const;
    assert.equal(await textOf(await answerStatic(pool, request)), 'x');
  });

  test('a FIFO neither blocks nor answers', async () => {
    using site = new Site({});
    const program = 'mkfifo';
    execFileSync(program, [join(site.root, 'pipe')]);
    assert.equal((await site.ask('/pipe')).status, 404);
    await site.closed();
  });
});

describe('conditions and parts', () => {
  test('If-None-Match and If-Modified-Since answer 304 with the validators', async () => {
    using site = new Site({ 'a.txt': '0123456789' });
    const first = await site.ask('/a.txt');
    const etag = first.headers['etag'] ?? '';
    for (const field of [etag, `"other", W/${etag}`, '*']) {
      const again = await site.ask('/a.txt', { 'if-none-match': field });
      assert.deepEqual([again.status, again.body, again.headers['etag']], [304, '', etag]);
    }
    assert.equal((await site.ask('/a.txt', { 'if-none-match': '"other"' })).status, 200);
    const since = first.headers['last-modified'] ?? '';
    assert.equal((await site.ask('/a.txt', { 'if-modified-since': since })).status, 304);
    assert.equal((await site.ask('/a.txt', { 'if-modified-since': 'Sat, 01 Mar 2025 10:20:29 GMT' })).status, 200);
    assert.equal((await site.ask('/a.txt', { 'if-modified-since': 'yesterday' })).status, 200);
    assert.equal((await site.ask('/a.txt', { 'if-none-match': '"other"', 'if-modified-since': since })).status, 200);
    await site.closed();
  });

  test('If-Match and If-Unmodified-Since answer 412', async () => {
    using site = new Site({ 'a.txt': 'x' });
    assert.equal((await site.ask('/a.txt', { 'if-match': '"other"' })).status, 412);
    assert.equal((await site.ask('/a.txt', { 'if-unmodified-since': 'Fri, 28 Feb 2025 10:20:30 GMT' })).status, 412);
    await site.closed();
  });

  test('another content is another tag, also of the same size and second', async () => {
    using site = new Site({ 'a.txt': 'one' });
    const before = (await site.ask('/a.txt')).headers['etag'];
    rmSync(join(site.root, 'a.txt'));
    writeFileSync(join(site.root, 'a.txt'), 'two');
    utimesSync(join(site.root, 'a.txt'), modified, new Date(modified.getTime() + 1));
    assert.notEqual((await site.ask('/a.txt')).headers['etag'], before);
  });

  test('one range is answered in part, what cannot be is refused, several are ignored', async () => {
    using site = new Site({ 'a.txt': '0123456789' });
    const parts: readonly (readonly [range: string, status: number, body: string, contentRange?: string])[] = [
      ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
      ['bytes=7-', 206, '789', 'bytes 7-9/10'],
      ['bytes=-3', 206, '789', 'bytes 7-9/10'],
      ['bytes=-99', 206, '0123456789', 'bytes 0-9/10'],
      ['bytes=5-999', 206, '56789', 'bytes 5-9/10'],
      ['bytes=10-', 416, '', 'bytes */10'],
      ['bytes=-0', 416, '', 'bytes */10'],
      ['bytes=0-1,4-5', 200, '0123456789'],
      ['bytes=4-2', 200, '0123456789'],
      ['bytes=-', 200, '0123456789'],
      ['lines=1-2', 200, '0123456789'],
    ];
    for (const [range, status, body, contentRange] of parts) {
      const answer = await site.ask('/a.txt', { range });
      assert.deepEqual(
        [answer.status, answer.body, answer.headers['content-range']],
        [status, body, contentRange],
        range,
      );
    }
    await site.closed();
  });

  test('If-Range sends the part only of the same state', async () => {
    using site = new Site({ 'a.txt': '0123456789' });
    const { headers } = await site.ask('/a.txt');
    const etag = headers['etag'] ?? '';
    const cases: readonly (readonly [field: string, status: number])[] = [
      [etag, 206],
      [`W/${etag}`, 200],
      ['"other"', 200],
      [headers['last-modified'] ?? '', 206],
      ['Sat, 01 Mar 2025 10:20:31 GMT', 200],
    ];
    for (const [field, status] of cases) {
      assert.equal((await site.ask('/a.txt', { range: 'bytes=0-0', 'if-range': field })).status, status, field);
    }
  });

  test('a file that is replaced while it is sent is sent as it was', async () => {
    using site = new Site({ 'a.txt': 'old content' });
    const pool = { kind: 'static', id: 's', service: 'a/b/s', root: site.root, fallback: null } as const;
    const request = {
      method: 'GET',
      path: '/a.txt',
      rawPath: '/a.txt',
      query: null,
      headers: { get: () => null },
    } as const;
    const answer = await answerStatic(pool, request);
    rmSync(join(site.root, 'a.txt'));
    site.write('a.txt', 'new');
    assert.equal(await textOf(answer), 'old content');
  });

  test('a body that nobody wants is closed', async () => {
    using site = new Site({ 'a.txt': 'x' });
    const pool = { kind: 'static', id: 's', service: 'a/b/s', root: site.root, fallback: null } as const;
    const request = {
      method: 'HEAD',
      path: '/a.txt',
      rawPath: '/a.txt',
      query: null,
      headers: { get: () => null },
    } as const;
    const { body } = await answerStatic(pool, request);
    assert.ok(body !== null && !Buffer.isBuffer(body));
    assert.equal(body.length, 1);
    assert.equal(site.open().length, 1);
    body.discard?.();
    await site.closed();
  });
});

describe('compressed siblings', () => {
  test('the densest that the client takes', async () => {
    using site = new Site({
      'a.js': 'plain',
      'a.js.br': 'brotli',
      'a.js.gz': 'gzip',
      'b.js': 'plain',
      'b.js.gz': 'gzip',
    });
    const cases: readonly (readonly [path: string, accepts: string, body: string, coding: string | undefined])[] = [
      ['/a.js', 'gzip, deflate, br', 'brotli', 'br'],
      ['/a.js', 'gzip', 'gzip', 'gzip'],
      ['/a.js', 'br;q=0, gzip;q=0.5', 'gzip', 'gzip'],
      ['/a.js', '*', 'brotli', 'br'],
      ['/a.js', '*;q=0', 'plain', undefined],
      ['/a.js', 'identity', 'plain', undefined],
      ['/b.js', 'br, GZIP', 'gzip', 'gzip'],
      ['/b.js', 'br', 'plain', undefined],
    ];
    for (const [path, accepts, body, coding] of cases) {
      const answer = await site.ask(path, { 'accept-encoding': accepts });
      assert.deepEqual([answer.body, answer.headers['content-encoding']], [body, coding], `${path} ${accepts}`);
      assert.equal(answer.headers['vary'], 'Accept-Encoding');
      assert.equal(answer.headers['content-type'], 'text/javascript; charset=utf-8');
    }
    await site.closed();
  });

  test('each form has its own tag', async () => {
    using site = new Site({ 'a.js': 'same', 'a.js.gz': 'same' });
    const plain = await site.ask('/a.js');
    const gzip = await site.ask('/a.js', { 'accept-encoding': 'gzip' });
    assert.notEqual(plain.headers['etag'], gzip.headers['etag']);
  });
});
