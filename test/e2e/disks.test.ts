import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { EventDocument, PersistentDiskDocument, ServiceDocument } from '../../src/api/contract/types.ts';
import { get } from '../integration/edge-fixture.ts';
import { processesOf, send } from './install.ts';
import { TestKapal, until, type Visit } from './kapal.ts';
import { Stranger } from './stranger.ts';
import { eventually, Gate } from './survival.ts';

const root = process.getuid?.() === 0;

/**
 * Keeps its visits in a SQLite file on the disk. Whoever finds another process of the service alive on the same disk says so there and ends: `two`
 * is a file that must never be.
 */
const server = `
const { DatabaseSync } = require('node:sqlite');
const fs = require('node:fs');
const { join } = require('node:path');
const { createServer } = require('node:http');
const folder = process.env.FOLDER;
// A zombie, whose parent has not asked for its end yet, writes no more.
const alive = (pid) => { try { return !/\\) Z /.test(fs.readFileSync('/proc/' + pid + '/stat', 'utf8')); } catch { return false; } };
const claim = join(folder, 'claim');
if (fs.existsSync(claim) && alive(Number(fs.readFileSync(claim, 'utf8')))) {
  fs.appendFileSync(join(folder, 'two'), process.env.KAPAL_INSTANCE + ' beside ' + fs.readFileSync(claim, 'utf8') + '\\n');
  process.exit(9);
}
fs.writeFileSync(claim, String(process.pid));
const database = new DatabaseSync(join(folder, 'visits.db'));
database.exec('PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS visits (word TEXT)');
const said = () => JSON.stringify({
  release: Number(process.env.KAPAL_RELEASE),
  disk: process.env.KAPAL_DISK,
  words: database.prepare('SELECT word FROM visits').all().map((row) => row.word),
});
if (process.argv[2] === 'migrate') {
  database.prepare('INSERT INTO visits VALUES (?)').run('migrated ' + process.env.KAPAL_RELEASE);
  process.exit(0);
}
if (process.env.BROKEN) process.exit(3);
const web = createServer((request, response) => {
  const word = new URL(request.url, 'http://x').searchParams.get('word');
  if (word !== null) database.prepare('INSERT INTO visits VALUES (?)').run(word);
  response.end(said());
});
web.listen(Number(process.env.PORT), process.env.HOST);
process.on('SIGTERM', () => web.close(() => { database.close(); fs.rmSync(claim); process.exit(0); }));
`;

interface Said {
  readonly release: number;
  readonly disk: string;
  readonly words: readonly string[];
}

/** The notebook in a version; `place` is where its disk is declared, `seen` where the app looks for it. */
function notebook(parts: {
  place: string | null;
  seen: string;
  mode?: string;
  more?: readonly string[];
  variables?: string;
}): Record<string, string> {
  const { place, seen, mode = 'one', more = [], variables = '' } = parts;
  const lines = [
    'project: notebook',
    'services:',
    '  - type: web',
    '    name: notebook',
    '    runtime: node',
    '    startCommand: node server.js',
    '    maxShutdownDelaySeconds: 5',
    ...(place === null ? [] : [`    disk: {name: data, mountPath: ${place}, sizeGB: 1}`]),
    `    envVars: [{key: FOLDER, value: "${seen}"}, {key: MODE, value: ${mode}}${variables}]`,
    ...more.map((line) => `    ${line}`),
  ];
  return { 'kapal.yaml': `${lines.join('\n')}\n`, 'server.js': server };
}

