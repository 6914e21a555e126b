import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { get, type Reply } from '../integration/edge-fixture.ts';
import { tell } from './edge-strictness-client.ts';
import { type EngineUnderTest, engines } from './engines.ts';

const modified = new Date('2025-03-01T10:20:30.250Z');

for (const kind of engines) {
  describe(`static files: ${kind.name}`, () => {
    const hall: Hall = { under: null, sites: 0 };
    before(async () => {
      hall.under = await kind.make();
      await hall.under.edge.ensure();
    });
    after(() => hall.under?.[Symbol.asyncDispose]());
    found(hall);
    kept(hall);
    conditions(hall);
    parts(hall);
    compressed(hall);
  });
}

function found(hall: Hall): void {
  test('a file, with its type, validators and caching', async () => {
    using site = await Site.serve(hall, {
      'a b/page.html': '<p>hi</p>',
      'app-3f2a1b9c0d1e.js': 'js',
      'x.bin': 'x',
    });
    const { status, headers, body } = await site.ask('/a%20b/page.html');
    assert.deepEqual([status, body], [200, '<p>hi</p>']);
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    assert.equal(headers['last-modified'], 'Sat, 01 Mar 2025 10:20:30 GMT');
    assert.match(headers.etag ?? '', /^"[^"]+"$/);
    assert.equal(headers['cache-control'], 'no-cache');
    assert.equal(headers['accept-ranges'], 'bytes');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['vary'], 'Accept-Encoding');
    assert.equal(headers['server'], undefined);
    assert.equal(
      (await site.ask('/app-3f2a1b9c0d1e.js')).headers['cache-control'],
      'public, max-age=31536000, immutable',
    );
    assert.equal((await site.ask('/x.bin')).headers['content-type'], 'application/octet-stream');
  });

  test('a folder by its index, and without the slash a redirect that keeps query and coding', async () => {
    using site = await Site.serve(hall, {
      'index.html': 'top',
      'caf\u00e9/index.html': 'docs',
      'empty/x.txt': 'x',
    });
    assert.equal((await site.ask('/')).body, 'top');
    assert.equal((await site.ask('/caf%C3%A9/')).body, 'docs');
    const moved = await site.ask('/caf%C3%A9?x=1&y');
    assert.deepEqual(
      [moved.status, moved.headers.location, moved.headers['cache-control']],
      [301, '/caf%C3%A9/?x=1&y', 'no-cache'],
    );
    assert.equal((await site.ask('/empty')).status, 404);
    assert.equal((await site.ask('/empty/')).status, 404);
  });

  test('a redirect never leads to another site', async () => {
    using site = await Site.serve(hall, { 'evil.example/index.html': 'x' });
    assert.equal((await site.ask('//evil.example')).headers.location, '/evil.example/');
  });

  test('nothing: a page, or JSON for who asks for it, or the site\u2019s own 404.html', async () => {
    using site = await Site.serve(hall, { 'a.txt': 'x' });
    const page = await site.ask('/absent', { accept: 'text/html' });
    assert.deepEqual([page.status, page.headers['cache-control']], [404, 'no-cache']);
    assert.match(page.body, /<!doctype html>/);
    const json = await site.ask('/absent', { accept: 'application/json' });
    assert.equal((JSON.parse(json.body) as { error: { status: number } }).error.status, 404);
    site.write('404.html', 'our own');
    const own = await site.ask('/absent', { range: 'bytes=0-1' });
    assert.deepEqual(
      [own.status, own.body, own.headers.etag, own.headers['last-modified']],
      [404, 'our own', undefined, undefined],
    );
    assert.equal((await site.ask('/a.txt/')).status, 404);
    assert.equal((await site.ask('/a.txt/b')).status, 404);
  });

  test('the fallback of a single-page app, for navigations only', async () => {
    using site = await Site.serve(hall, { 'index.html': 'app', 'app.js': 'js' });
    const ask = (path: string, headers: Record<string, string> = {}): Promise<Reply> =>
      site.ask(path, { host: site.app, ...headers });
    assert.equal((await ask('/orders/17')).body, 'app');
    assert.equal((await ask('/people/j.doe', { accept: 'text/html,*/*' })).body, 'app');
    assert.equal((await ask('/orders/17', { 'sec-fetch-mode': 'cors' })).status, 404);
    assert.equal((await ask('/old.js', { accept: '*/*' })).status, 404);
    assert.equal((await ask('/old.js', { 'sec-fetch-mode': 'no-cors', accept: 'text/html' })).status, 404);
    assert.equal((await ask('/orders/17')).headers['cache-control'], 'no-cache');
  });

  test('HEAD is GET without its body, other methods are refused and their bodies are no requests', async () => {
    using site = await Site.serve(hall, { 'a.txt': '0123456789' });
    const head = await tell(site.port, [`HEAD /a.txt HTTP/1.1\r\nHost: ${site.plain}\r\nConnection: close\r\n\r\n`]);
    assert.match(head.text, /^HTTP\/1\.1 200 /);
    assert.match(head.text, /\r\ncontent-length: 10\r\n/i);
    assert.ok(head.text.endsWith('\r\n\r\n'));
    const hidden = `GET /a.txt HTTP/1.1\r\nHost: ${site.plain}\r\n\r\n`;
    const post = await tell(site.port, [
      `POST /a.txt HTTP/1.1\r\nHost: ${site.plain}\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    ]);
    assert.equal(post.statuses[0], 405);
    assert.match(post.text, /\r\nallow: GET, HEAD\r\n/i);
    assert.ok(!post.text.includes('0123456789'));
    const long = await tell(site.port, [
      `GET /a.txt HTTP/1.1\r\nHost: ${site.plain}\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    ]);
    assert.equal(long.text.split('0123456789').length, 2);
  });

  test('large files whole, an empty one, and a root that is gone', async () => {
    using site = await Site.serve(hall, { 'big.bin': 'x'.repeat(3 << 20), 'empty.txt': '' });
    assert.equal((await site.ask('/big.bin')).body.length, 3 << 20);
    const empty = await site.ask('/empty.txt');
    assert.deepEqual([empty.status, empty.body, empty.headers['content-length']], [200, '', '0']);
    assert.equal((await site.ask('/empty.txt', { range: 'bytes=0-' })).status, 416);
    rmSync(site.root, { recursive: true });
    assert.equal((await site.ask('/big.bin')).status, 404);
  });
}

