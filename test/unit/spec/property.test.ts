import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { KapalError } from '../../../src/model/errors.ts';
import { isHost, isName, isVariableName } from '../../../src/model/names.ts';
import type { Spec } from '../../../src/spec/spec.ts';
import { edgeFields } from '../../../src/spec/table/edge.ts';
import { diskFields } from '../../../src/spec/table/disk.ts';
import { buildFields, healthCheckFields, rolloutFields, upstreamFields } from '../../../src/spec/table/kapal.ts';
import { rootFields } from '../../../src/spec/table/root.ts';
import { serviceFields } from '../../../src/spec/table/service.ts';
import { fromServiceFields, groupFields, variableFields } from '../../../src/spec/table/variables.ts';
import { read, type Tree } from './source.ts';

const runs = { numRuns: 1500 } as const;
const files = [
  'kapal.yaml',
  'render.yaml',
  'Procfile',
  'package.json',
  'index.html',
  'server.js',
  'api/package.json',
  'vite.config.js',
  'go.mod',
];

/** Words of the declaration, so that most of what is made is nearly right. */
const names = [
  rootFields,
  serviceFields,
  variableFields,
  fromServiceFields,
  groupFields,
  edgeFields,
  rolloutFields,
  healthCheckFields,
  buildFields,
  diskFields,
  upstreamFields,
].flatMap((table) => Object.keys(table));
const word = fc.constantFrom(
  ...names,
  'web',
  'worker',
  'pserv',
  'static',
  'proxy',
  'cron',
  '* * * * *',
  '@hourly',
  'Europe/Berlin',
  'node',
  'api',
  'a',
  '.',
  '..',
  '512MB',
  '/healthz',
  'a:1',
  '1',
  'x.example.com',
  '<<',
  '*a',
  '&a x',
  '',
);
const leaf = fc.oneof(word, fc.string({ maxLength: 12 }), fc.integer(), fc.double(), fc.boolean(), fc.constant(null));
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(word, fc.string({ maxLength: 8 })), tie('tree'), { maxKeys: 6 }),
  ),
}));

const variable = fc.oneof(
  fc.record({ key: fc.constantFrom('A', 'B', 'PORT'), value: fc.oneof(fc.string(), fc.integer(), fc.boolean()) }),
  fc.constantFrom({ key: 'C', generateValue: true }, { key: 'D', sync: false }, { fromGroup: 'g' }, { fromGroup: 'h' }),
  fc.record({
    key: fc.constantFrom('E', 'F'),
    fromService: fc.record({
      name: fc.constantFrom('s0', 's1', 's2'),
      property: fc.constantFrom('host', 'hostport', 'url'),
    }),
  }),
  fc.record({
    key: fc.constantFrom('G', 'H'),
    fromService: fc.record({ name: fc.constantFrom('s0', 's1', 's2'), envVarKey: fc.constantFrom('A', 'C') }),
  }),
);
const sound: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  rootDir: fc.constantFrom('.', './', 'apps'),
  buildCommand: fc.string(),
  preDeployCommand: fc.string(),
  numInstances: fc.integer({ min: 1, max: 500 }),
  healthCheckPath: fc.webPath().map((path) => `/${path}`),
  maxShutdownDelaySeconds: fc.integer({ min: 1, max: 300 }),
  domain: fc.domain(),
  envVars: fc.array(variable, { maxLength: 3 }),
  memoryLimit: fc.integer({ min: 32, max: 4096 }).map((count) => `${count}MB`),
  edge: fc.record({ balance: fc.constantFrom('round-robin', 'ip-hash'), idleTimeoutSeconds: fc.nat(100) }),
  region: fc.string(),
  staticFallback: fc.constantFrom('index.html', 'a/b.html'),
};

/** Mostly sound: one field of ten gets anything. */
const service = fc
  .record({
    base: fc.constantFrom<object>(
      { type: 'web', startCommand: 'x' },
      { type: 'pserv' },
      { type: 'worker' },
      { type: 'static', staticPublishPath: 'dist' },
      { type: 'proxy', upstreams: [{ address: 'a:1' }] },
    ),
    fields: fc.uniqueArray(
      fc
        .constantFrom(...Object.entries(sound))
        .chain(([name, good]) =>
          fc.tuple(fc.constant(name), fc.oneof({ arbitrary: good, weight: 9 }, { arbitrary: tree, weight: 1 })),
        ),
      { maxLength: 4, selector: ([name]) => name },
    ),
  })
  .map(({ base, fields }) => ({ ...base, ...Object.fromEntries(fields) }));
