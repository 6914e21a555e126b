import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { run, Running } from './running.ts';

describe('kapal import', () => {
  test('prints the declaration alone on stdout, and what became of each field on stderr', async () => {
    const running = new Running({ cwd: '/srv/shop' });
    const { code, out, err } = await running.run(['import', 'pm2']);
    assert.deepEqual([code, out, err], [0, 'services: []\n', 'differs: pm2.json:3:5: apps[0].watch: is left out\n']);
    assert.deepEqual(running.imports, [
      { from: 'pm2', path: '/srv/shop', project: undefined, root: false, write: null },
    ]);
  });

  test('--json is one document, untranslated', async () => {
    const { out, err } = await run(['import', 'compose', 'a', '--json'], { env: { KAPAL_LANG: 'id' } });
    assert.deepEqual(JSON.parse(out), {
      declaration: 'services: []\n',
      notes: [{ kind: 'warned', field: 'apps[0].watch', message: 'is left out', file: 'pm2.json', line: 3, column: 5 }],
    });
    assert.equal(err, '');
  });

  test('--write writes, and says where; --force only beside it', async () => {
    const running = new Running({ cwd: '/srv', env: { KAPAL_LANG: 'id' } });
    const { out, err } = await running.run(['import', 'heroku', 'shop', '--write', '--force', '--project', 'p']);
    assert.deepEqual([out, err.split(':')[0]], ['Ditulis: /srv/shop/kapal.yaml\n', 'berbeda']);
    assert.deepEqual(running.imports, [
      { from: 'heroku', path: '/srv/shop', project: 'p', root: false, write: { force: true } },
    ]);
    const alone = await run(['import', 'heroku', '--force']);
    assert.deepEqual([alone.code, alone.out], [2, '']);
  });

  test('a tool that is not known is refused with the nearest', async () => {
    const { code, err } = await run(['import', 'composer']);
    assert.equal(code, 2);
    assert.match(err, /import composer: expected render, procfile, heroku, compose, pm2[^]*Did you mean compose\?/);
  });
});

describe('kapal export', () => {
  test('prints the file, and what cannot be said on stderr', async () => {
    const running = new Running({ cwd: '/srv/shop' });
    const { code, out, err } = await running.run(['export', 'nginx']);
    assert.deepEqual([code, out, err], [0, '# shop\n', 'refused: api.edge.queue: nginx has no word for it\n']);
    assert.deepEqual(running.exports, [{ to: 'nginx', path: '/srv/shop', project: undefined, write: null }]);
  });

  test('--json holds files and notes', async () => {
    const { out } = await run(['export', 'systemd', '--json']);
    assert.deepEqual(JSON.parse(out), {
      files: [{ path: 'shop.conf', text: '# shop\n' }],
      notes: [{ kind: 'refused', field: 'api.edge.queue', message: 'nginx has no word for it' }],
    });
  });

  test('what it takes is said', async () => {
    assert.match((await run(['export', 'pm2'])).err, /export pm2: expected render, procfile, compose, systemd, nginx/);
    assert.match((await run(['export', 'nginx', '--force'])).err, /--out is not there/);
    assert.match((await run(['export'])).err, /missing required argument/);
  });
});
