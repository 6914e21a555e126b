import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import Fastify from 'fastify';
import { authorize, bearsToken, checkHost, checkOrigin, hasPassword } from '../../../src/api/access.ts';
import { KapalError } from '../../../src/model/errors.ts';
import { askSocket, askTcp, bearer, json, serve, type Served, noPushes, token } from './serving.ts';
import { guard } from '../../../src/api/app.ts';
import type { App } from '../../../src/api/types.ts';

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Every route that the description names, with values for what stands in braces. */
async function everyRoute(served: Served): Promise<readonly { method: string; path: string }[]> {
  const { text } = await askTcp(served, '/api/openapi.json');
  const { paths } = JSON.parse(text) as Described;
  const filled = (path: string) =>
    path
      .replace('{digest}', `sha256-${'0'.repeat(64)}`)
      .replace('{service}', 'api')
      .replaceAll(/\{\w+\}/g, 'x');
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path: filled(path) })),
  );
}

test('every route but those of the documentation and of signed calls wants a token over TCP, and none through the socket', async () => {
  await using served = await serve();
  const routes = (await everyRoute(served)).filter(({ path }) => !path.startsWith('/hooks/'));
  assert.ok(routes.length >= 25, `${routes.length} routes`);
  for (const { method, path } of routes) {
    const asking = { method, ...(method === 'GET' || method === 'HEAD' ? {} : { headers: json, body: '{' }) };
    const where = `${method} ${path}`;
    assert.equal((await askTcp(served, path, asking)).status, 401, where);
    assert.equal(
      (await askTcp(served, path, { ...asking, headers: { ...asking.headers, authorization: 'Bearer wrong' } })).status,
      401,
      where,
    );
    const rebound = await askTcp(served, path, {
      ...asking,
      headers: { ...asking.headers, ...bearer, host: 'evil.example' },
    });
    assert.equal(rebound.status, 403, where);
    for (const answer of [
      await askSocket(served, path, asking),
      await askTcp(served, path, { ...asking, headers: { ...asking.headers, ...bearer } }),
    ]) {
      assert.ok(answer.status !== 401 && answer.status !== 403, `${where}: ${answer.status}`);
    }
  }
  // Refused before anything was asked of the daemon: the bodies above are no JSON, so only reads got through.
  const changing = served.calls.filter(({ name }) => ['deploy', 'shutdown', 'scale', 'setVariables'].includes(name));
  assert.deepEqual(changing, []);
});

test('a provider calls without a token, by whatever name: known hooks alone take bodies in, as they come, up to a size', async () => {
  const taken: string[] = [];
  await using served = await serve(
    {},
    {
      hooks: {
        list: () => [],
        add: () => Promise.reject(new Error('nobody adds hooks here')),
        remove: () => undefined,
        isKnown: (id) => id === 'hook-known',
        receive: (id, { head, body }) => {
          taken.push(`${id} ${head('x-github-event')} ${Buffer.from(body).toString()}`);
          return { accepted: true, message: 'the remote is looked at' };
        },
      },
    },
  );
  const headers = { ...json, 'x-github-event': 'push', host: 'kapal.example.com' };
  const call = (id: string, body: string) => askTcp(served, `/hooks/${id}`, { method: 'POST', headers, body });
  assert.equal((await call('hook-known', '{ no JSON')).status, 202);
  assert.deepEqual(taken, ['hook-known push { no JSON']);
  assert.equal((await call('hook-other', '{}')).status, 404);
  assert.equal((await call('hook-known', 'x'.repeat(26 * 1024 * 1024))).status, 413);
  assert.equal(taken.length, 1);
});

test('what git is refused it is told in plain text, which it shows', async () => {
  const refused = new KapalError('disk_full', 'no build is begun: only 3 MiB are free', { hint: 'Free space.' });
  await using served = await serve({}, { pushes: { ...noPushes, serve: () => Promise.reject(refused) } });
  const headers = { authorization: `Basic ${Buffer.from(`any:${token}`).toString('base64')}` };
  const {
    status,
    text,
    headers: fields,
  } = await askTcp(served, '/git/shop.git/info/refs?service=git-receive-pack', { headers });
  assert.deepEqual([status, text], [507, 'no build is begun: only 3 MiB are free\nFree space.\n']);
  assert.match(String(fields['content-type']), /^text\/plain/);
  const dumb = await askTcp(served, '/git/shop.git/info/refs', { headers });
  assert.equal(dumb.status, 403);
});

