import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { FailureDocument, LogDocument, PlanDocument } from '../../src/api/contract/types.ts';
import { webApp } from './apps.ts';
import { TestKapal, until } from './kapal.ts';

const appJson = {
  name: 'Toko',
  env: { SESSION_KEY: { generator: 'secret' }, TOKEN: { required: true }, LEVEL: 'info' },
  formation: { web: { quantity: 2, size: 'basic' } },
  scripts: { postdeploy: 'node -e "console.log(\'seeded\')"' },
  cron: [{ command: 'node job.js', schedule: '0 3 * * *' }],
  healthchecks: { web: [{ type: 'startup', path: '/up', content: 'toko', attempts: 2, wait: 1, timeout: 2 }] },
};

/** As people have it for Heroku or Dokku, and nothing of Kapal in it. */
const files = (text: string) => ({
  ...webApp(text),
  Procfile: '# proses\r\nweb: node server.js\r\nrelease: node -e "console.log(\'migrated\')"\r\n',
  'job.js': "console.log(require('crypto').createHash('sha256').update(process.env.SESSION_KEY).digest('hex'));\n",
  'app.json': JSON.stringify(appJson, null, 2),
});

describe('a folder with a Procfile and an app.json', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  test('a variable that is required stops the deploy before the build, with the command that gives it', async () => {
    const folder = await kapal.project('toko', files('toko'));
    const { error } = await kapal.json<FailureDocument>(['deploy', folder], 2);
    assert.equal(error.code, 'variable_missing');
    assert.match(error.message, /toko TOKEN, cron TOKEN$/);
    assert.match(error.hint ?? '', /kapal env set toko TOKEN=VALUE ; kapal env set cron TOKEN=VALUE/);
    assert.deepEqual(await kapal.ps(), []);
    for (const service of ['toko', 'cron']) {
      const set = await kapal.run('env', 'set', service, 'TOKEN=from-the-bank');
      assert.equal(set.code, 0, set.stderr);
    }
  });

  test('it deploys as app.json says: numbers, checks, jobs, scripts; what is not honoured is named', async () => {
    const folder = await kapal.project('toko', files('toko'));
    const plan = await kapal.json<PlanDocument>(['plan', folder]);
    assert.equal(plan.origin, 'Procfile (detected)');
    assert.equal(plan.warnings.length, 1);
    assert.match(plan.warnings[0] ?? '', /^app\.json:\d+:\d+: formation\.web\.size: /);
    const document = await kapal.deploy(folder);
    assert.deepEqual(
      document.services.map(({ service, outcome }) => [service, outcome]),
      [
        ['cron', 'live'],
        ['toko', 'live'],
      ],
    );
    const web = await kapal.serviceOnce('toko', ({ instances }) => instances.length === 2);
    assert.deepEqual([web.desired, web.status], [2, 'running']);
    assert.equal((await kapal.visit('toko.localhost', '/env/TOKEN')).body, 'from-the-bank');
    assert.equal((await kapal.visit('toko.localhost', '/env/LEVEL')).body, 'info');
    assert.match((await kapal.run('jobs')).stdout, /cron {2}0 3 \* \* \*/);
    await until('the scripts have run', async () => {
      const said = (await kapal.json<readonly LogDocument[]>(['logs', 'toko'])).map(({ text }) => text);
      return said.includes('migrated') && said.includes('seeded');
    });
  });

  test('the secret that was made is one for all, and stays over deploys', async () => {
    const before = (await kapal.visit('toko.localhost', '/env/SESSION_KEY')).body;
    assert.ok(before.length >= 20 && before !== '(unset)');
    const document = await kapal.deploy(await kapal.project('toko', files('toko yang baru')));
    assert.ok(document.services.every(({ outcome }) => outcome === 'live'));
    assert.equal((await kapal.visit('toko.localhost')).body, 'toko yang baru');
    assert.equal((await kapal.visit('toko.localhost', '/env/SESSION_KEY')).body, before);
    const ran = await kapal.run('jobs', 'run', 'cron', '--wait');
    assert.equal(ran.code, 0, ran.stderr);
    // What it says of the secret itself would be masked.
    const digest = createHash('sha256').update(before).digest('hex');
    await until('the job has said what it got', async () =>
      (await kapal.json<readonly LogDocument[]>(['logs', 'cron'])).some(({ text }) => text === digest),
    );
  });

  test('what kapal init writes changes nothing', async () => {
    const folder = await kapal.project('toko', files('toko yang baru'));
    const written = await kapal.run('init', folder);
    assert.equal(written.code, 0, written.stderr);
    assert.match(
      await readFile(join(folder, 'kapal.yaml'), 'utf8'),
      /numInstances: 2 # app\.json:\d+: formation\.web\.quantity/,
    );
    const plan = await kapal.json<PlanDocument>(['plan', folder]);
    assert.equal(plan.origin, 'kapal.yaml');
    assert.deepEqual(
      plan.changes.map(({ service, action, reasons }) => [service, action, reasons]),
      [
        // The file itself is one more in the source.
        ['toko', 'update', ['the code changed']],
        ['cron', 'update', ['the code changed']],
      ],
    );
    assert.deepEqual(plan.warnings, []);
  });

  test('an answer without the text fails the deploy, says what came instead, and the old one serves on', async () => {
    const folder = await kapal.project('toko', files('warung'));
    await writeFile(
      join(folder, 'kapal.yaml'),
      (await kapal.run('init', '--stdout', folder)).stdout.replace('numInstances: 2', 'startTimeoutSeconds: 3\n    $&'),
    );
    const failed = (await kapal.deployFailing(folder)).services.find(({ service }) => service === 'toko');
    assert.equal(failed?.outcome, 'failed');
    assert.match(failed?.error?.message ?? '', /\/up answered 200 without "toko" in its body, which is "warung"/);
    assert.equal((await kapal.visit('toko.localhost')).body, 'toko yang baru');
  });
});