describe('a service with a disk', () => {
  let kapal: TestKapal;
  before(async () => void (kapal = await TestKapal.start()));
  afterEach(() => kapal.clear());
  after(() => kapal[Symbol.asyncDispose]());

  const visit = async (query = ''): Promise<Said> => {
    const { status, body } = await kapal.visit('notebook.localhost', `/${query}`);
    assert.equal(status, 200, body);
    return JSON.parse(body) as Said;
  };
  const disk = () => join(kapal.data, 'disks/notebook/production/notebook/data');
  const deploy = async (parts: Parameters<typeof notebook>[0], ...flags: readonly string[]) =>
    kapal.deploy(await kapal.project('notebook', notebook(parts)), ...flags);
  const events = async (kind: string) =>
    (await kapal.get<readonly EventDocument[]>('/events?limit=500')).filter((event) => event.kind === kind);
  const alone = () => assert.ok(!existsSync(join(disk(), 'two')), 'never two on one disk');

  test('keeps its data over a deploy, a failed one, a rollback and a kill, one process at a time', async (context) => {
    const parts = { place: 'data', seen: 'data' };
    await deploy(parts);
    const first = await visit('?word=hello');
    assert.deepEqual(first, { release: 1, disk: disk(), words: ['hello'] });
    if (root) assert.equal(statSync(disk()).mode & 0o777, 0o700);

    const visits: (Visit & { readonly waited: number })[] = [];
    let watching = true;
    const watch = async () => {
      while (watching) {
        const asked = performance.now();
        const visit = await kapal.visit('notebook.localhost');
        visits.push({ ...visit, waited: performance.now() - asked });
      }
    };
    const watched = Promise.all([watch(), watch(), watch()]);
    const deployed = await kapal.run(
      'deploy',
      await kapal.project(
        'notebook',
        notebook({ ...parts, mode: 'two', more: ['preDeployCommand: node server.js migrate'] }),
      ),
    );
    watching = false;
    await watched;
    assert.equal(deployed.code, 0, deployed.stderr);
    assert.match(deployed.stderr, /notebook answered nothing for [\d.]+ s: it has a disk/);
    assert.equal((await events('rollout.gap')).length, 1);
    assert.deepEqual(
      (await visit()).words,
      ['hello', 'migrated 2'],
      'preDeployCommand saw the disk, and nothing else did',
    );
    const failures = visits.filter(({ status }) => status !== 200);
    const longest = Math.max(...visits.map(({ waited }) => waited));
    context.diagnostic(
      `${visits.length} visits, ${failures.length} failed, the longest waited ${Math.round(longest)} ms`,
    );
    assert.deepEqual(failures, [], 'those who came in the gap waited for the next one');
    assert.deepEqual(new Set(visits.map(({ body }) => (JSON.parse(body) as Said).release)), new Set([1, 2]));

    const failed = await kapal.deployFailing(
      await kapal.project('notebook', notebook({ ...parts, variables: ', {key: BROKEN, value: "1"}' })),
    );
    assert.equal(failed.services[0]?.outcome, 'failed');
    assert.deepEqual(await visit('?word=again'), { release: 2, disk: disk(), words: ['hello', 'migrated 2', 'again'] });

    assert.equal((await kapal.run('rollback', 'notebook', '1')).code, 0);
    assert.deepEqual((await visit()).words, ['hello', 'migrated 2', 'again']);

    const [instance] = (await kapal.service('notebook')).instances;
    send(instance?.pid ?? 0, 'SIGKILL');
    await kapal.serviceOnce(
      'notebook',
      ({ instances }) => instances[0]?.state === 'ready' && instances[0].restarts === 1,
    );
    // Ready comes before routed.
    await until('it is reached again', async () => (await kapal.visit('notebook.localhost')).status === 200);
    assert.equal((await visit()).words.length, 3);
    alone();
  });

  test('a daemon that dies while the disk changes hands goes on, and never starts a second writer', async () => {
    const parts = { place: 'data', seen: 'data' };
    await deploy(parts);
    await visit('?word=kept');
    for (const seen of ['draining', 'stopping', 'gone', 'starting'] as const) {
      const gate = new Gate(kapal, seen);
      const more = [`preDeployCommand: ${gate.wait}`];
      const folder = await kapal.project('notebook', notebook({ ...parts, mode: seen, more }));
      const { ran } = kapal.begin({}, 'deploy', folder, '--json');
      const isSeen = ({ instances, release }: ServiceDocument) =>
        seen === 'gone'
          ? instances.length === 0
          : instances.some((one) => one.state === seen && one.release >= (release ?? 0));
      if (seen === 'starting') await gate.open();
      await kapal.serviceOnce('notebook', (service) => isSeen(service) || service.instances.length === 0);
      await kapal.killDaemon();
      await kapal.up();
      await gate.open();
      const { code, stderr } = await ran;
      assert.equal(code, 0, stderr);
      assert.deepEqual((await visit()).words, ['kept']);
    }
    const [instance, ...others] = (await kapal.service('notebook')).instances;
    assert.deepEqual(others, []);
    const apps = processesOf(kapal).filter(({ role, command }) => role === 'app' && command.includes('server.js'));
    assert.equal(new Set(apps.map(({ run }) => run)).size, 1, JSON.stringify([instance, apps]));
    alone();
  });

  test('an absolute path is the service’s alone, and hides nothing', {
    skip: root ? false : 'mount namespaces need root',
  }, async () => {
    const place = `/srv/kapal-e2e-${randomBytes(6).toString('hex')}`;
    try {
      await deploy({ place, seen: place });
      assert.deepEqual(await visit('?word=mounted'), { release: 1, disk: disk(), words: ['mounted'] });
      assert.deepEqual(readdirSync(place), [], 'nobody else sees it there');
      assert.ok(!readFileSync('/proc/self/mounts', 'utf8').includes(place));
      const [instance] = (await kapal.service('notebook')).instances;
      const mounts = readFileSync(`/proc/${instance?.pid}/mounts`, 'utf8').split('\n');
      assert.match(mounts.find((line) => line.includes(` ${place} `)) ?? '', /nosuid,nodev/);
      await deploy({ place, seen: place, mode: 'two' });
      assert.deepEqual((await visit()).words, ['mounted']);
      await writeFile(join(place, 'of-the-host'), '');
      const ran = await kapal.run(
        'deploy',
        await kapal.project('notebook', notebook({ place, seen: place, mode: 'three' })),
      );
      assert.equal(ran.code, 2, ran.stderr);
      assert.match(ran.stderr, /notebook: disk\.mountPath: .*there are files, which the disk would hide/);
      assert.deepEqual((await visit()).words, ['mounted']);
      await rm(join(place, 'of-the-host'));
      alone();
    } finally {
      await rmdir(place).catch(() => undefined);
    }
    for (const [path, why] of [
      ['/var/tmp/x', /others than root may change/],
      ['/var/run/x', /is a link/],
    ] as const) {
      const ran = await kapal.run('plan', await kapal.project('notebook', notebook({ place: path, seen: path })));
      assert.equal(ran.code, 2, ran.stderr);
      assert.match(ran.stderr, why);
    }
  });

  test('is refused where it cannot be: several instances, a path with files', async () => {
    const parts = { place: 'data', seen: 'data' };
    const several = await kapal.run(
      'deploy',
      await kapal.project('notebook', notebook({ ...parts, more: ['numInstances: 2'] })),
    );
    assert.equal(several.code, 2);
    assert.match(several.stderr, /kapal\.yaml:\d+:5: services\[0\]\.numInstances: must be 1/);
    const occupied = await kapal.deployFailing(
      await kapal.project('notebook', { ...notebook(parts), 'data/seed.txt': 'here already' }),
    );
    assert.equal(occupied.services[0]?.error?.code, 'mount_refused');
    assert.match(occupied.services[0]?.error?.message ?? '', /data cannot appear at data: that is a folder with files/);
    await kapal.deploy(await kapal.project('notebook', { ...notebook(parts), 'data/.gitkeep': '' }));
    await visit('?word=x');
    const scaled = await kapal.run('scale', 'notebook=2');
    assert.equal(scaled.code, 2);
    assert.match(scaled.stderr, /one instance may have at a time/);
    assert.deepEqual((await kapal.service('notebook')).desired, 1);
  });

  test('is counted, and kept until somebody removes it', async () => {
    const parts = { place: 'data', seen: 'data' };
    await deploy(parts);
    await visit('?word=precious');
    const disks = () => kapal.json<readonly PersistentDiskDocument[]>(['disk', 'list']);
    const [attached] = await disks();
    assert.equal(attached?.state, 'attached');
    assert.equal(attached?.path, disk());
    assert.ok((attached?.usedBytes ?? 0) > 4096);
    const [shown] = await kapal.json<readonly ServiceDocument[]>(['ps']);
    assert.equal(shown?.disk?.sizeBytes, 1024 ** 3);

    const refused = await kapal.run('disk', 'remove', 'notebook', 'data', '--yes');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /notebook has the disk data/);
    const kept = await kapal.run('project', 'remove', 'notebook', '--yes');
    assert.equal(kept.code, 1);
    assert.match(kept.stderr, /notebook has a disk with data: data of notebook/);
    assert.equal((await visit()).words.length, 1, 'nothing was stopped');

    // Declared no more: detached, and there again when it is declared again.
    await deploy({ place: null, seen: '/tmp', mode: 'without' });
    assert.equal((await disks())[0]?.state, 'detached');
    await deploy({ ...parts, mode: 'back' });
    assert.deepEqual((await visit()).words, ['precious']);

    // Its service goes, it stays, closed to whoever gets the number of the service's user.
    await kapal.deploy(
      await kapal.project('notebook', {
        'kapal.yaml': 'project: notebook\nservices:\n  - {type: static, name: site}\n',
        'index.html': '',
      }),
      '--prune',
    );
    await until('the service is gone', async () => (await kapal.ps()).every(({ service }) => service !== 'notebook'));
    assert.equal((await disks())[0]?.state, 'detached');
    assert.equal(statSync(disk()).uid, process.getuid?.());
    await deploy({ ...parts, mode: 'returned' });
    assert.deepEqual((await visit()).words, ['precious'], 'a new user of the service has it');

    const removed = await kapal.run('project', 'remove', 'notebook', '--yes', '--with-disks');
    assert.equal(removed.code, 0, removed.stderr);
    assert.deepEqual(await disks(), []);
    assert.ok(!existsSync(disk()));
  });

  test('one whose folder is lost is not begun anew in silence', async () => {
    const parts = { place: 'data', seen: 'data' };
    await deploy(parts);
    await visit('?word=lost');
    assert.equal((await kapal.run('stop', 'notebook')).code, 0);
    await rm(disk(), { recursive: true });
    const failed = await kapal.deployFailing(await kapal.project('notebook', notebook({ ...parts, mode: 'two' })));
    assert.equal(failed.services[0]?.error?.code, 'disk_failed');
    await mkdir(disk());
    assert.equal((await kapal.run('start', 'notebook')).code, 0);
    assert.deepEqual((await visit()).words, []);
  });
});

