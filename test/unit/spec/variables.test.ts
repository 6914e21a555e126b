import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onlyService, problemsOf, read, warningsOf } from './source.ts';

const one = (entries: string) =>
  `services:\n  - type: web\n    name: api\n    startCommand: x\n    envVars:\n${entries.replace(/^/gm, '      ')}\n`;
const valuesOf = (entries: string) =>
  Object.fromEntries(onlyService(read({ 'kapal.yaml': one(entries) })).variables.map(({ key, value }) => [key, value]));

describe('values', () => {
  test('are the text that was written', () => {
    const entries = [
      '- {key: A, value: 1.10}',
      '- {key: B, value: true}',
      '- {key: C, value: 0x1F}',
      '- {key: D, value: 007}',
      '- {key: E, value: "yes"}',
      '- {key: F, value: 2024-01-02}',
      '- {key: G, value: ""}',
      '- key: H\n  value:',
      '- key: I\n  value: |\n    two\n    lines',
      '- {key: J, value: Null}',
    ];
    const texts = Object.entries(valuesOf(entries.join('\n'))).map(([key, value]) => [
      key,
      value.kind === 'literal' ? value.text : value,
    ]);
    assert.deepEqual(Object.fromEntries(texts), {
      A: '1.10',
      B: 'true',
      C: '0x1F',
      D: '007',
      E: 'yes',
      F: '2024-01-02',
      G: '',
      H: '',
      I: 'two\nlines\n',
      J: '',
    });
  });

  test('are generated, set later, or taken from a group', () => {
    assert.deepEqual(
      valuesOf(
        '- {key: A, generateValue: true}\n- {key: B, sync: false}\n- {key: C, sync: true, value: x}\n- {key: D, generateValue: false, value: x}',
      ),
      {
        A: { kind: 'generated' },
        B: { kind: 'prompt' },
        C: { kind: 'literal', text: 'x' },
        D: { kind: 'literal', text: 'x' },
      },
    );
    const grouped = read({
      'kapal.yaml': `${one('- fromGroup: My Settings')}envVarGroups: [{name: My Settings, envVars: [{key: A, value: 1}, {key: B, generateValue: true}]}]`,
    });
    assert.deepEqual(onlyService(grouped).groups, ['My Settings']);
    assert.deepEqual(grouped.groups, [
      {
        name: 'My Settings',
        variables: [
          { key: 'A', value: { kind: 'literal', text: '1' } },
          { key: 'B', value: { kind: 'generated' } },
        ],
      },
    ]);
  });
});

