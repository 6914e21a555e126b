import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { importing, notesOf, refusalOf, specOf } from './converting.ts';

const Procfile = 'web: npm start\nclock: node clock.js\nrelease: npm run migrate\n';

function heroku(app: unknown, more: Readonly<Record<string, string>> = { Procfile }) {
  return importing('heroku', { tree: { 'app.json': JSON.stringify(app, null, 1), ...more } });
}

describe('procfile', () => {
  test('web takes the name of the project, release prepares it', () => {
    const found = importing('procfile', { tree: { Procfile } });
    assert.deepEqual(
      specOf(found).services.map(({ name, type, commands }) => [name, type, commands.start, commands.preDeploy]),
      [
        ['shop', 'web', 'npm start', 'npm run migrate'],
        ['clock', 'worker', 'node clock.js', null],
      ],
    );
    assert.deepEqual(notesOf(found, 'carried'), [
      'Procfile:1:1: web: becomes startCommand',
      'Procfile:2:1: clock: becomes startCommand',
      'Procfile:3:1: release: becomes preDeployCommand',
    ]);
  });

  test('without anything that runs it is refused', () => {
    assert.equal(
      refusalOf(() => importing('procfile', { tree: { Procfile: 'release: x\n' } })).code,
      'nothing_to_deploy',
    );
    assert.match(
      refusalOf(() => importing('procfile', { tree: { Procfile: 'web npm start\n' } })).message,
      /^Procfile:1:1: /,
    );
  });
});

describe('heroku', () => {
  test('variables, numbers, scripts, checks', () => {
    const found = heroku({
      name: 'My Shop',
      env: {
        SECRET: { generator: 'secret' },
        A: '1',
        B: { description: 'b' },
        C: { required: false },
        D: { value: 'd' },
      },
      formation: { web: { quantity: 3 }, clock: { quantity: 0 } },
      scripts: { dokku: { predeploy: 'echo before' } },
      healthchecks: { web: [{ path: '/up', timeout: 3 }] },
    });
    const spec = specOf(found);
    const [web, clock] = spec.services;
    assert.equal(spec.project, 'my-shop');
    assert.deepEqual([web?.name, web?.instances, web?.health.path, web?.health.timeout], ['my-shop', 3, '/up', 3000]);
    assert.equal(web?.commands.preDeploy, 'echo before && npm run migrate');
    const variables = [
      { key: 'SECRET', value: { kind: 'generated' } },
      { key: 'A', value: { kind: 'literal', text: '1' } },
      { key: 'B', value: { kind: 'prompt' } },
      { key: 'D', value: { kind: 'literal', text: 'd' } },
    ];
    // One value that is made serves all processes.
    assert.deepEqual(spec.groups, [{ name: 'app', variables }]);
    assert.deepEqual([web?.groups, clock?.groups, clock?.instances], [['app'], ['app'], 1]);
    assert.match(
      notesOf(found, 'warned').join('\n'),
      /env\.C: is optional .*\n.*formation\.clock\.quantity: 0 runs nothing/,
    );
  });

  test('add-ons leave their variables behind', () => {
    const found = heroku({
      addons: ['heroku-postgresql:mini', { plan: 'heroku-redis:mini', as: 'CACHE' }, 'papertrail'],
    });
    assert.deepEqual(specOf(found).groups[0]?.variables, [
      { key: 'DATABASE_URL', value: { kind: 'prompt' } },
      { key: 'CACHE_URL', value: { kind: 'prompt' } },
    ]);
    assert.equal(notesOf(found, 'warned').length, 3);
  });

  test('what this version of the reader refuses goes in its own words, and the rest stays', () => {
    const found = heroku({
      scripts: { postdeploy: { command: 'npm run seed' } },
      cron: [{ command: 'node a.js', schedule: '0 3 * * *' }],
      env: { A: '1' },
    });
    const spec = specOf(found);
    // Carried as soon as the reader takes it; until then a note. Never neither.
    for (const [field, isThere] of [
      ['scripts.postdeploy', found.declaration.includes('initialDeployHook')],
      ['cron[0]', found.declaration.includes('type: cron')],
    ] as const) {
      const kinds = found.notes.filter((note) => note.field === field).map(({ kind }) => kind);
      assert.deepEqual(kinds.includes('refused'), !isThere, field);
    }
    assert.ok(spec.services.length >= 2);
  });

  test('without a Procfile the files tell how it starts; an unknown field is refused by name', () => {
    const found = heroku({ wat: 1 }, {});
    assert.equal(specOf(found).services[0]?.commands.start, 'npm start');
    assert.deepEqual(notesOf(found, 'refused'), [
      'app.json:2:2: wat: is no field of app.json that Kapal knows: it is left out',
    ]);
  });
});
