import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { importing, notesOf, refusalOf, specOf } from './converting.ts';

function render(text: string) {
  return importing('render', { tree: { 'render.yaml': text } });
}

describe('render', () => {
  test('the text stays, with its comments; what is read past goes, with a note', () => {
    const found = render(
      '# ours\nservices:\n  # the api\n  - type: web\n    name: api\n    plan: starter # small\n    startCommand: npm start # so\n',
    );
    assert.equal(
      found.declaration,
      '# ours\nservices:\n  # the api\n  - type: web\n    name: api\n    startCommand: npm start # so\n',
    );
    assert.match(notesOf(found, 'warned').join(), /^render\.yaml:6:5: services\[0\]\.plan: is left out: /);
    specOf(found);
  });

  test('a value of a database is asked for, and the database is noted', () => {
    const found = render(
      'services:\n  - type: web\n    name: api\n    startCommand: npm start\n    envVars:\n      - key: DB\n        fromDatabase: {name: nowhere, property: connectionString}\n      - {key: B, value: 1.10}\n',
    );
    const [service] = specOf(found).services;
    assert.deepEqual(service?.variables, [
      { key: 'DB', value: { kind: 'prompt' } },
      { key: 'B', value: { kind: 'literal', text: '1.10' } },
    ]);
    assert.match(notesOf(found, 'refused').join('\n'), /render\.yaml:7:9: services\[0\]\.envVars\[0\]\.fromDatabase/);
  });

  test('places are those of the render.yaml, whatever went before', () => {
    const found = render(
      'services:\n  - type: workflow\n    name: gone\n  - type: web\n    name: api\n    startCommand: npm start\n    edge: {wat: 1}\n    scaling: {minInstances: 1}\n    nosuch: 1\n',
    );
    const places = found.notes.filter(({ kind }) => kind === 'refused').map(({ line, field }) => `${line} ${field}`);
    assert.deepEqual(places.slice(0, 2), ['2 services[0].type', '7 services[1].edge.wat']);
    assert.ok(places.some((place) => place === '9 services[1].nosuch'));
    assert.equal(specOf(found).services.length, 1);
  });

  test('anchors are written out, and said so', () => {
    const found = render(
      'x-a: &a {region: x, startCommand: npm start}\nservices:\n  - {type: web, name: api, <<: *a}\n  - {type: web, name: b, <<: *a}\n',
    );
    assert.equal(specOf(found).services.length, 2);
    assert.match(notesOf(found, 'warned').join('\n'), /anchors and aliases are written out/);
  });

  test('what guards a service is never taken from it: the service goes', () => {
    const keep = '  - {type: web, name: keep, startCommand: npm start}\n';
    for (const guard of [
      'ipAllowList: []',
      'ipAllowList: [{source: nonsense}]',
      'edge: {allow: [nonsense]}',
      'edge: {deny: [10.0.0.0/99]}',
      'edge: {basicAuth: {users: []}}',
      'maintenanceMode: {enabled: yes}',
    ]) {
      const found = render(`services:\n  - {type: web, name: guarded, startCommand: npm start, ${guard}}\n${keep}`);
      assert.deepEqual(
        specOf(found).services.map(({ name }) => name),
        ['keep'],
        guard,
      );
      assert.match(notesOf(found, 'refused').join(), /the service is left out/, guard);
    }
    const shut = render(
      'services:\n  - {type: web, name: a, startCommand: b, maintenanceMode: {enabled: true, uri: "https://x.example"}}\n',
    );
    assert.equal(specOf(shut).services[0]?.edge.policy?.maintenance, true);
  });

  test('a field with any name is taken out alone', () => {
    const found = render(
      'services:\n  - {type: web, name: a, startCommand: b, "we ird\\n": 1, edge: {"x y": 2, gzip: true}}\n',
    );
    assert.equal(specOf(found).services[0]?.edge.policy?.gzip, true);
    assert.equal(notesOf(found, 'refused').length, 2);
  });

  test('where nothing is left, every reason is told', () => {
    const error = refusalOf(() => render('services:\n  - {type: workflow, name: a}\n'));
    assert.equal(error.code, 'declaration_invalid');
    assert.match(error.message, /^render\.yaml:2:6: services\[0\]\.type: workflow: /);
    assert.match(refusalOf(() => render('')).message, /render\.yaml:1:1: is empty/);
  });
});
