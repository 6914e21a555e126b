import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { presented } from './edge-tls.ts';
import type { Asked, TlsGround } from './edge-tls-ground.ts';

type Ground = () => TlsGround;

const run = promisify(execFile);

/** What HTTPS means for requests: 421, redirects, HSTS. */
export function meaningCases(ground: Ground): void {
  test('a Host that the certificate of the connection does not cover gets 421', async () => {
    await ground().route(['a.test', 'b.test', 'x.w.test', 'y.w.test']);
    await presented(ground(), [['a.test'], ['b.test'], ['*.w.test']]);
    assert.equal((await ground().ask('a.test')).status, 200);
    assert.equal((await ground().ask('a.test', { headers: { host: 'b.test' } })).status, 421);
    assert.equal((await ground().ask('a.test', { headers: { host: 'a.test:8443' } })).status, 200);
    assert.equal((await ground().ask('x.w.test', { headers: { host: 'y.w.test' } })).status, 200);
    assert.equal((await ground().ask('x.w.test', { headers: { host: 'a.test' } })).status, 421);
  });

  test('421 holds for HTTP/2 as well, and the connection goes on', async () => {
    await ground().route(['a.test', 'b.test']);
    await presented(ground(), [['a.test'], ['b.test']]);
    using client = ground().session('a.test');
    assert.equal((await client.ask('/', { headers: { ':authority': 'b.test' } })).status, 421);
    assert.equal((await client.ask('/', { headers: { ':authority': 'A.test:443' } })).status, 200);
  });

  test('the backend is told that the client came by HTTPS', async () => {
    await ground().route(['a.test']);
    await presented(ground(), [['a.test']]);
    using client = ground().session('a.test');
    for (const answer of [await ground().ask('a.test'), await client.ask('/')]) {
      assert.equal(told(answer).headers['x-forwarded-proto'], 'https');
    }
  });

  test('plain HTTP is redirected where the table says so: 301 to GET and HEAD, 308 to others', async () => {
    await ground().route(['a.test'], { redirectToHttps: true });
    await presented(ground(), [['a.test']]);
    for (const [method, status] of [
      ['GET', 301],
      ['HEAD', 301],
      ['POST', 308],
      ['PUT', 308],
      ['DELETE', 308],
    ] as const) {
      const answer = await plain(ground(), { method, path: '/x/y?z=1%20&q' });
      assert.equal(answer.status, status, method);
      assert.equal(answer.headers.location, `https://a.test:${ground().under.https}/x/y?z=1%20&q`, method);
    }
    assert.equal((await ground().ask('a.test')).status, 200, 'HTTPS itself is served');
  });

  test('without the word of the table plain HTTP is served, under localhost as anywhere', async () => {
    await ground().route(['a.localhost', 'a.test']);
    await presented(ground(), [['a.localhost'], ['a.test']]);
    assert.equal((await plain(ground(), { host: 'a.localhost' })).status, 200);
    assert.equal((await plain(ground(), {})).status, 200);
  });

  test('Strict-Transport-Security is on answers over HTTPS and on no others', async () => {
    await ground().route(['a.test'], { hsts: 31_536_000 });
    await presented(ground(), [['a.test']]);
    using client = ground().session('a.test');
    const field = 'strict-transport-security';
    assert.equal((await ground().ask('a.test')).headers[field], 'max-age=31536000');
    assert.equal((await client.ask('/')).headers[field], 'max-age=31536000');
    assert.equal((await plain(ground(), {})).headers[field], undefined);
    await ground().route(['a.test']);
    assert.equal((await ground().ask('a.test')).headers[field], undefined);
  });
}

