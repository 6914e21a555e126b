import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { appFields } from '../../../src/convert/import/pm2-fields.ts';
import { importing, notesOf, refusalOf, specOf } from './converting.ts';

function pm2(value: unknown, text = JSON.stringify(value, null, 2)) {
  return importing('pm2', { tree: { 'ecosystem.json': text } });
}

describe('pm2', () => {
  test('an app becomes a service', () => {
    const found = pm2({
      apps: [
        {
          name: 'My API',
          script: '/srv/shop/server.js',
          cwd: '/srv/shop',
          args: ['--port', 'a b'],
          node_args: '--enable-source-maps',
          instances: 'max',
          exec_mode: 'cluster',
          env: { NODE_ENV: 'development', LEVEL: 1, PORT: 3000 },
          env_production: { NODE_ENV: 'production' },
          max_memory_restart: '300M',
          kill_timeout: 3500,
          listen_timeout: 8000,
        },
        { name: 'mailer', script: 'npm', args: 'run mail' },
      ],
    });
    const [api, mailer] = specOf(found).services;
    assert.deepEqual([api?.name, api?.type, api?.instances], ['my-api', 'web', 4]);
    assert.equal(api?.commands.start, "node --enable-source-maps server.js --port 'a b'");
    assert.deepEqual(api?.variables, [
      { key: 'NODE_ENV', value: { kind: 'literal', text: 'production' } },
      { key: 'LEVEL', value: { kind: 'literal', text: '1' } },
    ]);
    assert.deepEqual([api?.memoryLimit, api?.shutdownDelay, api?.startTimeout], [300 * 1024 ** 2, 4000, 8000]);
    assert.deepEqual([mailer?.type, mailer?.commands.start], ['worker', 'npm run mail']);
  });

  test('commands as PM2 would run them', () => {
    const started = (app: Readonly<Record<string, unknown>>) =>
      specOf(pm2({ apps: [app] })).services[0]?.commands.start;
    assert.equal(started({ script: './bin/www' }), './bin/www');
    assert.equal(started({ script: 'a.py', interpreter: 'python3.12' }), 'python3.12 a.py');
    assert.equal(started({ script: 'run.sh' }), 'bash run.sh');
    assert.equal(started({ script: "it's.js" }), "node 'it'\\''s.js'");
    assert.equal(started({ script: 'serve', interpreter: 'none', args: '-s build' }), 'serve -s build');
    assert.equal(started({ script: 'npm start' }), 'npm start');
  });

  test('every field that PM2 documents has an answer, in each spelling, with its line', () => {
    const values: Readonly<Record<string, unknown>> = {
      script: 'a.js',
      cwd: '/srv/shop',
      instances: 2,
      kill_timeout: 1000,
      listen_timeout: 1000,
      max_memory_restart: '64M',
    };
    for (const field of Object.keys(appFields)) {
      for (const spelling of new Set([
        field,
        field.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      ])) {
        const found = pm2({ apps: [{ name: 'a', script: 'a.js', [spelling]: values[field] ?? 'x' }] });
        const about = found.notes.filter((note) => note.field === `apps[0].${spelling}`);
        assert.ok(about.length > 0, spelling);
        if (!['name', 'script'].includes(spelling))
          assert.ok(
            about.every(({ line }) => line === 6),
            spelling,
          );
      }
    }
    assert.match(
      notesOf(pm2({ apps: [{ script: 'a.js', wat: 1 }] }), 'refused').join(),
      /apps\[0\]\.wat: is no field of an app that PM2 documents/,
    );
  });

  test('what asks for nothing is not refused; what does is, by name', () => {
    assert.deepEqual(notesOf(pm2({ apps: [{ script: 'a.js', watch: false, autorestart: true }] }), 'refused'), []);
    const refused = notesOf(
      pm2({ apps: [{ script: 'a.js', watch: ['src'], autorestart: false, cron_restart: '0 0 * * *' }], deploy: {} }),
      'refused',
    ).join('\n');
    for (const field of ['watch', 'autorestart', 'cron_restart'])
      assert.match(refused, new RegExp(`apps\\[0\\]\\.${field}: `));
    assert.match(refused, /: deploy: PM2 copies the source over ssh/);
  });

  test('JSON with comments, and a list of apps', () => {
    const found = pm2(null, '// ours\n[{ "script": "a.js", /* "x": 1, */ "env": {"URL": "http://x//y"} }]');
    assert.deepEqual(specOf(found).services[0]?.variables, [
      { key: 'URL', value: { kind: 'literal', text: 'http://x//y' } },
    ]);
  });

  test('what is no process file is refused', () => {
    assert.match(refusalOf(() => pm2(null, '{"apps": [')).message, /^ecosystem\.json:\d+:\d+: /);
    assert.match(refusalOf(() => pm2({ apps: [] })).message, /found no apps/);
    assert.match(refusalOf(() => pm2({ apps: [{ name: 'x' }] })).message, /apps without a script/);
  });
});