describe('entries that are refused', () => {
  const cases: readonly (readonly [entry: string, problem: string])[] = [
    [
      '- {key: A}',
      'kapal.yaml:6:9: services[0].envVars[0]: has no value: write value, generateValue: true, sync: false or fromService',
    ],
    ['- {value: x}', 'kapal.yaml:6:9: services[0].envVars[0].key: is missing'],
    [
      '- {key: A, value: x, sync: false}',
      'kapal.yaml:6:9: services[0].envVars[0]: has 2 sources of its value (value, sync): keep one',
    ],
    [
      '- {key: A-B, value: x}',
      'kapal.yaml:6:10: services[0].envVars[0].key: expected a name of letters, digits and _, which begins with no digit, found A-B',
    ],
    [
      '- {key: A, value: "x\\0"}',
      'kapal.yaml:6:25: services[0].envVars[0].value: a variable cannot hold the character NUL',
    ],
    [
      '- {key: A, value: [x]}',
      'kapal.yaml:6:25: services[0].envVars[0].value: expected text, a number, true or false, found a list',
    ],
    [
      '- {key: A, sync: no}',
      'kapal.yaml:6:24: services[0].envVars[0].sync: expected true or false: in YAML 1.2 no is text',
    ],
    [
      '- {key: A, value: x}\n- {key: A, value: y}',
      'kapal.yaml:7:10: services[0].envVars[1].key: A stands in this list twice',
    ],
    ['- {fromGroup: nothing}', 'kapal.yaml:6:10: services[0].envVars[0].fromGroup: no group is called nothing'],
    [
      '- {key: A, fromDatabase: {name: db, property: host}}',
      'kapal.yaml:6:18: services[0].envVars[0].fromDatabase: managed databases are not supported by this version of Kapal: declare the address of the database with sync: false, and set it with kapal env set',
    ],
    [
      '- {key: A, fromService: {name: api}}',
      'kapal.yaml:6:18: services[0].envVars[0].fromService: takes one of property and envVarKey',
    ],
    [
      '- {key: A, fromService: {name: api, property: host, envVarKey: B}}',
      'kapal.yaml:6:18: services[0].envVars[0].fromService: takes one of property and envVarKey',
    ],
    [
      '- {key: A, fromService: {name: api, property: connectionString}}',
      'kapal.yaml:6:53: services[0].envVars[0].fromService.property: connectionString: only datastores have it, and this version of Kapal has none; take hostport or url',
    ],
    [
      '- {key: A, fromService: {name: apy, property: host}}',
      'kapal.yaml:6:32: services[0].envVars[0].fromService.name: no service is called apy, did you mean api?',
    ],
    [
      '- {key: A, fromService: {name: api, type: pserv, property: host}}',
      'kapal.yaml:6:32: services[0].envVars[0].fromService.name: api is of type web, not pserv',
    ],
    [
      '- {key: A, fromService: {name: api, envVarKey: A}}',
      'kapal.yaml:6:32: services[0].envVars[0].fromService.name: a service cannot take a variable from itself',
    ],
    ['- just text', 'kapal.yaml:6:9: services[0].envVars[0]: expected a mapping (name: value), found text'],
    ['- {key: A, valeu: x}', 'kapal.yaml:6:18: services[0].envVars[0].valeu: unknown field, did you mean value?'],
  ];
  for (const [entry, problem] of cases) {
    test(entry, () => assert.ok(problemsOf(one(entry)).includes(problem), problemsOf(one(entry)).join('\n')));
  }

  test('an entry is refused once for one mistake', () => {
    for (const [entry] of cases.filter(([text]) => !text.includes('valeu')))
      assert.equal(problemsOf(one(entry)).length, 1, entry);
  });
});

describe('names that Kapal sets itself', () => {
  const messages = (type: string, key: string) =>
    warningsOf(`services: [{type: ${type}, name: a, startCommand: x, envVars: [{key: ${key}, value: 3000}]}]`);
  test('are warned about where an instance would get another value', () => {
    assert.deepEqual(messages('web', 'PORT'), [
      'kapal.yaml:1:61: services[0].envVars[0].key: Kapal sets PORT itself: an instance gets its own value, and this one only the build',
    ]);
    assert.equal(messages('pserv', 'HOST').length, 1);
    assert.equal(messages('worker', 'KAPAL_RELEASE').length, 1);
    assert.deepEqual(messages('worker', 'PORT'), []);
  });
});

