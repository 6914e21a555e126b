import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorPage } from '../../src/edge/embedded/pages.ts';
import type { Policy } from '../../src/edge/policy.ts';
import { get, type Reply } from '../integration/edge-fixture.ts';
import { proxyPool } from './edge.ts';
import { user } from './edge-policies-case.ts';
import { tell } from './edge-strictness-client.ts';
import { type EngineUnderTest, engines } from './engines.ts';

const id = 'abcd-0123456789';
const accepts: readonly (string | null)[] = [
  null,
  'text/html',
  'application/json',
  'application/problem+json',
  'text/html, application/json',
  '*/*',
  'image/png',
];

/** What each host answers, whatever is asked of it. */
const hosts: readonly {
  readonly host: string;
  readonly status: number;
  readonly policy?: Omit<Policy, 'id'>;
  readonly maintenance?: true;
}[] = [
  { host: 'unknown.test', status: 404 },
  { host: 'empty.test', status: 503 },
  { host: 'denied.test', status: 403, policy: { allow: [] } },
  { host: 'guarded.test', status: 401, policy: { basicAuth: { realm: 'r', users: [user('ann', 'secret')] } } },
  { host: 'closed.test', status: 503, policy: { maintenance: { retryAfter: 7 } }, maintenance: true },
];

for (const kind of engines) {
  describe(`pages: ${kind.name}`, () => {
    test('the same page for the same status, by Accept, with the id of the request', async () => {
      await using under = await kind.make();
      await serve(under);
      for (const { host, status, maintenance } of hosts) {
        for (const accept of accepts) {
          const headers = { host, 'x-request-id': id, ...(accept === null ? {} : { accept }) };
          const answer = await get(under.http, '/', { headers });
          const page = errorPage(status, { accept, id, ...(maintenance === true ? { maintenance } : {}) });
          assertPage(answer, { status, ...page }, `${host} ${accept}`);
        }
      }
    });

    test('a page also where the head could not be read, and it names no program', async () => {
      await using under = await kind.make();
      await serve(under);
      for (const [bytes, status] of [
        ['GET /\x01 HTTP/1.1\r\nHost: a.test\r\n\r\n', 400],
        [`GET /${'a'.repeat(40_000)} HTTP/1.1\r\nHost: a.test\r\n\r\n`, 414],
        [`GET / HTTP/1.1\r\nHost: a.test\r\nX-Field: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
        ['GET / HTTP/1.1\r\nHost: empty.test\r\nExpect: x\r\n\r\n', 417],
      ] as const) {
        const { text, statuses } = await tell(under.http, [bytes]);
        assert.equal(statuses[0], status, text.slice(0, 300));
        assert.match(text, /<!doctype html>/);
        assert.match(text, /\r\ncache-control: no-store\r\n/i);
        assert.match(text, /\r\nx-request-id: [A-Za-z0-9.-]{8,64}\r\n/i);
        assert.doesNotMatch(text, /nginx|openresty|node\.js/i);
      }
    });
  });
}

async function serve({ edge }: EngineUnderTest): Promise<void> {
  await edge.ensure();
  const declared = hosts.filter(({ host }) => host !== 'unknown.test');
  await edge.apply({
    version: 1,
    routes: declared.map(({ host, policy }) => ({
      host,
      path: '/',
      pool: 'p',
      ...(policy === undefined ? {} : { policy: host }),
    })),
    policies: declared.flatMap(({ host, policy }) => (policy === undefined ? [] : [{ id: host, ...policy }])),
    pools: [proxyPool('p', [])],
    streams: [],
  });
}

function assertPage(
  answer: Reply,
  expected: { readonly status: number; readonly contentType: string; readonly body: Buffer },
  what: string,
): void {
  assert.equal(answer.status, expected.status, what);
  assert.equal(answer.headers['content-type'], expected.contentType, what);
  assert.equal(answer.body, expected.body.toString(), what);
  assert.equal(answer.headers['cache-control'], 'no-store', what);
  assert.equal(answer.headers['x-request-id'], id, what);
  assert.equal(answer.headers['server'], undefined, what);
}
