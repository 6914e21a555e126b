import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Policy } from '../../src/edge/policy.ts';
import { makeCertificate } from '../integration/nginx-certificates.ts';
import { basic, here, user } from './edge-policies-case.ts';
import { type Ask, ask, headerOf } from './edge-policies-client.ts';
import { PolicyGround } from './edge-policies-ground.ts';
import { hang } from '../patience.ts';
import type { EngineKind } from './engines.ts';

const policies = {
  plain: { gzip: true },
  trusting: { trustedProxies: [here] },
  closed: { maintenance: { retryAfter: 3 } },
  guarded: {
    basicAuth: { realm: 'staff', users: [user('ann', 'secret')] },
    rules: [{ kind: 'redirect', source: '/old/:x', destination: '/new/:x', status: 308 }],
    responseHeaders: [{ name: 'x-under', value: 'yes' }],
  },
} satisfies Record<string, Omit<Policy, 'id'>>;

/** Policies over HTTPS, in HTTP/1.1 and HTTP/2. */
export function secureConformance(kind: EngineKind): void {
  describe(`policies over HTTPS: ${kind.name}`, () => {
    let ground: PolicyGround;
    before(async () => {
      ground = await PolicyGround.start(kind);
      const names = Object.keys(policies);
      await ground.engine.edge.present([await makeCertificate(names.map((name) => `${name}.test`))]);
      const asked = { path: '/', pool: 'app', redirectToHttps: true, hsts: 600 } as const;
      await ground.apply({
        routes: names.map((name) => ({ host: `${name}.test`, policy: name, ...asked })),
        policies: Object.entries(policies).map(([id, policy]) => ({ id, ...policy })),
        challenges: [{ host: 'plain.test', token: 'abc', answer: 'abc.def' }],
      });
    });
    after(() => ground[Symbol.asyncDispose]());
    overTls(() => ground);
    overHttp2(() => ground);
  });
}

