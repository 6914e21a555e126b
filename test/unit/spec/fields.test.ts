import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runtimes } from '../../../src/spec/language/languages.ts';
import type { ServiceSpec } from '../../../src/spec/spec.ts';
import { edgeFields } from '../../../src/spec/table/edge.ts';
import { buildFields, healthCheckFields, rolloutFields } from '../../../src/spec/table/kapal.ts';
import { serviceFields } from '../../../src/spec/table/service.ts';
import type { Field, Table } from '../../../src/spec/table/shape.ts';
import { cron, cronHonoured, proxy, site, unscheduled, web, worker } from './cron-fields.ts';
import { onlyService, problemsOf, read, warningsOf } from './source.ts';

/** The added field stands on this line. */
const LINE = 5;

type Honoured = readonly [base: string, line: string, said: (service: ServiceSpec) => unknown, expected: unknown];

/** What honoured fields of a service do: a line of YAML, and what the spec says then. */
const honoured: Readonly<Record<string, readonly Honoured[]>> = {
  runtime: [[web, 'runtime: node', (service) => service.runtime, 'node']],
  env: [[web, 'env: node', (service) => service.runtime, 'node']],
  rootDir: [[web, 'rootDir: ./apps//api/', (service) => service.rootDir, 'apps/api']],
  buildCommand: [
    [web, 'buildCommand: "  make\\n"', (service) => service.commands.build, 'make'],
    [web, 'buildCommand: ""', (service) => service.commands.build, 'true'],
  ],
  preDeployCommand: [
    [web, 'preDeployCommand: npm run migrate', (service) => service.commands.preDeploy, 'npm run migrate'],
  ],
  ...cronHonoured,
  numInstances: [[web, 'numInstances: 3', (service) => service.instances, 3]],
  healthCheckPath: [
    [web, 'healthCheckPath: /healthz?deep=1', (service) => service.health.path, '/healthz?deep=1'],
    [proxy, 'healthCheckPath: /up', (service) => service.health, { path: '/up', interval: 1000, timeout: 2000 }],
  ],
  maxShutdownDelaySeconds: [[worker, 'maxShutdownDelaySeconds: 300', (service) => service.shutdownDelay, 300_000]],
  domains: [
    [
      web,
      'domains: [API.example.com, "*.example.com", api.example.com]',
      (service) => service.domains,
      ['api.example.com', '*.example.com'],
    ],
    [
      web,
      'domains: [Shop.example.com/Api/, shop.example.com]',
      (service) => service.domains,
      ['shop.example.com/Api', 'shop.example.com'],
    ],
  ],
  domain: [[site, 'domain: www.example.com', (service) => service.domains, ['www.example.com']]],
  envVars: [
    [
      web,
      'envVars: [{key: A, value: 1.10}]',
      (service) => service.variables,
      [{ key: 'A', value: { kind: 'literal', text: '1.10' } }],
    ],
  ],
  routes: [
    [
      site,
      'routes: [{type: rewrite, source: /*, destination: /index.html}]',
      (service) => service.static,
      { fallback: 'index.html' },
    ],
    [site, 'routes: []', (service) => service.static, { fallback: null }],
    [
      site,
      'routes: [{type: redirect, source: /a/:id, destination: "/b?id=:id"}, {type: rewrite, source: /*, destination: /app.html}]',
      (service) => [service.static, service.edge.policy?.rules],
      [{ fallback: 'app.html' }, [{ kind: 'redirect', source: '/a/:id', destination: '/b?id=:id', status: 301 }]],
    ],
  ],
  headers: [
    [
      site,
      'headers: [{path: /*, name: X-Frame-Options, value: DENY}, {path: /assets/*, name: Cache-Control, value: max-age=60}]',
      (service) => service.edge.policy?.responseHeaders,
      [
        { name: 'x-frame-options', value: 'DENY' },
        { name: 'cache-control', value: 'max-age=60', path: '/assets/*' },
      ],
    ],
  ],
  ipAllowList: [
    [
      web,
      'ipAllowList: [{source: 192.0.2.7, description: office}, {source: "2001:DB8::/32"}]',
      (service) => service.edge.policy?.allow,
      ['192.0.2.7/32', '2001:db8::/32'],
    ],
    [web, 'ipAllowList: [{source: 0.0.0.0/0}]', (service) => service.edge.policy, undefined],
  ],
  maintenanceMode: [
    [web, 'maintenanceMode: {enabled: true, uri: ""}', (service) => service.edge.policy, { maintenance: true }],
    [web, 'maintenanceMode: {enabled: false}', (service) => service.edge.policy, undefined],
  ],
  autoDeployTrigger: [
    [web, 'autoDeployTrigger: off', (service) => service.autoDeploy.on, false],
    [web, 'autoDeployTrigger: commit', (service) => service.autoDeploy, { on: true, paths: [], ignoredPaths: [] }],
  ],
  autoDeploy: [[web, 'autoDeploy: false', (service) => service.autoDeploy.on, false]],
  buildFilter: [
    [
      web,
      'buildFilter: {paths: [apps/web/**, "packages/[a-z]*"], ignoredPaths: ["**/*.md"]}',
      (service) => service.autoDeploy,
      { on: true, paths: ['apps/web/**', 'packages/[a-z]*'], ignoredPaths: ['**/*.md'] },
    ],
  ],
  startTimeoutSeconds: [[web, 'startTimeoutSeconds: 90', (service) => service.startTimeout, 90_000]],
  port: [[web, 'port: 3000', (service) => service.port, 3000]],
  memoryLimit: [
    [web, 'memoryLimit: 512MB', (service) => service.memoryLimit, 512 * 1024 ** 2],
    [web, 'memoryLimit: 1.5 GiB', (service) => service.memoryLimit, 1.5 * 1024 ** 3],
  ],
  staticFallback: [
    [site, 'staticFallback: app/index.html', (service) => service.static, { fallback: 'app/index.html' }],
  ],
  edge: [
    [proxy, 'edge: {balance: ip-hash}', (service) => service.edge.balance, 'ip-hash'],
    [web, 'edge: {maxBodySize: 1KB}', (service) => service.edge.maxBodySize, 1024],
    [web, 'edge: {responseTimeoutSeconds: 1}', (service) => service.edge.responseTimeout, 1000],
    [web, 'edge: {idleTimeoutSeconds: 0}', (service) => service.edge.idleTimeout, null],
    [web, 'edge: {idleTimeoutSeconds: 7}', (service) => service.edge.idleTimeout, 7000],
  ],
  rollout: [
    [
      web,
      'rollout: {strategy: blue-green, maxSurge: 2}',
      (service) => service.rollout,
      { strategy: 'blue-green', maxSurge: 2 },
    ],
  ],
  healthCheck: [
    [
      web,
      'healthCheck: {intervalSeconds: 2, timeoutSeconds: 3}',
      (service) => service.health,
      { path: null, interval: 2000, timeout: 3000 },
    ],
  ],
  build: [
    [
      site,
      'build: {timeoutSeconds: 60, memoryLimit: 1GB}',
      (service) => service.build,
      { timeout: 60_000, memoryLimit: 1024 ** 3 },
    ],
    [
      web,
      'build: {diskLimit: 2GB, processLimit: 64}',
      (service) => service.build,
      { timeout: 900_000, memoryLimit: null, diskLimit: 2 * 1024 ** 3, processLimit: 64 },
    ],
  ],
};

