import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, liveChanges, releaseFingerprint, runtimePart } from '../../../src/plan/fingerprint.ts';
import type { ServiceSpec } from '../../../src/spec/spec.ts';
import type { EdgeSpec } from '../../../src/spec/edge-spec.ts';
import { service } from './sample.ts';

const digest = (text: string) => createHash('sha256').update(text).digest('hex');
const fingerprint = (spec: ServiceSpec, sourceDigest = 's', variablesDigest = 'v') =>
  releaseFingerprint({ sourceDigest, spec, variablesDigest }, digest);

const plain = service().edge;
/** One change for each part of what is asked of the edge. */
const liveEdges: Partial<EdgeSpec>[] = [
  { sticky: { cookie: 'a' } },
  { sticky: { cookie: 'a', maxAge: 1 } },
  { slowStart: 1000 },
  { maxConnections: 1 },
  { queue: { size: 1, timeout: 1000 } },
  { overload: 'off' },
  { ownHost: true },
  { stripPath: true },
  { https: { redirect: 'auto' } },
  { https: { redirect: 'never', hsts: 1 } },
  { policy: { trustedProxies: ['10.0.0.0/8'] } },
  { policy: { maintenance: true } },
  { policy: { allow: ['10.0.0.0/8'] } },
  { policy: { deny: ['10.0.0.0/8'] } },
  { policy: { rateLimits: [{ requestsPerSecond: 1, burst: 1, key: { kind: 'ip' } }] } },
  { policy: { connectionLimit: { connections: 1, key: { kind: 'header', name: 'x' } } } },
  { policy: { basicAuth: { realm: 'r', users: [{ name: 'a', variable: 'A' }] } } },
  { policy: { rules: [{ kind: 'rewrite', source: '/a', destination: '/b' }] } },
  { policy: { rules: [{ kind: 'redirect', source: '/a', destination: '/b', status: 301 }] } },
  { policy: { requestHeaders: [{ name: 'x-a', value: null }] } },
  { policy: { responseHeaders: [{ name: 'x-a', value: 'b', path: '/c' }] } },
  { policy: { gzip: true } },
];

/** One change for each part of a spec. A new part must be put into one of the two lists. */
const needRelease: Partial<ServiceSpec>[] = [
  { type: 'worker' },
  { runtime: 'static' },
  { rootDir: 'apps/api' },
  { commands: { build: 'make', preDeploy: null, start: 'npm start' } },
  { commands: { build: null, preDeploy: 'x', start: 'npm start' } },
  { commands: { build: null, preDeploy: null, start: 'node a' } },
  { publishPath: 'dist' },
  { health: { path: '/healthz', interval: 5000, timeout: 5000 } },
  { health: { path: '/healthz', content: 'ok', interval: 5000, timeout: 5000 } },
  { memoryLimit: 1 },
  { upstreams: [{ host: 'a', port: 1, weight: 1 }] },
  { static: { fallback: 'index.html' } },
  { disk: { name: 'a', mountPath: 'data', size: 10 * 1024 ** 3 } },
  { edge: { ...plain, upstreamTls: { serverName: null, verify: true } } },
];
const live: Partial<ServiceSpec>[] = [
  ...liveEdges.map((change) => ({ edge: { ...plain, ...change } })),
  { instances: 9 },
  { domains: ['a.example.com'] },
  { edge: { balance: 'ip-hash', maxBodySize: 1, responseTimeout: 1, idleTimeout: 1 } },
  { health: { path: null, interval: 1000, timeout: 5000 } },
  { health: { path: null, interval: 5000, timeout: 1000 } },
  { rollout: { strategy: 'blue-green', maxSurge: 1 } },
  { rollout: { strategy: 'rolling', maxSurge: 9 } },
  { startTimeout: 1 },
  { shutdownDelay: 1 },
  { cron: { schedule: '@hourly', timeZone: null, overlap: 'skip', missed: 'once', timeout: null, history: 50 } },
  { autoDeploy: { on: false, paths: [], ignoredPaths: [] } },
  { autoDeploy: { on: true, paths: ['a/**'], ignoredPaths: [] } },
  { autoDeploy: { on: true, paths: [], ignoredPaths: ['**/*.md'] } },
  { build: { timeout: 1, memoryLimit: null } },
  { build: { timeout: 900_000, memoryLimit: 1 } },
  { build: { timeout: 900_000, memoryLimit: null, diskLimit: 1 } },
  { build: { timeout: 900_000, memoryLimit: null, processLimit: 1 } },
];
/** Their values reach the fingerprint as the digest of the variables; the name is what a service is found by. */
const elsewhere = ['name', 'groups', 'variables'];

