import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EdgeSpec } from '../../../src/spec/edge-spec.ts';
import { edgeFields } from '../../../src/spec/table/edge.ts';
import type { Field } from '../../../src/spec/table/shape.ts';
import { onlyService, read } from './source.ts';

const web = 'services:\n  - type: web\n    name: api\n    startCommand: npm start\n';
const pserv = web.replace('type: web', 'type: pserv');
const site = 'services:\n  - type: static\n    name: api\n    staticPublishPath: dist\n';
const proxy = 'services:\n  - type: proxy\n    name: api\n    upstreams: [{address: "https://10.0.0.5"}]\n';

function edgeOf(base: string, edge: string): EdgeSpec {
  return onlyService(read({ 'kapal.yaml': `${base}    edge: {${edge}}\n` })).edge;
}

/** The edge of a service of the base without anything on top. */
function plain(base: string): EdgeSpec {
  return onlyService(read({ 'kapal.yaml': base })).edge;
}

type Case = readonly [base: string, edge: string, added: Partial<EdgeSpec>];

const honoured: Readonly<Record<string, readonly Case[]>> = {
  balance: [
    [web, 'balance: random-two', { balance: 'random-two' }],
    [pserv, 'balance: ip-hash', { balance: 'ip-hash' }],
  ],
  maxBodySize: [[web, 'maxBodySize: 1KB', { maxBodySize: 1024 }]],
  responseTimeoutSeconds: [[web, 'responseTimeoutSeconds: 1', { responseTimeout: 1000 }]],
  idleTimeoutSeconds: [[web, 'idleTimeoutSeconds: 0', { idleTimeout: null }]],
  sticky: [
    [web, 'sticky: cookie', { sticky: { cookie: 'kapal_sticky' } }],
    [web, 'sticky: {}', { sticky: { cookie: 'kapal_sticky' } }],
    [proxy, 'sticky: {cookie: SEAT, maxAgeSeconds: 60}', { sticky: { cookie: 'SEAT', maxAge: 60 } }],
  ],
  slowStartSeconds: [[web, 'slowStartSeconds: 30', { slowStart: 30_000 }]],
  maxConnections: [[web, 'maxConnections: 100', { maxConnections: 100 }]],
  overload: [
    [web, 'overload: off', { overload: 'off' }],
    [web, 'overload: adaptive', {}],
  ],
  queue: [
    [web, 'maxConnections: 1, queue: {size: 5}', { maxConnections: 1, queue: { size: 5, timeout: 10_000 } }],
    [
      web,
      'maxConnections: 1, queue: {size: 5, timeoutSeconds: 2}',
      { maxConnections: 1, queue: { size: 5, timeout: 2_000 } },
    ],
  ],
  rateLimit: [
    [
      web,
      'rateLimit: {requestsPerSecond: 50, burst: 100, key: ip}',
      { policy: { rateLimits: [{ requestsPerSecond: 50, burst: 100, key: { kind: 'ip' } }] } },
    ],
    [
      site,
      'rateLimit: [{requestsPerSecond: 0.5}, {requestsPerSecond: 2.5, key: "header:X-Api-Key"}]',
      {
        policy: {
          rateLimits: [
            { requestsPerSecond: 0.5, burst: 1, key: { kind: 'ip' } },
            { requestsPerSecond: 2.5, burst: 3, key: { kind: 'header', name: 'x-api-key' } },
          ],
        },
      },
    ],
  ],
  connectionLimit: [
    [
      web,
      'connectionLimit: {connections: 3}',
      { policy: { connectionLimit: { connections: 3, key: { kind: 'ip' } } } },
    ],
  ],
  allow: [[site, 'allow: [10.0.0.0/8, 192.0.2.1]', { policy: { allow: ['10.0.0.0/8', '192.0.2.1/32'] } }]],
  deny: [
    [
      web,
      'deny: ["2001:DB8:0:0::/32", "::ffff:192.0.2.1", 10.0.0.0/8, 10.0.0.0/8]',
      {
        policy: { deny: ['2001:db8::/32', '192.0.2.1/32', '10.0.0.0/8'] },
      },
    ],
  ],
  trustedProxies: [[proxy, 'trustedProxies: [127.0.0.1]', { policy: { trustedProxies: ['127.0.0.1/32'] } }]],
  basicAuth: [
    [
      web,
      'basicAuth: {users: [{name: ani, passwordVariable: ANI}]}',
      { policy: { basicAuth: { realm: 'Restricted', users: [{ name: 'ani', variable: 'ANI' }] } } },
    ],
    [
      site,
      'basicAuth: {realm: Staff only, users: [{name: ani, passwordVariable: A}, {name: budi, passwordVariable: A}]}',
      {
        policy: {
          basicAuth: {
            realm: 'Staff only',
            users: [
              { name: 'ani', variable: 'A' },
              { name: 'budi', variable: 'A' },
            ],
          },
        },
      },
    ],
  ],
  requestHeaders: [
    [
      web,
      'requestHeaders: {set: {X-Tenant: 7}, remove: [Cookie]}',
      {
        policy: {
          requestHeaders: [
            { name: 'x-tenant', value: '7' },
            { name: 'cookie', value: null },
          ],
        },
      },
    ],
  ],
  responseHeaders: [
    [
      site,
      'responseHeaders: {set: {X-Frame-Options: DENY, Server: ""}}',
      {
        policy: {
          responseHeaders: [
            { name: 'x-frame-options', value: 'DENY' },
            { name: 'server', value: '' },
          ],
        },
      },
    ],
  ],
  redirects: [
    [
      web,
      'redirects: [{source: /old/*, destination: "https://new.example.com/*", status: 308}, {source: /a, destination: /b}]',
      {
        policy: {
          rules: [
            { kind: 'redirect', source: '/old/*', destination: 'https://new.example.com/*', status: 308 },
            { kind: 'redirect', source: '/a', destination: '/b', status: 301 },
          ],
        },
      },
    ],
  ],
  rewrites: [
    [
      web,
      'rewrites: [{source: /v1/:id, destination: "/items/:id?v=1"}], redirects: [{source: /a, destination: /b, status: 302}]',
      {
        policy: {
          rules: [
            { kind: 'redirect', source: '/a', destination: '/b', status: 302 },
            { kind: 'rewrite', source: '/v1/:id', destination: '/items/:id?v=1' },
          ],
        },
      },
    ],
  ],
  stripPath: [
    [web, 'stripPath: true', { stripPath: true }],
    [web, 'stripPath: false', {}],
  ],
  gzip: [
    [web, 'gzip: true', { policy: { gzip: true } }],
    [site, 'gzip: false', { policy: { gzip: false } }],
  ],
  https: [
    [web, 'https: {redirect: always, hstsSeconds: 0}', { https: { redirect: 'always', hsts: 0 } }],
    [site, 'https: {hstsSeconds: 60}', { https: { redirect: 'auto', hsts: 60 } }],
  ],
  preserveHost: [
    [proxy, 'preserveHost: false', { ownHost: true }],
    [proxy, 'preserveHost: true', {}],
  ],
  upstreamTls: [
    [
      proxy,
      'upstreamTls: {serverName: old.example.com, verify: false}',
      { upstreamTls: { serverName: 'old.example.com', verify: false } },
    ],
  ],
};

describe('every field of edge', () => {
  for (const [name, cases] of Object.entries(honoured)) {
    for (const [base, edge, added] of cases)
      test(`is honoured: ${edge}`, () => {
        assert.deepEqual(edgeOf(base, edge), { ...plain(base), ...added }, name);
      });
  }

  test('is honoured or refused by name; none is left without a test', () => {
    const known = Object.entries<Field<unknown>>(edgeFields).flatMap(([name, { support }]) =>
      support === 'yes' ? [name] : [],
    );
    assert.deepEqual(Object.keys(honoured).toSorted(), known.toSorted());
    const later = Object.keys(edgeFields).filter((name) => !known.includes(name));
    assert.deepEqual(later, ['cache', 'waf', 'forwardAuth', 'brotli']);
  });

  test('is absent where it was not asked for', () => {
    assert.deepEqual(plain(web), {
      balance: 'round-robin',
      maxBodySize: 104_857_600,
      responseTimeout: 100_000,
      idleTimeout: 300_000,
    });
  });
});
