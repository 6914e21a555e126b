import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { KapalError } from '../../../src/model/errors.ts';
import { isHost, isName, isVariableName } from '../../../src/model/names.ts';
import type { Spec } from '../../../src/spec/spec.ts';
import {
  buildFields,
  edgeFields,
  healthCheckFields,
  rolloutFields,
  upstreamFields,
} from '../../../src/spec/table/kapal.ts';
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
const service = fc
  .dictionary(fc.constantFrom(...Object.keys(serviceFields)), fc.oneof(leaf, tree), { maxKeys: 8 })
  .chain((fields) =>
    fc
      .record({
        type: fc.constantFrom('web', 'worker', 'pserv', 'static', 'proxy'),
        name: fc.constantFrom('api', 'job', 'site', 'Api'),
        startCommand: fc.constant('x'),
      })
      .map((base) => ({ ...fields, ...base })),
  );

/** The spec, or the KapalError; anything else thrown fails the property. */
function outcome(source: Tree): Spec | KapalError {
  try {
    return read(source);
  } catch (error) {
    if (error instanceof KapalError) return error;
    throw error;
  }
}

function holds(source: Tree): void {
  const found = outcome(source);
  if (found instanceof KapalError) {
    assert.ok(['declaration_invalid', 'nothing_to_deploy', 'name_invalid'].includes(found.code), found.code);
    if (found.code === 'declaration_invalid')
      for (const line of found.message.split('\n')) assert.match(line, /^[\w./-]+:\d+:\d+: |^and \d+ more$/);
    return;
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
}

describe('whatever a source holds, it is read or refused by a KapalError', () => {
  test('any text in any file', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.string({ maxLength: 200 }),
      fc.stringMatching(/^[[\]{}:,&*a<>|!%@"' \n#-]{0,60}$/),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...files), text, { maxKeys: 4 }), (source) => holds(source)),
      runs,
    );
  });

  test('any value in kapal.yaml', () => {
    fc.assert(
      fc.property(tree, (value) => holds({ 'kapal.yaml': stringify(value) })),
      runs,
    );
  });

  test('services that are nearly right', () => {
    fc.assert(
      fc.property(
        fc.array(service, { minLength: 1, maxLength: 4 }),
        fc.dictionary(fc.constantFrom(...Object.keys(rootFields)), tree, { maxKeys: 2 }),
        (services, more) => holds({ 'kapal.yaml': stringify({ ...more, services }), 'package.json': '{}' }),
      ),
      runs,
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