const groups = [
  { name: 'g', envVars: [{ key: 'Z', value: 1 }] },
  { name: 'h', envVars: [] },
];

/** The spec, or the KapalError; anything else thrown fails the property. */
function outcome(source: Tree): Spec | KapalError {
  try {
    return read(source);
  } catch (error) {
    if (error instanceof KapalError) return error;
    throw error;
  }
}

/** Whether it was read. */
function holds(source: Tree): boolean {
  const found = outcome(source);
  if (found instanceof KapalError) {
    assert.ok(['declaration_invalid', 'nothing_to_deploy', 'name_invalid'].includes(found.code), found.code);
    if (found.code === 'declaration_invalid')
      for (const line of found.message.split('\n')) assert.match(line, /^[\w./-]+:\d+:\d+: |^and \d+ more$/);
    return false;
  }
  assert.ok(isName(found.project));
  assert.ok(found.services.length > 0);
  const known = found.services.map((one) => one.name);
  assert.equal(new Set(known).size, known.length);
  for (const one of found.services) {
    assert.ok(isName(one.name) && one.domains.every(isHost) && one.variables.every(({ key }) => isVariableName(key)));
    assert.ok(!one.rootDir.split('/').includes('..') && !one.rootDir.startsWith('/'));
    assert.equal(one.commands.start === null, one.type === 'static' || one.type === 'proxy');
    assert.equal(one.publishPath === null, one.type !== 'static');
    assert.equal(one.upstreams.length > 0, one.type === 'proxy');
    assert.ok(Number.isSafeInteger(one.instances) && one.instances >= 1);
    assert.deepEqual(
      one.groups.filter((name) => !found.groups.some((group) => group.name === name)),
      [],
    );
  }
  return true;
}

describe('whatever a source holds, it is read or refused by a KapalError', () => {
  test('any text in any file', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.string({ maxLength: 200 }),
      fc.stringMatching(/^[[\]{}:,&*a<>|!%@"' \n#-]{0,60}$/),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...files), text, { maxKeys: 4 }), (source) => void holds(source)),
      runs,
    );
  });

  test('any value in kapal.yaml', () => {
    fc.assert(
      fc.property(tree, (value) => void holds({ 'kapal.yaml': stringify(value) })),
      runs,
    );
  });

  test('services that are nearly right', () => {
    let read = 0;
    fc.assert(
      fc.property(fc.array(service, { minLength: 1, maxLength: 3 }), (services) => {
        const text = stringify({
          services: services.map((one, index) => ({ name: `s${index}`, ...one })),
          envVarGroups: groups,
        });
        if (holds({ 'kapal.yaml': text, 'package.json': '{"scripts":{"start":"x"}}', 'apps/server.js': '' })) read += 1;
      }),
      runs,
    );
    assert.ok(
      read > runs.numRuns / 10,
      `only ${read} of ${runs.numRuns} were read: the property says nothing of specs`,
    );
  });

  test('a good file with characters changed', () => {
    const good =
      'project: shop\nservices:\n  - type: web\n    name: api\n    startCommand: npm start\n    envVars:\n      - {key: A, value: 1}\n      - fromGroup: g\nenvVarGroups: [{name: g, envVars: [{key: B, sync: false}]}]\n';
    const change = fc.tuple(fc.nat(good.length), fc.nat(3), fc.string({ maxLength: 3 }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
        holds({
          'kapal.yaml': changes.reduce(
            (text, [at, length, put]) => text.slice(0, at) + put + text.slice(at + length),
            good,
          ),
        });
      }),
      runs,
    );
  });

  test('a package.json of any shape', () => {
    const manifest = fc.dictionary(
      fc.constantFrom('scripts', 'main', 'dependencies', 'packageManager', 'name'),
      fc.oneof(leaf, fc.dictionary(fc.constantFrom('start', 'build', 'vite', 'astro'), leaf)),
    );
    fc.assert(
      fc.property(
        manifest,
        fc.subarray(['index.html', 'server.js', 'yarn.lock', 'dist/index.html']),
        (content, beside) => {
          holds({ 'package.json': JSON.stringify(content), ...Object.fromEntries(beside.map((name) => [name, ''])) });
        },
      ),
      runs,
    );
  });
});