test('an ordinary user has disks in the folder of the service, and is told why nowhere else', async () => {
  await using user = await Stranger.arrive();
  await user.up('embedded');
  const folder = join(user.home, 'notebook');
  await mkdir(folder, { recursive: true });
  const write = async (parts: Parameters<typeof notebook>[0]) => {
    for (const [name, text] of Object.entries(notebook(parts))) await writeFile(join(folder, name), text);
  };
  const ask = async (path: string) =>
    JSON.parse((await get(user.http, path, { headers: { host: 'notebook.localhost' } })).body) as Said;
  await write({ place: '/var/data', seen: '/var/data' });
  const refused = await user.run('deploy', folder);
  assert.equal(refused.code, 2, refused.stderr);
  assert.match(
    refused.stderr,
    /notebook: .*cannot be mounted at \/var\/data: only a daemon that runs as root .*\n.*Take a folder of the service instead \(disk\.mountPath: data\).* KAPAL_DISK; or run this Kapal as root/,
  );
  await write({ place: 'data', seen: 'data' });
  assert.equal((await user.run('deploy', folder)).code, 0);
  assert.deepEqual((await ask('/?word=mine')).words, ['mine']);
  await write({ place: 'data', seen: 'data', mode: 'two' });
  assert.equal((await user.run('deploy', folder)).code, 0);
  assert.deepEqual((await ask('/')).words, ['mine']);
  const [daemon] = processesOf(user).filter(({ role }) => role === 'daemon');
  send(daemon?.pid ?? 0, 'SIGKILL');
  await eventually('the daemon is gone', () => processesOf(user).every(({ role }) => role !== 'daemon'));
  await user.up('embedded');
  assert.equal((await user.run('rollback', 'notebook')).code, 0);
  assert.deepEqual((await ask('/')).words, ['mine']);
  assert.ok(!existsSync(join(user.data, 'disks/notebook/production/notebook/data/two')));
});
