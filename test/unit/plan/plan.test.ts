import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type ExistingService, plan, type PlannedChange } from '../../../src/plan/plan.ts';
import type { ServiceSpec } from '../../../src/spec/spec.ts';
import { existing, service, specOf } from './sample.ts';

function only(declared: ServiceSpec, known: readonly ExistingService[]): PlannedChange {
  const { changes } = plan({ spec: specOf([declared]), environment: 'production', existing: known });
  const [change, ...others] = changes;
  assert.ok(change !== undefined);
  assert.deepEqual(others, []);
  return change;
}

/** From the sample to the sample changed. */
const reasonsFor = (change: Partial<ServiceSpec>, from: Partial<ServiceSpec> = {}) =>
  only(service(change), [existing(service(from))]);

describe('one service', () => {
  test('that is not known is created, and where it was seen is told', () => {
    assert.deepEqual(only(service(), []), {
      service: 'api',
      action: 'create',
      reasons: ['new service of type web, declared in kapal.yaml'],
    });
    const detected = specOf([service()], {
      origin: { kind: 'detected', file: 'package.json', why: 'its start script' },
    });
    assert.deepEqual(plan({ spec: detected, environment: 'production', existing: [] }).changes[0]?.reasons, [
      'new service of type web, detected from package.json (its start script)',
    ]);
  });

  test('without a release is created still', () => {
    assert.deepEqual(only(service(), [existing(service(), { current: null })]), {
      service: 'api',
      action: 'create',
      reasons: ['no release of it has gone live yet'],
    });
  });

  test('that says the same is unchanged', () => {
    assert.deepEqual(only(service(), [existing(service())]), { service: 'api', action: 'unchanged', reasons: [] });
  });

  const updates: readonly (readonly [Partial<ServiceSpec>, Partial<ServiceSpec>, readonly string[]])[] = [
    [
      { commands: { build: null, preDeploy: null, start: 'node server.js' } },
      {},
      ['startCommand: "npm start" -> "node server.js"'],
    ],
    [
      { commands: { build: 'make', preDeploy: 'npm run migrate', start: 'npm start' } },
      {},
      ['buildCommand: none -> "make"', 'preDeployCommand: none -> "npm run migrate"'],
    ],
    [{ rootDir: 'apps/api' }, {}, ['rootDir: . -> apps/api']],
    [
      { type: 'static', runtime: 'static', publishPath: 'dist', static: { fallback: 'none' } },
      {},
      [
        'type: web -> static',
        'runtime: node -> static',
        'staticPublishPath: none -> "dist"',
        'staticFallback: none -> "none"',
      ],
    ],
    [
      { health: { path: '/healthz', interval: 2000, timeout: 5000 } },
      {},
      ['healthCheckPath: none -> /healthz', 'healthCheck.intervalSeconds: 5 -> 2 (without a new release)'],
    ],
    [{ memoryLimit: 1.5 * 1024 ** 3 }, { memoryLimit: 512 * 1024 ** 2 }, ['memoryLimit: 512MB -> 1536MB']],
    [{ shutdownDelay: 60_000 }, {}, ['maxShutdownDelaySeconds: 30 -> 60 (without a new release)']],
    [
      { domains: ['b.example.com', 'a.example.com'] },
      {},
      ['domains: none -> a.example.com, b.example.com (without a new release)'],
    ],
    [
      { edge: { balance: 'ip-hash', maxBodySize: 1000, responseTimeout: 100_000, idleTimeout: null } },
      {},
      [
        'edge.balance: round-robin -> ip-hash (without a new release)',
        'edge.maxBodySize: 100MB -> 1000 (without a new release)',
        'edge.idleTimeoutSeconds: 300 -> 0 (without a new release)',
      ],
    ],
    [
      { rollout: { strategy: 'blue-green', maxSurge: 2 } },
      {},
      [
        'rollout.strategy: rolling -> blue-green (without a new release)',
        'rollout.maxSurge: 1 -> 2 (without a new release)',
      ],
    ],
    [
      { upstreams: [{ host: '::1', port: 80, weight: 2 }] },
      { upstreams: [{ host: 'a', port: 1, weight: 1 }] },
      ['upstreams: a:1 -> [::1]:80 (weight 2)'],
    ],
    [{ groups: ['a', 'b'] }, { groups: ['a'] }, ['groups: a -> a, b']],
  ];
  for (const [change, from, reasons] of updates) {
    test(`is updated: ${reasons.join('; ')}`, () =>
      assert.deepEqual(reasonsFor(change, from), { service: 'api', action: 'update', reasons }));
  }

  test('whose domains stand in another order is unchanged', () => {
    assert.equal(reasonsFor({ domains: ['a.b', 'c.d'] }, { domains: ['c.d', 'a.b'] }).action, 'unchanged');
  });

  test('tells variables by name, and never a value', () => {
    const before = {
      variables: [
        { key: 'A', value: { kind: 'literal', text: 'hunter1' } },
        { key: 'B', value: { kind: 'prompt' } },
        { key: 'C', value: { kind: 'generated' } },
      ],
    } as const;
    const after = {
      variables: [
        { key: 'D', value: { kind: 'literal', text: 'hunter3' } },
        { key: 'C', value: { kind: 'generated' } },
        { key: 'A', value: { kind: 'literal', text: 'hunter2' } },
      ],
    } as const;
    const change = reasonsFor(after, before);
    assert.deepEqual(change.reasons, ['envVars: A changed', 'envVars: B removed', 'envVars: D added']);
  });

  test('cannot move the cursor of a terminal by its commands', () => {
    const [reason = ''] = reasonsFor({
      commands: { build: null, preDeploy: null, start: 'a\u001b[2J\u202e\u009b' },
    }).reasons;
    assert.match(reason, /^[\x20-\x7e]+$/);
  });
});

