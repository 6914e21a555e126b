import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import type { EventDocument, FailureDocument } from '../../src/api/contract/types.ts';
import { type Files, webApp } from './apps.ts';
import { TestKapal, until, type Visit } from './kapal.ts';
import { freePort } from '../free-port.ts';

/** An app on another machine, as far as Kapal knows: a process that it does not run. `/up` is where it says that it works. */
const upstreamApp = (name: string) =>
  `require('node:http').createServer((request, response) => response.end(request.url === '/headers' ? JSON.stringify(request.headers) : '${name}')).listen(Number(process.argv[1]), '127.0.0.1');`;

const declaration = (ports: readonly [number, number]) => `project: shop
services:
  - type: web
    name: front
    runtime: node
    startCommand: node server.js
    rootDir: front
    numInstances: 2
    domains: [shop.localhost]
    edge:
      sticky: {cookie: seat}
      requestHeaders: {set: {X-Tenant: shop}, remove: [X-Debug]}
      responseHeaders: {set: {X-Frame-Options: DENY}}
      redirects: [{source: /old/*, destination: /new/*, status: 308}]
      rewrites: [{source: "/tenant/:name", destination: "/env/:name"}]
  - type: web
    name: back
    runtime: node
    startCommand: node server.js
    rootDir: back
    numInstances: 2
    healthCheckPath: /who
    domains: [shop.localhost/api]
    edge: {stripPath: true}
  - type: web
    name: narrow
    runtime: node
    startCommand: node server.js
    rootDir: front
    edge:
      rateLimit: {requestsPerSecond: 0.01, burst: 3}
  - type: web
    name: guarded
    runtime: node
    startCommand: node server.js
    rootDir: front
    edge:
      basicAuth: {realm: Staff, users: [{name: ani, passwordVariable: DOOR}]}
  - type: static
    name: site
    rootDir: site
    staticPublishPath: .
    routes:
      - {type: redirect, source: /blog/*, destination: /news/*}
      - {type: rewrite, source: "/hello/:name", destination: /hello.html}
    headers:
      - {path: /*, name: X-Content-Type-Options, value: nosniff}
      - {path: /assets/*, name: Cache-Control, value: max-age=31536000}
  - type: proxy
    name: legacy
    upstreams: [{address: "127.0.0.1:${ports[0]}"}, {address: "127.0.0.1:${ports[1]}"}]
    healthCheckPath: /up
`;

const sources: Files = {
  ...Object.fromEntries(Object.entries(webApp('front')).map(([path, text]) => [`front/${path}`, text])),
  ...Object.fromEntries(Object.entries(webApp('back')).map(([path, text]) => [`back/${path}`, text])),
  'site/index.html': '<h1>home</h1>',
  'site/hello.html': '<h1>hello</h1>',
  'site/news/first.html': '<h1>first</h1>',
  'site/assets/a.css': 'body {}',
};

