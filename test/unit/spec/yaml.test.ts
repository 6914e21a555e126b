import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onlyService, problemsOf, read, warningsOf } from './source.ts';

const service = 'services: [{type: worker, name: a, startCommand: x}]\n';

describe('a text that is no declaration', () => {
  const cases: readonly (readonly [name: string, text: string, problem: RegExp])[] = [
    ['nothing', '', /^kapal\.yaml:1:1: is empty: it needs services$/],
    ['comments alone', '# later\n', /^kapal\.yaml:1:1: is empty/],
    ['a list', '- a\n', /^kapal\.yaml:1:1: expected a mapping \(name: value\), found a list$/],
    ['no services', 'project: a\n', /^kapal\.yaml:1:1: services: is missing$/],
    [
      'an empty list of services',
      'project: a\nservices: []\n',
      /^kapal\.yaml:2:1: services: is empty: it needs at least one service$/,
    ],
    [
      'services as a mapping',
      'services: {a: b}\n',
      /^kapal\.yaml:1:11: services: expected a list of mappings, found a mapping$/,
    ],
    ['a field twice', `${service}project: a\nproject: b\n`, /^kapal\.yaml:3:1: this field stands here twice$/],
    [
      'two documents',
      `${service}---\n${service}`,
      /^kapal\.yaml:2:1: a declaration is one document: remove the line with ---$/,
    ],
    [
      'a tab as indentation',
      'services:\n\t- a\n',
      /^kapal\.yaml:2:1: is not valid YAML: Tabs are not allowed as indentation$/,
    ],
    ['an open bracket', 'services: [\n', /^kapal\.yaml:\d+:\d+: is not valid YAML: /],
    ['a tag', 'services: !!js/function x\n', /^kapal\.yaml:1:11: is not valid YAML: Unresolved tag/],
    ['an alias without anchor', 'services: *a\n', /^kapal\.yaml:1:11: the alias \*a names no anchor above it$/],
    ['an alias that holds itself', 'services: &a [*a]\n', /^kapal\.yaml:1:14: an alias here holds itself$/],
    [
      'deep nesting',
      `services: ${'['.repeat(60)}${']'.repeat(60)}\n`,
      /^kapal\.yaml:1:\d+: is nested more than 40 levels deep$/,
    ],
    ['very deep nesting', '['.repeat(200_000), /^kapal\.yaml:1:\d+: is not /],
    ['a merge of text', `${service}x-a: {<<: text}\n`, /^kapal\.yaml:2:7: << takes an alias of a mapping/],
  ];
  for (const [name, text, problem] of cases) test(name, () => assert.match(problemsOf(text)[0] ?? '', problem));

  test('aliases that multiply', () => {
    const lines = ['x-0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 12; level += 1)
      lines.push(`x-${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`);
    assert.match(
      problemsOf(`${lines.join('\n')}\n${service}`).join('\n'),
      /its aliases make more than 20000 values of it$/,
    );
  });
});

describe('what YAML offers', () => {
  test('anchors, aliases and merge keys work; own fields win over merged ones', () => {
    const text = `
x-worker: &worker
  type: worker
  startCommand: node worker.js
  numInstances: 2
services:
  - <<: *worker
    name: a
  - <<: *worker
    name: b
    numInstances: 3
  - <<: [{numInstances: 4}, *worker]
    name: c
`;
    const found = read({ 'kapal.yaml': text }).services.map(({ name, type, instances, commands }) => [
      name,
      type,
      instances,
      commands.start,
    ]);
    assert.deepEqual(found, [
      ['a', 'worker', 2, 'node worker.js'],
      ['b', 'worker', 3, 'node worker.js'],
      ['c', 'worker', 4, 'node worker.js'],
    ]);
  });

  test('a fault in a shared part is told where it stands', () => {
    const text = 'x-env: &env\n  - {key: A}\nservices:\n  - {type: worker, name: a, startCommand: x, envVars: *env}\n';
    assert.deepEqual(problemsOf(text), [
      'kapal.yaml:2:5: services[0].envVars[0]: has no value: write value, generateValue: true, sync: false or fromService',
    ]);
  });

  test('lines may end as on Windows, and the text may begin with a byte order mark', () => {
    assert.deepEqual(problemsOf('\uFEFFproject: a\r\nservices:\r\n  - type: worker\r\n    nam: a\r\n'), [
      'kapal.yaml:4:5: services[0].nam: unknown field, did you mean name?',
    ]);
  });

  test('names with x- at the top are the user’s own, elsewhere they are not', () => {
    assert.deepEqual(warningsOf(`x-anything: {a: [1]}\n${service}`), []);
    assert.match(
      problemsOf('services: [{type: worker, name: a, startCommand: x, x-mine: 1}]').join(''),
      /x-mine: unknown field$/,
    );
  });

  test('a field called __proto__ is unknown like any other', () => {
    assert.deepEqual(problemsOf(`${service}__proto__: {a: 1}\nconstructor: 1\n`), [
      'kapal.yaml:2:1: __proto__: unknown field',
      'kapal.yaml:3:1: constructor: unknown field',
    ]);
    assert.equal(Reflect.get({}, 'a'), undefined);
  });

  test('version 1.1 may be asked for', () => {
    const text =
      '%YAML 1.1\n---\nservices: [{type: worker, name: a, startCommand: x, envVars: [{key: A, value: yes}, {key: B, value: 2001-01-01}]}]\n';
    assert.deepEqual(
      onlyService(read({ 'kapal.yaml': text })).variables.map(({ value }) => value),
      [
        { kind: 'literal', text: 'yes' },
        { kind: 'literal', text: '2001-01-01' },
      ],
    );
  });
});

test('the list of problems has an end', () => {
  const text = `${service}${Array.from({ length: 100 }, (_, index) => `unknown${index}: 1\n`).join('')}`;
  const problems = problemsOf(text);
  assert.equal(problems.length, 41);
  assert.equal(problems.at(-1), 'and 60 more');
});

test('ungrouped and version are read as Render means them', () => {
  const spec = read({
    'render.yaml':
      'version: "1"\nungrouped:\n  services: [{type: worker, name: a, runtime: node, startCommand: x, envVars: [{fromGroup: g}]}]\n  envVarGroups: [{name: g, envVars: [{key: A, value: 1}]}]\n',
  });
  assert.deepEqual([onlyService(spec).groups, spec.groups.length], [['g'], 1]);
  assert.match(problemsOf(`version: 2\n${service}`).join(''), /^kapal\.yaml:1:10: version: expected 1, found "2"$/);
});
