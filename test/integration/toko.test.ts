/** The example app, as a visitor and as a supervisor meet it: build, start on a free port, search, stop in good order. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';

const source = join(import.meta.dirname, '..', '..', 'examples', 'toko');

interface Listing {
  readonly total: number;
  readonly products: readonly { readonly id: number; readonly name: string; readonly price: number }[];
}

interface Shop extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly origin: string;
}

describe('examples/toko', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kapal-toko-'));
    cpSync(source, folder, { recursive: true, filter: (path) => !path.endsWith('.db') });
    // What `npm run build` runs, without the second it takes npm to start.
    assert.equal(script('build'), 'node build.js');
    execFileSync(process.execPath, ['build.js'], { cwd: folder });
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  test('builds the same catalogue every time', () => {
    const first = readFileSync(join(folder, 'toko.db'));
    execFileSync(process.execPath, ['build.js'], { cwd: folder });
    assert.ok(first.equals(readFileSync(join(folder, 'toko.db'))));
  });

  test('finds products by the beginnings of their words, page by page', async () => {
    await using shop = await open(folder);
    const first = await listing(shop, '/products?q=kopi%20gay&limit=2');
    assert.equal(first.total, 100);
    assert.deepEqual(
      first.products.map((product) => product.name).filter((name) => !name.startsWith('Kopi Gayo')),
      [],
    );
    const second = await listing(shop, '/products?q=kopi%20gay&limit=2&offset=2');
    assert.equal(new Set([...first.products, ...second.products].map((product) => product.id)).size, 4);
    assert.equal((await listing(shop, '/products')).total, 2000);
    assert.equal((await listing(shop, '/products?q=%22%20NEAR(')).total, 0);
  });

  test('says who answers', async () => {
    await using shop = await open(folder, { KAPAL_INSTANCE: 'i-1', KAPAL_RELEASE: '7' });
    const whoami: unknown = await (await fetch(`${shop.origin}/whoami`)).json();
    assert.deepEqual(whoami, { name: 'toko', version: '1.0.0', instance: 'i-1', release: '7', pid: shop.process.pid });
    assert.equal((await fetch(`${shop.origin}/healthz`)).status, 200);
  });

  test('gives a body back, and refuses one that is too large or not what it claims', async () => {
    await using shop = await open(folder);
    const json = { 'content-type': 'application/json' };
    const echoed = await fetch(`${shop.origin}/echo`, { method: 'POST', headers: json, body: '{"halo":1}' });
    assert.deepEqual(await echoed.json(), { bytes: 10, type: 'application/json', body: { halo: 1 } });
    assert.equal((await fetch(`${shop.origin}/echo`, { method: 'POST', headers: json, body: '{' })).status, 400);
    assert.equal((await fetch(`${shop.origin}/echo`, { method: 'POST', body: 'x'.repeat(65_537) })).status, 413);
  });

  for (const [path, status] of [
    ['/nowhere', 404],
    ['/products/2001', 404],
    ['/products/abc', 404],
    ['/products?limit=0', 400],
    ['/products?offset=-1', 400],
    ['/slow?ms=10001', 400],
    ['/echo', 405],
  ] as const) {
    test(`answers ${path} with ${status} and an error in JSON`, async () => {
      await using shop = await open(folder);
      const response = await fetch(shop.origin + path);
      assert.equal(response.status, status);
      assert.match(await response.text(), /^\{"error":".+"\}\n$/);
    });
  }

  test('streams events', async () => {
    await using shop = await open(folder);
    const response = await fetch(`${shop.origin}/events`);
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    assert.ok(response.body !== null);
    for await (const chunk of response.body) {
      assert.match(Buffer.from(chunk).toString(), /^id: 1\nevent: tick\ndata: \{/);
      break;
    }
  });

  test('on SIGTERM finishes what it has begun, ends event streams and exits with 0', async () => {
    await using shop = await open(folder);
    const events = await fetch(`${shop.origin}/events`);
    const slow = fetch(`${shop.origin}/slow?ms=600`);
    // A request that has been answered proves that the one before it has been accepted.
    await (await fetch(`${shop.origin}/slow?ms=200`)).text();
    shop.process.kill('SIGTERM');
    const ended = once(shop.process, 'exit');
    const answered = await slow;
    assert.equal(answered.status, 200);
    assert.equal(answered.headers.get('connection'), 'close');
    await answered.text();
    await events.text();
    assert.deepEqual(await ended, [0, null]);
    await assert.rejects(fetch(`${shop.origin}/whoami`));
  });

  test('exits at once with a reason when its catalogue is missing', async () => {
    const empty = join(folder, 'unbuilt');
    cpSync(source, empty, { recursive: true, filter: (path) => !path.endsWith('.db') });
    const child = spawn(process.execPath, ['server.js'], { cwd: empty, stdio: ['ignore', 'ignore', 'pipe'] });
    const [output, [code]] = await Promise.all([
      child.stderr.toArray(),
      once(child, 'exit') as Promise<[number | null]>,
    ]);
    assert.equal(code, 1);
    assert.match(output.join(''), /npm run build/);
  });
});

function script(name: string): string | undefined {
  const { scripts } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  return scripts[name];
}

/** Starts the shop on a port that the kernel chooses; it is ready when it says where it listens. */
async function open(folder: string, env: Readonly<Record<string, string>> = {}): Promise<Shop> {
  const child = spawn(process.execPath, ['server.js'], {
    cwd: folder,
    env: { ...process.env, PORT: '0', HOST: '127.0.0.1', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const origin = /listens on (?<origin>\S+)$/.exec(line)?.groups?.['origin'];
    if (origin !== undefined) return { process: child, origin, [Symbol.asyncDispose]: () => close(child) };
  }
  throw new Error('toko ended before it listened');
}

async function close(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function listing(shop: Shop, path: string): Promise<Listing> {
  return (await (await fetch(shop.origin + path)).json()) as Listing;
}