function overTls(ground: () => PolicyGround): void {
  const get = (name: string, more: Partial<Ask> = {}) =>
    ask({ port: ground().engine.https, host: `${name}.test`, target: '/', tls: true, ...more });

  test('the redirect leads to where HTTPS is served', async () => {
    const led = await ask({ port: ground().engine.http, host: 'plain.test', target: '/a?b' });
    assert.equal(led.status, 301);
    const location = new URL(headerOf(led, 'location') ?? '');
    assert.equal(location.hostname, 'plain.test');
    const found = await get('plain', { port: Number(location.port), target: location.pathname + location.search });
    assert.equal(found.status, 200);
    assert.equal((JSON.parse(found.body.toString()) as { url: string }).url, '/a?b');
    assert.equal(headerOf(found, 'strict-transport-security'), 'max-age=600');
  });

  test('HSTS is on the answers of the edge too, and nowhere over plain HTTP', async () => {
    assert.equal(headerOf(await get('closed'), 'strict-transport-security'), 'max-age=600');
    assert.equal(headerOf(await get('guarded'), 'strict-transport-security'), 'max-age=600');
    const plain = await ask({ port: ground().engine.http, host: 'plain.test', target: '/' });
    assert.equal(headerOf(plain, 'strict-transport-security'), undefined);
  });

  test('an application that says HSTS itself is not contradicted', async () => {
    const want = JSON.stringify({ headers: { 'strict-transport-security': 'max-age=1; includeSubDomains' } });
    const found = await get('plain', { headers: [['x-want', want]] });
    assert.deepEqual(found.headers.get('strict-transport-security'), ['max-age=1; includeSubDomains']);
  });

  test('challenges are answered over plain HTTP alone', async () => {
    const target = '/.well-known/acme-challenge/abc';
    const plain = await ask({ port: ground().engine.http, host: 'plain.test', target });
    assert.equal(plain.body.toString(), 'abc.def');
    assert.match((await get('plain', { target })).body.toString(), /"url":"\/\.well-known/);
  });

  test('the scheme is told, and nobody from outside is believed', async () => {
    const found = await get('plain', { headers: [['X-Forwarded-Proto', 'http']] });
    assert.match(found.body.toString(), /"x-forwarded-proto":"https"/);
  });
}

function overHttp2(ground: () => PolicyGround): void {
  test('passwords, rules, headers and gzip over HTTP/2', async () => {
    await using guarded = await session(ground(), 'guarded.test');
    const refused = await guarded.get('/');
    assert.equal(refused.headers[':status'], 401);
    assert.equal(refused.headers['www-authenticate'], 'Basic realm="staff", charset="UTF-8"');
    assert.equal(refused.headers['x-under'], 'yes');
    const [, authorization] = basic('ann', 'secret');
    const led = await guarded.get('/old/a%2Fb?q', { authorization });
    assert.equal(led.headers[':status'], 308);
    assert.equal(led.headers['location'], '/new/a%2Fb?q');
    const found = await guarded.get('/x', { authorization });
    assert.equal(found.headers[':status'], 200);
    assert.doesNotMatch(found.body.toString(), /"authorization"/);
    await using plain = await session(ground(), 'plain.test');
    const want = JSON.stringify({ size: 200_000, headers: { 'content-type': 'text/plain' } });
    const coded = await plain.get('/', { 'accept-encoding': 'gzip', 'x-want': want });
    assert.equal(coded.headers['content-encoding'], 'gzip');
    assert.equal(gunzipSync(coded.body).length, 200_000);
    const many = await Promise.all(
      Array.from({ length: 20 }, () => plain.get('/', { 'accept-encoding': 'gzip', 'x-want': want })),
    );
    for (const { body } of many) assert.equal(gunzipSync(body).length, 200_000);
  });

  test('the client behind a trusted proxy that speaks HTTP/2', async () => {
    await using trusting = await session(ground(), 'trusting.test');
    const found = await trusting.get('/', {
      'x-forwarded-for': '192.0.2.1, 203.0.113.9',
      'x-forwarded-proto': 'https',
    });
    assert.match(found.body.toString(), /"x-forwarded-for":"203\.0\.113\.9"/);
    await using plain = await session(ground(), 'plain.test');
    const direct = await plain.get('/', { 'x-forwarded-for': '203.0.113.9' });
    assert.match(direct.body.toString(), /"x-forwarded-for":"127\.0\.0\.1"/);
  });

  test('maintenance over HTTP/2', async () => {
    await using closed = await session(ground(), 'closed.test');
    const refused = await closed.get('/');
    assert.equal(refused.headers[':status'], 503);
    assert.equal(refused.headers['retry-after'], '3');
  });
}

interface Session extends AsyncDisposable {
  get(
    path: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<{ readonly headers: IncomingHttpHeaders & { ':status'?: number }; readonly body: Buffer }>;
}

async function session(ground: PolicyGround, host: string): Promise<Session> {
  const client: ClientHttp2Session = connect(`https://${host}:${ground.engine.https}`, {
    servername: host,
    rejectUnauthorized: false,
    lookup: (_name, _options, found) => found(null, [{ address: '127.0.0.1', family: 4 }]),
  });
  client.on('error', () => undefined);
  await once(client, 'connect');
  return {
    async get(path, headers = {}) {
      const stream = client.request({ ':path': path, ':authority': host, ...headers });
      const parts: Buffer[] = [];
      stream.setTimeout(hang, () => stream.destroy(new Error(`no answer to ${path}`)));
      stream.on('data', (part: Buffer) => parts.push(part));
      const [response] = await Promise.all([once(stream, 'response'), once(stream, 'end')]);
      const [answer] = response as [IncomingHttpHeaders & { ':status'?: number }];
      return { headers: answer, body: Buffer.concat(parts) };
    },
    async [Symbol.asyncDispose]() {
      const closed = once(client, 'close');
      client.close();
      await closed;
    },
  };
}