describe('references between services', () => {
  const services = (...entries: string[]) => `services:\n${entries.map((entry) => `  - ${entry}\n`).join('')}`;
  const worker = (name: string, reference: string) =>
    `{type: worker, name: ${name}, startCommand: x, envVars: [{key: K, fromService: ${reference}}]}`;
  const web = '{type: web, name: api, startCommand: x, envVars: [{key: TOKEN, generateValue: true}]}';

  test('lead to a property or a variable', () => {
    const spec = read({
      'kapal.yaml': services(
        web,
        worker('a', '{name: API, type: web, property: hostport}'),
        worker('b', '{name: api, envVarKey: TOKEN}'),
        worker('c', '{name: api, property: url}'),
      ),
    });
    assert.deepEqual(
      spec.services.slice(1).map((service) => service.variables[0]?.value),
      [
        { kind: 'service', service: 'api', property: 'hostport' },
        { kind: 'service-variable', service: 'api', key: 'TOKEN' },
        { kind: 'service', service: 'api', property: 'url' },
      ],
    );
  });

  test('to what the type does not have are refused', () => {
    const text = services(
      '{type: worker, name: a, startCommand: x}',
      worker('b', '{name: a, property: port}'),
      worker('c', '{name: a, property: url}'),
    );
    assert.deepEqual(problemsOf(text), [
      'kapal.yaml:3:79: services[1].envVars[0].fromService.name: a is of type worker and has no port: only web and pserv have',
      'kapal.yaml:4:79: services[2].envVars[0].fromService.name: a is of type worker and has no url',
    ]);
  });

  test('to a variable that is not declared are warned about: it may be set later', () => {
    assert.deepEqual(warningsOf(services(web, worker('b', '{name: api, envVarKey: TOKN}'))), [
      'kapal.yaml:3:79: services[1].envVars[0].fromService.name: api declares no variable TOKN (did you mean TOKEN?): kapal env set api has to give it',
    ]);
  });

  test('to a service that was refused are not refused again', () => {
    const text = services(
      '{type: keyvalue, name: cache, ipAllowList: []}',
      worker('b', '{name: cache, property: host}'),
    );
    assert.deepEqual(
      problemsOf(text).map((problem) => problem.split(': ')[1]),
      ['services[0].type'],
    );
  });

  test('must not go in a circle', () => {
    const text = services(
      worker('a', '{name: b, envVarKey: K}'),
      worker('b', '{name: c, envVarKey: K}'),
      worker('c', '{name: a, envVarKey: K}'),
    );
    assert.deepEqual(problemsOf(text), [
      'kapal.yaml:4:79: services[2].envVars[0].fromService.name: services take variables from each other in a circle: a -> b -> c -> a',
    ]);
    const properties = services(
      '{type: web, name: a, startCommand: x, envVars: [{key: B, fromService: {name: b, property: host}}]}',
      '{type: web, name: b, startCommand: x, envVars: [{key: A, fromService: {name: a, property: host}}]}',
    );
    assert.equal(read({ 'kapal.yaml': properties }).services.length, 2);
  });

  test('long chains are followed in time that grows with their length', () => {
    const names = Array.from({ length: 300 }, (_, index) => `w${index}`);
    const text = services(
      ...names.map((name, index) => worker(name, `{name: ${names[index + 1] ?? 'end'}, envVarKey: K}`)),
      '{type: worker, name: end, startCommand: x, envVars: [{key: K, value: 1}]}',
    );
    assert.equal(read({ 'kapal.yaml': text }).services.length, 301);
  });
});

describe('groups', () => {
  const group = (entries: string) =>
    `services: [{type: worker, name: a, startCommand: x}]\nenvVarGroups:\n  - name: g\n    envVars: [${entries}]\n`;
  test('hold plain values alone', () => {
    assert.deepEqual(problemsOf(group('{fromGroup: g}')), [
      'kapal.yaml:4:16: envVarGroups[0].envVars[0].fromGroup: a group takes nothing from another group',
    ]);
    assert.deepEqual(problemsOf(group('{key: A, fromService: {name: a, property: url}}')), [
      'kapal.yaml:4:24: envVarGroups[0].envVars[0].fromService: a group holds plain values: write this in the service',
    ]);
  });

  test('have a name of their own', () => {
    assert.deepEqual(problemsOf(`${group('{key: A, value: 1}')}  - {name: g, envVars: []}\n`), [
      'kapal.yaml:5:6: envVarGroups[1].name: g is the name of another group too',
    ]);
    assert.deepEqual(problemsOf(`${group('')}  - {name: h}\n`), [
      'kapal.yaml:5:5: envVarGroups[1].envVars: is missing',
    ]);
  });
});