/** HTTP/2 as common clients speak it. */
export function http2Cases(ground: Ground): void {
  test('GET, HEAD, POST and an answer without a body', async () => {
    await ground().route(['a.test']);
    await presented(ground(), [['a.test']]);
    using client = ground().session('a.test');
    const got = await client.ask('/a?b=c');
    assert.equal(got.status, 200);
    assert.deepEqual([told(got).method, told(got).url, told(got).headers['host']], ['GET', '/a?b=c', 'a.test']);
    assert.deepEqual(got.headers['set-cookie'], ['a=1', 'b=2']);
    const head = await client.ask('/', { method: 'HEAD' });
    assert.deepEqual([head.status, head.body.length], [200, 0]);
    assert.equal(told(await client.ask('/', { method: 'POST', body: Buffer.from('hello') })).length, 5);
    assert.equal((await client.ask('/empty')).status, 204);
    assert.equal((await client.ask('/', { method: 'OPTIONS' })).status, 200);
  });

  test('pieces of Cookie are joined, and names stay in lower case', async () => {
    await ground().route(['a.test']);
    await presented(ground(), [['a.test']]);
    using client = ground().session('a.test');
    const answer = await client.ask('/', { headers: { cookie: ['a=1', 'b=2', 'c=3'], 'x-some': 'v' } });
    assert.equal(told(answer).headers['cookie'], 'a=1; b=2; c=3');
    assert.equal(told(answer).headers['x-some'], 'v');
  });

  test('a MiB goes either way whole', async () => {
    await ground().route(['a.test']);
    await presented(ground(), [['a.test']]);
    using client = ground().session('a.test');
    const body = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * 7) % 251));
    const echo = await client.ask('/echo', { method: 'POST', body });
    assert.ok(echo.body.equals(body));
    assert.equal((await client.ask('/large')).body.length, 1 << 20);
  });

  test('a hundred streams at once, large and small, are all answered', async () => {
    await ground().route(['a.test']);
    await presented(ground(), [['a.test']]);
    using client = ground().session('a.test');
    const body = Buffer.alloc(100_000, 'b');
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => {
        if (i % 10 === 0) return client.ask('/large');
        return i % 2 === 0 ? client.ask('/echo', { method: 'POST', body }) : client.ask('/');
      }),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    for (const [i, answer] of answers.entries()) {
      if (i % 10 === 0) assert.equal(answer.body.length, 1 << 20);
      else if (i % 2 === 0) assert.ok(answer.body.equals(body));
    }
  });

  test('curl speaks HTTP/2', async () => {
    await ground().route(['a.test']);
    const [{ chain }] = await presented(ground(), [['a.test']]);
    const { https } = ground().under;
    await using file = await temporary(chain);
    const trust = ['--cacert', file.path, '--resolve', `a.test:${https}:127.0.0.1`];
    const print = ['-o', '/dev/null', '-w', '%{http_version} %{http_code}'];
    const url = `https://a.test:${https}/`;
    const { stdout } = await run('curl', ['-sS', '--max-time', '20', '--http2', ...trust, ...print, '-d', 'x=1', url]);
    assert.equal(stdout, '2 200');
  });

  test('h2load: 2,000 requests over 4 connections of 32 streams, none fails', async () => {
    await ground().route(['a.test']);
    await presented(ground(), [['a.test']]);
    const { https } = ground().under;
    const load = ['-n', '2000', '-c', '4', '-m', '32'];
    const { stdout } = await run('h2load', [...load, `--connect-to=127.0.0.1:${https}`, `https://a.test:${https}/`]);
    assert.match(stdout, /2000 succeeded, 0 failed, 0 errored, 0 timeout/);
    assert.match(stdout, /2000 2xx/);
  });
}

interface Told {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly length: number;
}

/** What the backend says it was sent. */
function told(answer: Asked): Told {
  assert.equal(answer.status, 200, answer.body.toString('latin1').slice(0, 200));
  return JSON.parse(answer.body.toString()) as Told;
}

/** A request of plain HTTP; the Host of a client that came by the port. */
function plain(
  ground: TlsGround,
  { method = 'GET', path = '/', host = 'a.test' }: { method?: string; path?: string; host?: string },
): Promise<{ status: number; headers: Asked['headers'] }> {
  return new Promise((resolve, reject) => {
    const headers = { host: `${host}:${ground.under.http}` };
    const asked = request({ host: '127.0.0.1', port: ground.under.http, method, path, agent: false, headers });
    asked.once('error', reject);
    asked.once('response', (response) => {
      response.resume();
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
    });
    asked.end();
  });
}

async function temporary(content: string): Promise<{ readonly path: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'kapal-edge-tls-'));
  await writeFile(join(folder, 'ca.pem'), content);
  return {
    path: join(folder, 'ca.pem'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
