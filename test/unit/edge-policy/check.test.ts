import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkTable } from '../../../src/edge/check.ts';
import type { Policy } from '../../../src/edge/policy.ts';
import type { HttpChallenge, Route, RouteTable } from '../../../src/edge/port.ts';

const user = { name: 'ann', salt: '0011223344556677', iterations: 1000, digest: 'ab'.repeat(32) };

function tableOf(
  policy: Partial<Policy>,
  more: { readonly route?: Partial<Route>; readonly challenges?: readonly HttpChallenge[] } = {},
): RouteTable {
  return {
    version: 1,
    routes: [{ host: 'a.test', path: '/', pool: 'p', policy: 'x', ...more.route }],
    pools: [{ kind: 'static', id: 'p', service: 's', root: '/srv', fallback: null }],
    policies: [{ id: 'x', ...policy }],
    streams: [],
    challenges: more.challenges ?? [],
  };
}

describe('check of policies', () => {
  test('a sound one has no problem', () => {
    const sound: Partial<Policy> = {
      trustedProxies: ['10.0.0.0/8', '2001:db8::/32'],
      maintenance: { retryAfter: 0 },
      allow: [],
      deny: ['192.0.2.1/32'],
      rateLimits: [{ requestsPerSecond: 0.5, burst: 1, key: { kind: 'header', name: 'x-api-key' } }],
      connectionLimit: { connections: 1, key: { kind: 'ip' } },
      basicAuth: { realm: 'The staff', users: [user] },
      rules: [
        { kind: 'redirect', source: '/a/:b/*', destination: 'https://new.example/:b/*', status: 308 },
        { kind: 'rewrite', source: '/c', destination: '/d?e=1' },
      ],
      requestHeaders: [
        { name: 'x-a', value: 'b c' },
        { name: 'cookie', value: null },
      ],
      responseHeaders: [{ name: 'x-b', value: '', path: '/a/*' }],
      gzip: true,
    };
    const challenges = [{ host: 'a.test', token: 'a-B_9', answer: 'a-B_9.x' }];
    assert.deepEqual(
      checkTable(tableOf(sound, { route: { hsts: 0, stripPath: true, redirectToHttps: true }, challenges })),
      [],
    );
  });

  const unsound: readonly (readonly [Partial<Policy>, RegExp])[] = [
    [{ trustedProxies: ['10.0.0.0'] }, /trustedProxies: "10.0.0.0" is written 10.0.0.0\/32/],
    [{ allow: ['10.1.0.0/8'] }, /allow: .* is written 10.0.0.0\/8/],
    [{ deny: ['2001:DB8::/32'] }, /deny: .* is written 2001:db8::\/32/],
    [{ deny: ['localhost'] }, /deny: "localhost" is no network/],
    [{ maintenance: { retryAfter: -1 } }, /retryAfter -1/],
    [{ maintenance: { retryAfter: 1.5 } }, /retryAfter 1.5/],
    [{ rateLimits: [{ requestsPerSecond: 0, burst: 1, key: { kind: 'ip' } }] }, /requestsPerSecond 0/],
    [{ rateLimits: [{ requestsPerSecond: Number.NaN, burst: 1, key: { kind: 'ip' } }] }, /requestsPerSecond NaN/],
    [{ rateLimits: [{ requestsPerSecond: 1, burst: 0, key: { kind: 'ip' } }] }, /burst 0/],
    [
      { rateLimits: [{ requestsPerSecond: 1, burst: 1, key: { kind: 'header', name: 'X-Key' } }] },
      /"X-Key" is no header/,
    ],
    [
      { connectionLimit: { connections: 1, key: { kind: 'header', name: 'x-forwarded-for' } } },
      /"x-forwarded-for" is no header/,
    ],
    [{ connectionLimit: { connections: 0.5, key: { kind: 'ip' } } }, /connectionLimit: 0.5/],
    [{ basicAuth: { realm: 'a"b', users: [user] } }, /realm/],
    [{ basicAuth: { realm: 'a\r\nb', users: [user] } }, /realm/],
    [{ basicAuth: { realm: 'a', users: [] } }, /no user/],
    [{ basicAuth: { realm: 'a', users: [user, user] } }, /twice/],
    [{ basicAuth: { realm: 'a', users: [{ ...user, name: 'a:b' }] } }, /"a:b" can be no user/],
    [{ basicAuth: { realm: 'a', users: [{ ...user, salt: 'xy' }] } }, /salt of ann/],
    [{ basicAuth: { realm: 'a', users: [{ ...user, digest: 'ab' }] } }, /digest of ann/],
    [{ basicAuth: { realm: 'a', users: [{ ...user, iterations: 0 }] } }, /iterations of ann/],
    [{ rules: [{ kind: 'rewrite', source: 'a', destination: '/b' }] }, /rules: a is no path/],
    [{ rules: [{ kind: 'rewrite', source: '/a', destination: '/:b' }] }, /uses :b/],
    [{ rules: [{ kind: 'rewrite', source: '/a', destination: 'https://b.test/' }] }, /is no path/],
    [{ rules: [{ kind: 'rewrite', source: '/a', destination: '/b#c' }] }, /is no path/],
    [{ rules: [{ kind: 'redirect', source: '/a', destination: '//evil.test', status: 301 }] }, /holds \/\//],
    [{ rules: [{ kind: 'redirect', source: '/a', destination: '/b', status: 200 as 301 }] }, /200 is no status/],
    [{ requestHeaders: [{ name: 'host', value: 'x' }] }, /"host" cannot be set/],
    [{ requestHeaders: [{ name: 'X-A', value: 'x' }] }, /"X-A" cannot be set/],
    [{ requestHeaders: [{ name: 'x a', value: 'x' }] }, /"x a" cannot be set/],
    [{ responseHeaders: [{ name: 'content-length', value: null }] }, /"content-length" cannot be set/],
    [{ responseHeaders: [{ name: 'x-a', value: 'a\r\nb: c' }] }, /value of x-a/],
    [{ responseHeaders: [{ name: 'x-a', value: '1', path: '/*/b' }] }, /responseHeaders: x-a: \/\*\/b has a \*/],
  ];
  for (const [policy, problem] of unsound) {
    test(`names its fault: ${problem.source}`, () => {
      const problems = checkTable(tableOf(policy));
      assert.equal(problems.length, 1, problems.join('; '));
      assert.match(problems[0] ?? '', /^policy x: /);
      assert.match(problems[0] ?? '', problem);
    });
  }

  test('routes and challenges', () => {
    assert.match(checkTable(tableOf({}, { route: { policy: 'gone' } })).join(), /there is no policy gone/);
    assert.match(checkTable(tableOf({}, { route: { hsts: -1 } })).join(), /hsts -1/);
    assert.match(
      checkTable(tableOf({}, { route: { host: 'a.localhost', redirectToHttps: true } })).join(),
      /localhost/,
    );
    const challenge = { host: 'a.test', token: 'a', answer: 'a.b' };
    assert.match(checkTable(tableOf({}, { challenges: [challenge, challenge] })).join(), /twice/);
    assert.match(checkTable(tableOf({}, { challenges: [{ ...challenge, token: '../a' }] })).join(), /base64url/);
    assert.match(checkTable(tableOf({}, { challenges: [{ ...challenge, answer: '<p>' }] })).join(), /base64url/);
    assert.match(checkTable(tableOf({}, { challenges: [{ ...challenge, host: '*.a.test' }] })).join(), /host/);
  });
});