function kept(hall: Hall): void {
  test('hidden names stay private, except .well-known at the top', async () => {
    using site = await Site.serve(hall, {
      '.env': 'SECRET',
      '.git/config': 'x',
      'a/.b/c': 'x',
      '.well-known/security.txt': 'ok',
      'a/.well-known/x': 'x',
    });
    for (const path of [
      '/.env',
      '/%2eenv',
      '//.env',
      '/.git/config',
      '/a/.b/c',
      '/a/.well-known/x',
      '/.well-known/.x',
      '/a/../.env',
    ]) {
      assert.equal((await site.ask(path)).status, 404, path);
    }
    assert.equal((await site.ask('/.well-known/security.txt')).body, 'ok');
  });

  test('dot segments, NUL, backslashes and hidden slashes lead nowhere', async () => {
    using site = await Site.serve(hall, { 'a.txt': 'x' });
    writeFileSync(join(site.base, 'secret.txt'), 'secret');
    for (const path of [
      '/../secret.txt',
      '/%2e%2e/secret.txt',
      '/a.txt%00',
      '/..%5csecret.txt',
      '/..%2fsecret.txt',
      '/x/..%2f..%2fsecret.txt',
      '/%2e%2e%2f%2e%2e%2fetc%2fpasswd',
    ]) {
      const { status, body } = await site.ask(path);
      assert.ok(status === 400 || status === 404, `${path} ${status}`);
      assert.ok(!body.includes('secret'), path);
    }
    assert.equal((await site.ask('/./b/../a.txt')).body, 'x');
  });

  test('links that lead out of the folder, at any depth; links inside it are followed; a FIFO neither blocks nor answers', async () => {
    using site = await Site.serve(hall, { 'docs/a.txt': 'inside' });
    mkdirSync(join(site.base, 'public-private'));
    writeFileSync(join(site.base, 'public-private', 'secret.txt'), 'secret');
    symlinkSync('../public-private/secret.txt', join(site.root, 'file'));
    symlinkSync('../public-private', join(site.root, 'folder'));
    symlinkSync('/etc/passwd', join(site.root, 'passwd'));
    symlinkSync('/proc/self/environ', join(site.root, 'environ'));
    symlinkSync('loop', join(site.root, 'loop'));
    symlinkSync('docs', join(site.root, 'latest'));
    const program = 'mkfifo';
    execFileSync(program, [join(site.root, 'pipe')]);
    for (const path of [
      '/file',
      '/folder/secret.txt',
      '/folder',
      '/folder/',
      '/passwd',
      '/environ',
      '/loop',
      '/pipe',
    ]) {
      assert.equal((await site.ask(path)).status, 404, path);
    }
    assert.equal((await site.ask('/latest/a.txt')).body, 'inside');
  });
}