describe('the number of instances', () => {
  test('alone is a matter of scale', () => {
    assert.deepEqual(reasonsFor({ instances: 4 }, { instances: 3 }), {
      service: 'api',
      action: 'scale',
      reasons: ['numInstances: 3 -> 4'],
    });
  });

  test('beside another change is told behind it', () => {
    assert.deepEqual(reasonsFor({ instances: 4, rootDir: 'a' }), {
      service: 'api',
      action: 'update',
      reasons: ['rootDir: . -> a', 'numInstances: 1 -> 4'],
    });
  });

  test('as kapal scale set it holds while the declared number stays', () => {
    assert.deepEqual(only(service({ instances: 3 }), [existing(service({ instances: 3 }), { scale: 5 })]), {
      service: 'api',
      action: 'unchanged',
      reasons: ['numInstances: 3 is declared, 5 run by kapal scale until the declared number changes'],
    });
    assert.deepEqual(only(service({ instances: 3 }), [existing(service({ instances: 3 }), { scale: 3 })]).reasons, []);
  });

  test('counts again when the declared number changes', () => {
    assert.deepEqual(only(service({ instances: 4 }), [existing(service({ instances: 3 }), { scale: 5 })]), {
      service: 'api',
      action: 'scale',
      reasons: ['numInstances: 3 -> 4 (5 run by kapal scale, which ends)'],
    });
  });

  test('of what has none says nothing', () => {
    assert.equal(reasonsFor({ type: 'static', instances: 4 }, { type: 'static' }).action, 'unchanged');
  });
});

describe('several services', () => {
  const spec = specOf([service({ name: 'b' }), service({ name: 'a' })]);
  const known = [
    existing(service({ name: 'z' })),
    existing(service({ name: 'a' })),
    existing(service({ name: 'old' }), { current: null }),
  ];

  test('stand in the order of the file; vanished ones follow by name', () => {
    const { changes } = plan({ spec, environment: 'production', existing: known });
    assert.deepEqual(
      changes.map(({ service: name, action }) => [name, action]),
      [
        ['b', 'create'],
        ['a', 'unchanged'],
        ['old', 'vanished'],
        ['z', 'vanished'],
      ],
    );
    assert.deepEqual(changes[2]?.reasons, [
      'kapal.yaml does not name it any more; it runs on until kapal deploy --prune',
    ]);
  });

  test('of which one is asked for: nothing else is said', () => {
    const { changes } = plan({ spec, environment: 'production', existing: known, only: 'a' });
    assert.deepEqual(
      changes.map((change) => change.service),
      ['a'],
    );
  });
});

const anyService = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c'),
    type: fc.constantFrom('web', 'worker', 'static', 'proxy'),
    instances: fc.integer({ min: 1, max: 4 }),
    rootDir: fc.constantFrom('.', 'x'),
    domains: fc.subarray(['a.example.com', 'b.example.com']),
    startTimeout: fc.constantFrom(1000, 2000),
    variables: fc.uniqueArray(
      fc.record({
        key: fc.constantFrom('A', 'B'),
        value: fc.record({ kind: fc.constant('literal'), text: fc.stringMatching(/^secret-[a-z]{8}$/) }),
      }),
      { selector: ({ key }) => key },
    ),
  })
  .map((change) => service(change));
const anySpecs = fc.uniqueArray(anyService, { selector: (one) => one.name });

test('any plan: each service once, a reason for each change, no secret, and none is left when it was carried out', () => {
  fc.assert(
    fc.property(
      anySpecs,
      fc.array(fc.tuple(anyService, fc.option(fc.nat(5)), fc.option(fc.nat(3)))),
      (declared, before) => {
        const known = [
          ...new Map(before.map(([spec, scale, current]) => [spec.name, existing(spec, { scale, current })])).values(),
        ];
        const { changes } = plan({ spec: specOf(declared), environment: 'production', existing: known });
        assert.deepEqual(
          changes.map((change) => change.service).toSorted(),
          [...new Set([...declared, ...known].map((one) => one.name))].toSorted(),
        );
        for (const change of changes) {
          if (change.action !== 'unchanged') assert.ok(change.reasons.length > 0);
          assert.doesNotMatch(change.reasons.join(), /secret-/);
        }
        const after = plan({
          spec: specOf(declared),
          environment: 'production',
          existing: declared.map((spec) => existing(spec)),
        });
        assert.ok(after.changes.every((change) => change.action === 'unchanged' && change.reasons.length === 0));
      },
    ),
    { numRuns: 2000 },
  );
});