/** Honoured fields with tests of their own. */
const elsewhere = ['type', 'name', 'startCommand', 'staticPublishPath', 'repo', 'branch', 'upstreams', 'disk'];

describe('every field of a service', () => {
  const files = { 'apps/api/server.js': '' };
  for (const [name, cases] of Object.entries(honoured)) {
    for (const [base, line, said, expected] of cases) {
      test(`is honoured: ${line}`, () => {
        assert.deepEqual(said(onlyService(read({ 'kapal.yaml': `${base}    ${line}\n`, ...files }))), expected);
        assert.ok(Object.hasOwn(serviceFields, name));
      });
    }
  }

  test('is honoured, ignored or refused; none is left without a test', () => {
    const known = named(serviceFields, 'yes').toSorted();
    assert.deepEqual([...Object.keys(honoured), ...elsewhere].toSorted(), known);
  });

  for (const name of named(serviceFields, 'warn')) {
    test(`is ignored with a warning: ${name}`, () => {
      const [warning = '', ...others] = warningsOf(`${web}    ${name}: {some: thing}\n`);
      assert.equal(
        warning,
        `kapal.yaml:${LINE}:5: services[0].${name}: is ignored: ${field(serviceFields, name).says}`,
      );
      assert.deepEqual(others, []);
    });
  }

  for (const name of named(serviceFields, 'later')) {
    test(`is refused by name: ${name}`, () => {
      assert.deepEqual(problemsOf(`${web}    ${name}: {some: thing}\n`), [
        `kapal.yaml:${LINE}:5: services[0].${name}: ${field(serviceFields, name).says}`,
      ]);
    });
  }

  test('of no value is the same as no field', () => {
    const names = Object.keys(serviceFields).filter((name) => !['type', 'name', 'startCommand'].includes(name));
    const text = `${web}${names.map((name) => `    ${name}:\n`).join('')}`;
    assert.deepEqual(onlyService(read({ 'kapal.yaml': text })), onlyService(read({ 'kapal.yaml': web })));
  });

  test('that is refused lets pass what asks for nothing', () => {
    const harmless = [
      'maintenanceMode: {enabled: false}',
      'ipAllowList: [{source: 0.0.0.0/0, description: everywhere}]',
      'headers: []',
      'renderSubdomainPolicy: enabled',
      'pullRequestPreviewsEnabled: false',
    ];
    for (const line of harmless) assert.deepEqual(warningsOf(`${web}    ${line}\n`), [], line);
  });
});