function conditions(hall: Hall): void {
  test('conditions are looked at in the order of RFC 9110', async () => {
    using site = await Site.serve(hall, { 'a.txt': '0123456789' });
    const first = await site.ask('/a.txt');
    const etag = first.headers.etag ?? '';
    const since = first.headers['last-modified'] ?? '';
    const old = 'Sat, 01 Mar 2025 10:20:29 GMT';
    const cases: readonly (readonly [headers: Record<string, string>, status: number])[] = [
      [{ 'if-none-match': etag }, 304],
      [{ 'if-none-match': `"other", W/${etag}` }, 304],
      [{ 'if-none-match': '*' }, 304],
      [{ 'if-none-match': '"other"' }, 200],
      [{ 'if-modified-since': since }, 304],
      [{ 'if-modified-since': old }, 200],
      [{ 'if-modified-since': 'yesterday' }, 200],
      [{ 'if-none-match': '"other"', 'if-modified-since': since }, 200],
      [{ 'if-none-match': etag, 'if-modified-since': old }, 304],
      [{ 'if-match': '"other"' }, 412],
      [{ 'if-match': `W/${etag}` }, 412],
      [{ 'if-match': etag }, 200],
      [{ 'if-match': etag, 'if-unmodified-since': old }, 200],
      [{ 'if-unmodified-since': old }, 412],
      [{ 'if-unmodified-since': since }, 200],
    ];
    for (const [headers, status] of cases) {
      const answer = await site.ask('/a.txt', headers);
      assert.equal(answer.status, status, JSON.stringify(headers));
      if (status === 304) assert.deepEqual([answer.body, answer.headers.etag], ['', etag]);
    }
  });

  test('another content is another tag, also of the same size and second', async () => {
    using site = await Site.serve(hall, { 'a.txt': 'one' });
    const before = (await site.ask('/a.txt')).headers.etag;
    rmSync(join(site.root, 'a.txt'));
    writeFileSync(join(site.root, 'a.txt'), 'two');
    utimesSync(join(site.root, 'a.txt'), modified, new Date(modified.getTime() + 1));
    assert.notEqual((await site.ask('/a.txt')).headers.etag, before);
  });
}