describe('the fingerprint of a release', () => {
  for (const change of needRelease) {
    test(`changes with ${JSON.stringify(change)}`, () => {
      assert.notEqual(fingerprint(service(change)), fingerprint(service()));
      assert.deepEqual(liveChanges(service(), service(change)), []);
    });
  }
  for (const change of live) {
    test(`stays with ${JSON.stringify(change)}, which is a live change`, () => {
      assert.equal(fingerprint(service(change)), fingerprint(service()));
      assert.ok(liveChanges(service(), service(change)).length > 0);
    });
  }

  test('stays with the size of a disk, and changes with its name and its place', () => {
    const disk = { name: 'a', mountPath: 'data', size: 10 * 1024 ** 3 };
    const larger = service({ disk: { ...disk, size: 20 * 1024 ** 3 } });
    assert.equal(fingerprint(larger), fingerprint(service({ disk })));
    assert.deepEqual(liveChanges(service({ disk }), larger), ['disk.sizeGB: 10 -> 20']);
    for (const change of [{ name: 'b' }, { mountPath: '/data' }])
      assert.notEqual(fingerprint(service({ disk: { ...disk, ...change } })), fingerprint(service({ disk })));
  });

  test('knows every part of a spec', () => {
    const known = new Set([...needRelease, ...live].flatMap((change) => Object.keys(change)));
    const whole = { ...service(), disk: undefined, cron: undefined };
    assert.deepEqual(Object.keys(whole).toSorted(), [...known, ...elsewhere].toSorted());
  });

  test('each change of the edge is said in its own words', () => {
    const said = [...liveEdges].map((change) =>
      liveChanges(service(), service({ edge: { ...plain, ...change } })).join(),
    );
    assert.equal(new Set(said).size, liveEdges.length);
    assert.deepEqual(liveChanges(service(), service({ edge: { ...plain, queue: { size: 5, timeout: 2000 } } })), [
      'edge.queue: none -> {size: 5, timeoutSeconds: 2}',
    ]);
  });

  test('changes with source and variables, each in its own place', () => {
    const all = [
      fingerprint(service(), 'a', 'b'),
      fingerprint(service(), 'b', 'a'),
      fingerprint(service(), 'a', 'a'),
      fingerprint(service(), '', 'ab'),
      fingerprint(service(), 'ab', ''),
    ];
    assert.equal(new Set(all).size, all.length);
  });

  test('does not depend on the order of fields, nor on declared values', () => {
    const turned = Object.fromEntries(Object.entries(service()).toReversed());
    assert.equal(fingerprint({ ...service(), ...turned }), fingerprint(service()));
    assert.equal(
      fingerprint(service({ variables: [{ key: 'A', value: { kind: 'literal', text: 'x' } }], groups: ['g'] })),
      fingerprint(service()),
    );
  });

  test('a field that came later is no part of it until somebody declares it', () => {
    const health = { path: '/healthz', interval: 5000, timeout: 5000 };
    assert.equal(runtimePart(service({ health }))['healthCheck.content'], undefined);
    const all = [{ ...health, content: 'none' }, { ...health, content: 'a' }, health].map((one) =>
      fingerprint(service({ health: one })),
    );
    assert.equal(new Set(all).size, 3);
  });

  test('tells commands apart that look alike', () => {
    const start = (text: string | null) =>
      runtimePart(service({ commands: { build: null, preDeploy: null, start: text } }))['startCommand'];
    assert.equal(
      new Set([start(null), start('none'), start('"none"'), start(''), start('a\u202e'), start('a\u200b'), start('a')])
        .size,
      7,
    );
  });
});

test('canonical JSON: equal values make equal texts, and reading it gives the value back', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.equal(canonicalJson(JSON.parse(canonicalJson(value))), canonicalJson(value));
      assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 1000 },
  );
  assert.equal(
    canonicalJson({ b: 1, a: { d: [1, { f: 1, e: undefined }], c: null } }),
    '{"a":{"c":null,"d":[1,{"f":1}]},"b":1}',
  );
});