describe('fields of the parts of a service', () => {
  const parts: readonly (readonly [string, Table])[] = [
    ['edge', edgeFields],
    ['rollout', rolloutFields],
    ['healthCheck', healthCheckFields],
    ['build', buildFields],
  ];
  for (const [part, table] of parts) {
    for (const name of named(table, 'later')) {
      test(`refused by name: ${part}.${name}`, () => {
        assert.deepEqual(problemsOf(`${web}    ${part}: {${name}: x}\n`), [
          `kapal.yaml:${LINE}:${5 + part.length + 3}: services[0].${part}.${name}: ${field(table, name).says}`,
        ]);
      });
    }
    test(`take nothing unknown: ${part}`, () => {
      assert.deepEqual(problemsOf(`${web}    ${part}: {nothing: x}\n`), [
        `kapal.yaml:${LINE}:${5 + part.length + 3}: services[0].${part}.nothing: unknown field`,
      ]);
    });
  }
});

describe('a value of the wrong kind', () => {
  const wrong: readonly (readonly [base: string, line: string, column: number, problem: string])[] = [
    [
      web,
      'numInstances: "3"',
      19,
      'numInstances: expected a whole number from 1 to 500, found text: remove the quotes around 3',
    ],
    [web, 'numInstances: 0', 19, 'numInstances: expected a whole number from 1 to 500, found the number 0'],
    [web, 'numInstances: 1.5', 19, 'numInstances: expected a whole number from 1 to 500, found the number 1.5'],
    [web, 'numInstances: .nan', 19, 'numInstances: expected a whole number from 1 to 500, found the number .nan'],
    [web, 'numInstances: many', 19, 'numInstances: expected a whole number from 1 to 500, found text'],
    [web, 'numInstances: [1]', 19, 'numInstances: expected a whole number from 1 to 500, found a list'],
    [
      web,
      'maxShutdownDelaySeconds: 301',
      30,
      'maxShutdownDelaySeconds: expected a whole number of seconds from 1 to 300, found the number 301',
    ],
    [web, 'buildCommand: true', 19, 'buildCommand: expected a command (text), found the value true: put it in quotes'],
    [web, 'buildCommand: [npm, ci]', 19, 'buildCommand: expected a command (text), found a list'],
    [
      web,
      'runtime: elixir',
      14,
      `runtime: elixir: Elixir is not supported by this version of Kapal, which builds ${runtimes.join(', ')}`,
    ],
    [web, 'runtime: nodejs', 14, `runtime: expected one of ${runtimes.join(', ')}, found "nodejs", did you mean node?`],
    [web, 'rootDir: ../secret', 14, 'rootDir: "../secret" leads out of the source'],
    [web, 'rootDir: /etc', 14, 'rootDir: expected a path relative to the source, found "/etc"'],
    [web, 'healthCheckPath: healthz', 22, 'healthCheckPath: expected a path that begins with /, found "healthz"'],
    [web, 'domains: shop.example.com', 14, 'domains: expected a list of values, found text'],
    [
      web,
      'domains: ["https://a.example.com/"]',
      15,
      'domains[0]: expected a host name such as shop.example.com, or with a path: shop.example.com/api, without scheme or port, found "https://a.example.com/"',
    ],
    [
      web,
      'memoryLimit: 512',
      18,
      'memoryLimit: expected a size of at least 32MB, such as "512MB" or "2GB", found the number 512 without a unit',
    ],
    [
      web,
      'memoryLimit: 1MB',
      18,
      'memoryLimit: expected a size of at least 32MB, such as "512MB" or "2GB", found "1MB"',
    ],
    [
      web,
      'memoryLimit: lots',
      18,
      'memoryLimit: expected a size of at least 32MB, such as "512MB" or "2GB", found "lots"',
    ],
    [web, 'edge: fast', 11, 'edge: expected a mapping (name: value), found text'],
    [
      web,
      'rollout: {strategy: canary}',
      25,
      'rollout.strategy: canary: this strategy comes in a later version of Kapal; take rolling',
    ],
    [web, 'envVars: {A: 1}', 14, 'envVars: expected a list of mappings, found a mapping'],
    [
      site,
      'routes: [{type: rewrite, source: /*, destination: "/../x"}]',
      42,
      'routes[0].destination: "/../x" is not soundly encoded',
    ],
    [
      site,
      'routes: [{type: rewrit, source: /a, destination: /b}]',
      21,
      'routes[0].type: expected one of redirect, rewrite, found "rewrit", did you mean rewrite?',
    ],
    [unscheduled, 'schedule: "0 25 * * *"', 15, 'schedule: "0 25 * * *": "25" is no hour (0 to 23)'],
    [unscheduled, 'schedule: "0 0 31 FEB *"', 15, 'schedule: "0 0 31 FEB *" names no moment that ever comes'],
    [
      unscheduled,
      'schedule: every night',
      15,
      'schedule: "every night" has 2 fields, a schedule has five: minute, hour, day of month, month, day of week',
    ],
    [
      unscheduled,
      'schedule: 5',
      15,
      'schedule: expected a schedule such as "30 2 * * *" or "@hourly", found the number 5: put it in quotes',
    ],
  ];
  for (const [base, line, column, problem] of wrong) {
    test(line, () =>
      assert.deepEqual(problemsOf(`${base}    ${line}\n`), [`kapal.yaml:${LINE}:${column}: services[0].${problem}`]),
    );
  }

  test('is not repeated where it may be a secret', () => {
    const [problem = ''] = problemsOf(`${web}    envVars: [{key: A, generateValue: hunter2}]\n`);
    assert.doesNotMatch(problem, /hunter2/);
  });

  test('cannot move the cursor of a terminal', () => {
    const [problem = ''] = problemsOf(`${web}    rootDir: "/\\e[2J\\u202e\\x9b"\n`);
    assert.match(problem, /^[\x20-\x7e]+$/);
  });
});