function parts(hall: Hall): void {
  test('one range is answered in part, what cannot be is refused, several are ignored', async () => {
    using site = await Site.serve(hall, { 'a.txt': '0123456789' });
    const cases: readonly (readonly [range: string, status: number, body: string, contentRange?: string])[] = [
      ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
      ['bytes=7-', 206, '789', 'bytes 7-9/10'],
      ['bytes=-3', 206, '789', 'bytes 7-9/10'],
      ['bytes=-99', 206, '0123456789', 'bytes 0-9/10'],
      ['bytes=5-999', 206, '56789', 'bytes 5-9/10'],
      ['bytes=0-', 206, '0123456789', 'bytes 0-9/10'],
      ['bytes=10-', 416, '', 'bytes */10'],
      ['bytes=-0', 416, '', 'bytes */10'],
      ['bytes=0-1,4-5', 200, '0123456789'],
      ['bytes=4-2', 200, '0123456789'],
      ['bytes=-', 200, '0123456789'],
      ['lines=1-2', 200, '0123456789'],
    ];
    for (const [range, status, body, contentRange] of cases) {
      const answer = await site.ask('/a.txt', { range });
      assert.deepEqual(
        [answer.status, answer.body, answer.headers['content-range']],
        [status, body, contentRange],
        range,
      );
      assert.equal(answer.headers['content-length'], String(body.length), range);
    }
  });

  test('If-Range sends the part only of the same state', async () => {
    using site = await Site.serve(hall, { 'a.txt': '0123456789' });
    const { headers } = await site.ask('/a.txt');
    const cases: readonly (readonly [field: string, status: number])[] = [
      [headers.etag ?? '', 206],
      [`W/${headers.etag ?? ''}`, 200],
      ['"other"', 200],
      [headers['last-modified'] ?? '', 206],
      ['Sat, 01 Mar 2025 10:20:31 GMT', 200],
    ];
    for (const [field, status] of cases) {
      assert.equal((await site.ask('/a.txt', { range: 'bytes=0-0', 'if-range': field })).status, status, field);
    }
  });
}

function compressed(hall: Hall): void {
  test('of compressed siblings the densest that the client takes, each with its own tag', async () => {
    using site = await Site.serve(hall, {
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
    const tags = new Set<string | undefined>();
    for (const [path, accepts, body, coding] of cases) {
      const answer = await site.ask(path, { 'accept-encoding': accepts });
      assert.deepEqual([answer.body, answer.headers['content-encoding']], [body, coding], `${path} ${accepts}`);
      assert.equal(answer.headers['vary'], 'Accept-Encoding');
      assert.equal(answer.headers['content-type'], 'text/javascript; charset=utf-8');
      tags.add(answer.headers.etag);
    }
    assert.equal(tags.size, 5);
  });
}

/** One engine for all cases: each has a folder, hosts and pools of its own, and tables only follow each other. */
interface Hall {
  under: EngineUnderTest | null;
  sites: number;
}

/** A folder with a site in it, served under two hosts: as it is, and as a single-page app. Beside it there is room for what must stay private. */
class Site implements Disposable {
  readonly base = mkdtempSync(join(tmpdir(), 'kapal-site-'));
  readonly root = join(this.base, 'public');
  readonly plain: string;
  readonly app: string;
  readonly #under: EngineUnderTest;

  private constructor(under: EngineUnderTest, number: number) {
    this.#under = under;
    this.plain = `files${number}.test`;
    this.app = `app${number}.test`;
  }

  static async serve(hall: Hall, files: Readonly<Record<string, string>>): Promise<Site> {
    if (hall.under === null) throw new Error('the engine did not start');
    hall.sites += 1;
    const site = new Site(hall.under, hall.sites);
    mkdirSync(site.root);
    for (const [name, text] of Object.entries(files)) site.write(name, text);
    const pool = { kind: 'static', service: 'test/production/site', root: site.root } as const;
    await hall.under.edge.apply({
      version: hall.sites,
      routes: [
        { host: site.plain, path: '/', pool: `s${hall.sites}` },
        { host: site.app, path: '/', pool: `a${hall.sites}` },
      ],
      pools: [
        { ...pool, id: `s${hall.sites}`, fallback: null },
        { ...pool, id: `a${hall.sites}`, fallback: 'index.html' },
      ],
      streams: [],
    });
    return site;
  }

  get port(): number {
    return this.#under.http;
  }

  write(name: string, text: string): void {
    const path = join(this.root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    utimesSync(path, modified, modified);
  }

  ask(path: string, headers: Record<string, string> = {}): Promise<Reply> {
    return get(this.port, path, { headers: { host: this.plain, ...headers } });
  }

  [Symbol.dispose](): void {
    rmSync(this.base, { recursive: true, force: true });
  }
}