test('who has no token is not told which paths there are', async () => {
  await using served = await serve();
  const { status, headers } = await askTcp(served, '/api/v1/nothing');
  assert.equal(status, 401);
  assert.match(String(headers['www-authenticate']), /^Bearer/);
});

test('a route without a policy cannot be added', () => {
  const app: App = Fastify();
  guard(app, { token: 't', host: '127.0.0.1', isLocal: () => true });
  assert.throws(() => app.get('/open', () => 'x'), /GET \/open declares no policy/);
  app.get('/shut', { config: { policy: 'read' } }, () => 'x');
});

describe('tokens', () => {
  const right = 'kapal_abc';
  for (const [header, expected] of [
    ['Bearer kapal_abc', true],
    ['bearer kapal_abc', true],
    ['Bearer  kapal_abc', true],
    ['Bearer kapal_abcd', false],
    ['Bearer kapal_ab', false],
    ['Bearer', false],
    ['Bearer ', false],
    ['Basic kapal_abc', false],
    ['kapal_abc', false],
    ['', false],
    [undefined, false],
  ] as const) {
    test(`${String(header)} is ${expected ? 'taken' : 'refused'}`, () =>
      assert.equal(bearsToken(header, right), expected));
  }

  test('nobody may only read what is public', () => {
    authorize('nobody', 'public');
    for (const policy of ['read', 'write', 'admin'] as const)
      assert.throws(() => authorize('nobody', policy), code('unauthorized'));
    for (const policy of ['public', 'read', 'write', 'admin'] as const) {
      authorize('bearer', policy);
      authorize('local', policy);
    }
  });
});

describe('Host', () => {
  const cases: readonly [header: string | undefined, listening: string, taken: boolean][] = [
    ['127.0.0.1:7700', '127.0.0.1', true],
    ['127.8.9.1', '127.0.0.1', true],
    ['localhost:7700', '127.0.0.1', true],
    ['LOCALHOST', '127.0.0.1', true],
    ['[::1]:7700', '::1', true],
    ['10.0.0.5:7700', '10.0.0.5', true],
    ['10.0.0.5:7700', '127.0.0.1', false],
    ['10.0.0.5:7700', '0.0.0.0', true],
    ['[2001:db8::1]:7700', '::', true],
    ['kapal.internal', 'kapal.internal', true],
    ['evil.example', '127.0.0.1', false],
    ['evil.example', '0.0.0.0', false],
    ['127.0.0.1.evil.example', '0.0.0.0', false],
    ['localhost.evil.example', '127.0.0.1', false],
    ['127.evil', '127.0.0.1', false],
    ['localhost@evil.example', '127.0.0.1', false],
    ['', '127.0.0.1', false],
    [undefined, '127.0.0.1', false],
  ];
  for (const [header, listening, taken] of cases) {
    test(`${String(header)} on ${listening} is ${taken ? 'taken' : 'refused'}`, () => {
      if (taken) checkHost(header, listening);
      else assert.throws(() => checkHost(header, listening), code('forbidden'));
    });
  }
});

describe('a password', () => {
  const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;
  for (const [header, taken] of [
    [basic('any:kapal_secret'), true],
    [basic(':kapal_secret'), true],
    [basic('any:kapal_secret').replace('Basic', 'basic'), true],
    [basic('any:kapal_secre'), false],
    [basic('any:kapal_secret '), false],
    [basic('any:x:kapal_secret'), false],
    [basic('kapal_secret'), false],
    [basic('kapal_secret:'), false],
    ['Bearer kapal_secret', false],
    ['Basic !', false],
    [undefined, false],
  ] as const) {
    test(`${String(header)} is ${taken ? 'taken' : 'refused'}`, () => {
      assert.equal(hasPassword(header, 'kapal_secret'), taken);
    });
  }
});

describe('Origin', () => {
  const host = '127.0.0.1:7700';
  for (const [method, origin, taken] of [
    ['POST', undefined, true],
    ['POST', 'http://127.0.0.1:7700', true],
    ['POST', 'http://127.0.0.1:8080', false],
    ['DELETE', 'https://evil.example', false],
    ['POST', 'null', false],
    ['GET', 'https://evil.example', true],
  ] as const) {
    test(`${method} from ${String(origin)} is ${taken ? 'taken' : 'refused'}`, () => {
      const request = { method, headers: { host, ...(origin === undefined ? {} : { origin }) } };
      if (taken) checkOrigin(request);
      else assert.throws(() => checkOrigin(request), code('forbidden'));
    });
  }
});

function code(expected: KapalError['code']): (error: unknown) => boolean {
  return (error) => error instanceof KapalError && error.code === expected;
}