describe('a field that the type has no use for', () => {
  test('is warned about where Render takes it', () => {
    assert.deepEqual(warningsOf(`${worker}    healthCheckPath: /x\n`), [
      'kapal.yaml:5:5: services[0].healthCheckPath: is ignored: it has no meaning for a service of type worker, only for web, pserv, proxy',
    ]);
    assert.equal(onlyService(read({ 'kapal.yaml': `${worker}    healthCheckPath: /x\n` })).health.path, null);
    assert.equal(onlyService(read({ 'kapal.yaml': `${site}    numInstances: 4\n` })).instances, 1);
  });

  test('is refused for a cron that has no schedule, or a zone that is none', () => {
    assert.deepEqual(problemsOf(unscheduled), ['kapal.yaml:2:5: services[0].schedule: is missing: a cron needs one']);
    assert.deepEqual(problemsOf(`${cron}    timeZone: Berlin\n`), [
      'kapal.yaml:6:15: services[0].timeZone: expected a time zone such as Europe/Berlin, found Berlin',
    ]);
    assert.deepEqual(problemsOf(`${cron}    preDeployCommand: x\n`), [
      'kapal.yaml:6:5: services[0].preDeployCommand: has no meaning for a service of type cron, only for web, pserv, worker',
    ]);
  });

  test('is refused where it is Kapal’s own, or would mislead', () => {
    const cases: readonly (readonly [string, string])[] = [
      [worker, 'domains: [a.example.com]'],
      [worker, 'edge: {balance: ip-hash}'],
      [web, 'headers: [{path: /*, name: X-A, value: b}]'],
      [site, 'preDeployCommand: npm run migrate'],
      [site, 'memoryLimit: 1GB'],
      [web, 'staticPublishPath: dist'],
      [web, 'upstreams: [{address: "a:1"}]'],
      [web, 'schedule: "0 3 * * *"'],
      [worker, 'timeZone: UTC'],
      [site, 'initialDeployHook: node seed.js'],
      [proxy, 'startCommand: npm start'],
      [proxy, 'envVars: [{key: A, value: b}]'],
    ];
    for (const [base, line] of cases) {
      const problems = problemsOf(`${base}    ${line}\n`);
      assert.equal(problems.length, 1, problems.join('\n'));
      assert.match(problems[0] ?? '', /^kapal\.yaml:5:5: services\[0\]\.\w+: has no meaning for a service of type /);
    }
  });
});

function named(table: Table, support: Field<unknown>['support']): string[] {
  return Object.entries<Field<unknown>>(table)
    .filter(([, one]) => one.support === support)
    .map(([name]) => name);
}

function field(table: Table, name: string): Field<unknown> {
  const found = table[name];
  assert.ok(found !== undefined);
  return found;
}