for (const engine of ['embedded', 'nginx'] as const)
  describe(`what a service asks of the edge ${engine}`, () => {
    let kapal: TestKapal;
    let ports: [number, number];
    const upstreams: ChildProcess[] = [];
    before(async () => {
      kapal = await TestKapal.prepare();
      kapal.edge = engine;
      await kapal.up();
      ports = [await freePort(), await freePort()];
      for (const [index, port] of ports.entries())
        upstreams.push(
          spawn(process.execPath, ['-e', upstreamApp(['one', 'two'][index] ?? ''), String(port)], { stdio: 'ignore' }),
        );
      for (const port of ports)
        await until('the upstream answers', () =>
          kapal.visit('x', '/up', { port }).then(
            () => true,
            () => false,
          ),
        );
    });
    after(async () => {
      for (const upstream of upstreams) upstream.kill('SIGKILL');
      await kapal[Symbol.asyncDispose]();
    });

    test('a password without a value stops the deploy before anything is built', async () => {
      const folder = await kapal.project('shop', { ...sources, 'kapal.yaml': declaration(ports) });
      const refused = await kapal.json<FailureDocument>(['deploy', folder], 2);
      assert.equal(refused.error.code, 'variable_missing');
      assert.match(refused.error.hint ?? '', /kapal env set guarded DOOR=VALUE/);
      const set = await kapal.runWith({ input: 'sesame\n' }, 'env', 'set', 'guarded', 'DOOR=-');
      assert.equal(set.code, 0, set.stderr);
      const { services } = await kapal.deploy(folder);
      assert.ok(
        services.every(({ outcome }) => outcome === 'live'),
        JSON.stringify(services),
      );
    });

    test('a visitor stays with an instance by its cookie', async () => {
      const first = await kapal.visit('shop.localhost', '/who');
      const cookie = cookieOf(first, 'seat');
      for (let count = 0; count < 6; count += 1)
        assert.equal((await kapal.visit('shop.localhost', '/who', { headers: { cookie } })).body, first.body);
      const strangers = new Set<string>();
      await until(
        'a stranger comes to the other',
        async () => strangers.add((await kapal.visit('shop.localhost', '/who')).body).size === 2,
      );
    });

    test('headers are set and removed, both ways', async () => {
      const answer = await kapal.visit('shop.localhost', '/headers', {
        headers: { 'x-debug': '1', 'x-tenant': 'rival' },
      });
      assert.equal(answer.headers['x-frame-options'], 'DENY');
      const seen = JSON.parse(answer.body) as Record<string, string>;
      assert.deepEqual([seen['x-tenant'], seen['x-debug']], ['shop', undefined]);
    });

    test('redirects and rewrites', async () => {
      const moved = await kapal.visit('shop.localhost', '/old/a/b?c=1');
      assert.deepEqual([moved.status, moved.headers['location']], [308, '/new/a/b?c=1']);
      assert.equal((await kapal.visit('shop.localhost', '/tenant/KAPAL_SERVICE')).body, 'front');
    });

    test('two services under one host, the longer path first', async () => {
      assert.equal((await kapal.visit('shop.localhost', '/')).body, 'front');
      assert.equal((await kapal.visit('shop.localhost', '/apix')).body, 'front');
      assert.equal((await kapal.visit('shop.localhost', '/api')).body, 'back');
      const seen = JSON.parse((await kapal.visit('shop.localhost', '/api/headers')).body) as Record<string, string>;
      assert.equal(seen['x-forwarded-prefix'], '/api');
      const clash = await kapal.project('rival', {
        ...webApp('rival'),
        'kapal.yaml':
          'project: rival\nservices: [{type: web, name: rival, startCommand: node server.js, domains: [shop.localhost/api]}]\n',
      });
      const refused = await kapal.json<FailureDocument>(['deploy', clash], 1);
      assert.equal(refused.error.code, 'domain_taken');
      assert.match(refused.error.message, /shop\.localhost\/api belongs to shop\/production\/back/);
    });

    test('more than the bucket holds is answered with 429', async () => {
      const statuses: number[] = [];
      await until('the bucket is empty', async () => {
        const { status, headers } = await kapal.visit('narrow.localhost');
        statuses.push(status);
        if (status !== 429) return false;
        assert.match(String(headers['retry-after']), /^\d+$/);
        return true;
      });
      assert.ok(statuses.length > 3, statuses.join());
      assert.deepEqual(statuses.slice(0, 3), [200, 200, 200]);
    });

    test('who does not know the password does not get in', async () => {
      const asked = async (authorization?: string) =>
        kapal.visit('guarded.localhost', '/headers', authorization === undefined ? {} : { headers: { authorization } });
      const stranger = await asked();
      assert.deepEqual([stranger.status, stranger.headers['www-authenticate']?.includes('Staff')], [401, true]);
      assert.equal((await asked(basic('ani', 'guess'))).status, 401);
      const known = await asked(basic('ani', 'sesame'));
      assert.equal(known.status, 200);
      assert.doesNotMatch(known.body, /authorization/, 'the app does not see the password');
    });

    test('a static site with the routes and headers of Render', async () => {
      const moved = await kapal.visit('site.localhost', '/blog/first.html');
      assert.deepEqual([moved.status, moved.headers['location']], [301, '/news/first.html']);
      assert.equal((await kapal.visit('site.localhost', '/hello/ani')).body, '<h1>hello</h1>');
      const style = await kapal.visit('site.localhost', '/assets/a.css');
      assert.deepEqual(
        [style.headers['cache-control'], style.headers['x-content-type-options']],
        ['max-age=31536000', 'nosniff'],
      );
      assert.equal((await kapal.visit('site.localhost', '/')).headers['x-content-type-options'], 'nosniff');
    });

    test('upstreams see the Host that the visitor asked for', async () => {
      const seen = JSON.parse((await kapal.visit('legacy.localhost', '/headers')).body) as Record<string, string>;
      assert.equal(seen['host'], 'legacy.localhost');
    });

    test('an upstream that is stopped takes no requests, which is told, and takes them again when it goes on', async () => {
      await bothAnswer(kapal, 'legacy.localhost');
      upstreams[0]?.kill('SIGSTOP');
      await passedOver(kapal, { host: 'legacy.localhost', other: 'two' });
      await until('it is told', async () => {
        const events = await kapal.json<readonly EventDocument[]>(['events']);
        const begin = `upstream 127.0.0.1:${ports[0]} takes no requests:`;
        return events.some(({ kind, message }) => kind === 'endpoint.down' && message.startsWith(begin));
      });
      const told = await kapal.service('legacy');
      assert.deepEqual([told.status, told.upstreams?.map(({ state }) => state)], ['degraded', ['down', 'up']]);
      upstreams[0]?.kill('SIGCONT');
      await bothAnswer(kapal, 'legacy.localhost');
    });

    test('an instance that is stopped takes no requests, and goes on as the same instance', async () => {
      const { instances } = await kapal.service('back');
      const [stopped, other] = instances;
      assert.ok(stopped !== undefined && other !== undefined && stopped.pid !== null);
      process.kill(-stopped.pid, 'SIGSTOP');
      try {
        await passedOver(kapal, { host: 'shop.localhost', path: '/api/who', other: `${other.id} 1` });
      } finally {
        process.kill(-stopped.pid, 'SIGCONT');
      }
      await bothAnswer(kapal, 'shop.localhost', '/api/who');
      const now = (await kapal.service('back')).instances.find(({ id }) => id === stopped.id);
      assert.deepEqual([now?.pid, now?.restarts], [stopped.pid, 0]);
    });
  });

function cookieOf({ headers }: Visit, name: string): string {
  const set = [headers['set-cookie'] ?? []].flat().find((cookie) => cookie.startsWith(`${name}=`));
  assert.ok(set !== undefined, JSON.stringify(headers));
  return set.split(';')[0] ?? '';
}

function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
}

async function bothAnswer(kapal: TestKapal, host: string, path = '/'): Promise<void> {
  const seen = new Set<string>();
  await until(`both answer at ${host}`, async () => seen.add((await kapal.visit(host, path)).body).size === 2);
}

/** Ten visits in a row come to the other one: none waits for the one that is stopped. */
async function passedOver(
  kapal: TestKapal,
  { host, path = '/', other }: { host: string; path?: string; other: string },
): Promise<void> {
  let row = 0;
  await until(`only ${other} answers at ${host}`, async () => {
    const quick = await Promise.race([
      kapal.visit(host, path).then(({ body }) => body),
      new Promise<null>((resolve) => setTimeout(resolve, 400, null)),
    ]);
    row = quick === other ? row + 1 : 0;
    return row === 10;
  });
}
