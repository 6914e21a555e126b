import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { PersistentDiskDocument, ServiceDocument } from '../../src/api/contract/types.ts';
import { get } from '../integration/edge-fixture.ts';
import { send } from './install.ts';
import { TestKapal, until, type Visit } from './kapal.ts';
import { Stranger } from './stranger.ts';

/** Keeps what it is sent, says how it was asked, and waits for others. */
const site = `<?php
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/keep') {
    file_put_contents(__DIR__ . '/uploads/' . basename($_GET['name']), file_get_contents('php://input'));
    echo 'kept ', filesize(__DIR__ . '/uploads/' . basename($_GET['name']));
} elseif ($path === '/meet') {
    touch(sys_get_temp_dir() . '/guest-' . getmypid());
    for ($look = 0; $look < 1000 && count(glob(sys_get_temp_dir() . '/guest-*')) < 4; $look++) usleep(20000);
    echo count(glob(sys_get_temp_dir() . '/guest-*')) >= 4 ? 'met' : 'alone';
} elseif ($path === '/wait') {
    touch(__DIR__ . '/uploads/arrived');
    for ($look = 0; $look < 1000 && !file_exists(__DIR__ . '/uploads/go'); $look++) { usleep(20000); clearstatcache(); }
    echo 'whole';
} elseif ($path === '/slow') {
    sleep(600);
} elseif ($path === '/fatal') {
    file_put_contents('php://stderr', "said by the worker\\n");
    nothing_of_this_name();
} else {
    header('Content-Type: application/json');
    echo json_encode(array_intersect_key($_SERVER, array_flip(['HTTPS', 'REQUEST_SCHEME', 'REMOTE_ADDR', 'SERVER_NAME',
        'SERVER_PORT', 'HTTP_HOST', 'REQUEST_URI', 'SCRIPT_NAME', 'PATH_INFO', 'PHP_SELF', 'QUERY_STRING']))
        + ['by' => PHP_SAPI, 'release' => getenv('KAPAL_RELEASE'), 'version' => 'VERSION']);
}
`;

interface Said extends Readonly<Record<string, string | undefined>> {
  readonly by: string;
  readonly release: string;
  readonly version: string;
}

const shop = (version: string, more = ''): Record<string, string> => ({
  'kapal.yaml': `project: foto
services:
  - type: web
    name: foto
    runtime: php
    numInstances: 2
    memoryLimit: 256mb
    disk: {name: files, mountPath: uploads, shared: true}
${more}`,
  '.htaccess': 'FallbackResource /index.php\n',
  'index.php': site.replace('VERSION', version),
  'style.css': `/* ${version} */`,
  'uploads/first.txt': `shipped by ${version}`,
  'composer.json': '{}',
  '.env': 'SECRET=1',
  'vendor/tool.php': '<?php echo "tool";',
  'config/settings.php': '<?php echo "settings";',
  'lib/words.php': '<?php echo "words ", $_SERVER["PATH_INFO"] ?? "";',
});

describe('PHP by php-fpm', () => {
  let kapal: TestKapal;
  before(async () => void (kapal = await TestKapal.start()));
  afterEach(() => kapal.clear());
  after(() => kapal[Symbol.asyncDispose]());

  const visit = (path: string, options: Parameters<TestKapal['visit']>[2] = {}) =>
    kapal.visit('foto.localhost', path, options);
  const said = async (path: string, options: Parameters<TestKapal['visit']>[2] = {}): Promise<Said> => {
    const { status, body } = await visit(path, options);
    assert.equal(status, 200, body);
    return JSON.parse(body) as Said;
  };
  const deploy = async (version: string, more = '') =>
    kapal.run('deploy', await kapal.project('foto', shop(version, more)));
  const pids = async (): Promise<readonly number[]> =>
    (await kapal.service('foto')).instances.map(({ pid }) => pid ?? 0);
  const logged = async (words: string) =>
    until(`the log says ${words}`, async () => {
      const lines = await kapal.json<readonly { text: string }[]>(['logs', 'foto']);
      return lines.some(({ text }) => text.includes(words));
    });

  test('uploads are kept over deploys by two instances at once, and no visitor is turned away', async () => {
    const first = await deploy('one');
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stderr, /It is served by php-fpm, behind an nginx of its own\./);
    assert.match(first.stderr, /uploads is kept across deploys, the same for all instances: the disk files/);
    assert.equal((await said('/')).by, 'fpm-fcgi');
    assert.equal((await visit('/uploads/first.txt')).body, 'shipped by one');
    const picture = 'x'.repeat(3 * 1024 * 1024);
    const kept = await visit('/keep?name=picture.png', { method: 'PUT', body: picture });
    assert.equal(kept.body, `kept ${picture.length}`);
    // Whichever of the two is asked.
    for (let look = 0; look < 4; look += 1)
      assert.equal((await visit('/uploads/picture.png')).body.length, picture.length);
    await visit('/keep?name=first.txt', { method: 'PUT', body: 'changed' });

    const visits: Visit[] = [];
    let watching = true;
    const watched = Promise.all(
      ['/', '/uploads/picture.png', '/style.css'].map(async (path) => {
        while (watching) visits.push(await visit(path));
      }),
    );
    for (const version of ['two', 'three']) assert.equal((await deploy(version)).code, 0);
    watching = false;
    await watched;
    assert.ok(visits.length > 0);
    assert.deepEqual(
      visits.filter(({ status }) => status !== 200).map(({ status, body }) => `${status} ${body}`),
      [],
    );
    assert.equal((await said('/')).version, 'three');
    assert.equal((await visit('/uploads/picture.png')).body.length, picture.length);
    assert.equal((await visit('/uploads/first.txt')).body, 'changed', 'what is shipped comes once');
    await kapal.serviceOnce('foto', ({ instances }) => instances.filter(({ state }) => state === 'ready').length === 2);
    const [disk] = await kapal.json<readonly PersistentDiskDocument[]>(['disk', 'list']);
    assert.ok((disk?.usedBytes ?? 0) >= picture.length);
    assert.equal((await kapal.run('scale', 'foto=3')).code, 0);
  });

  test('visitors reach scripts and files for visitors, and are told to PHP as the edge sees them', async () => {
    assert.equal((await deploy('one')).code, 0);
    await visit('/keep?name=evil.php', { method: 'PUT', body: '<?php echo "run";' });
    await visit('/keep?name=evil.phtml', { method: 'PUT', body: '<?php echo "run";' });
    assert.ok(existsSync(join(kapal.data, 'disks/foto/production/foto/files/evil.php')));
    const hidden = [
      '/.env',
      '/%2eenv',
      '/.git/config',
      '/.kapal/nginx.conf',
      '/.kapal/serve',
      '/vendor/tool.php',
      '/Vendor/tool.php',
      '/vendor%2ftool.php',
      '//vendor/tool.php',
      '/config/settings.php',
      '/lib/../vendor/tool.php',
      '/uploads/evil.php',
      '/uploads/evil.php/x',
      '/uploads/evil.PHP',
      '/uploads/evil.phtml',
    ];
    for (const path of hidden) {
      const { status, body } = await visit(path);
      assert.ok(status === 404 || status === 400, `${path}: ${status} ${body}`);
    }
    // No file for visitors: the front controller answers.
    assert.equal((await said('/composer.json')).SCRIPT_NAME, '/index.php');
    assert.equal((await visit('/style.css')).headers['content-type'], 'text/css');
    assert.equal((await visit('/lib/words.php/a/b')).body, 'words /a/b');
    const seen = await said('/some/page?a=b%20c', {
      headers: { host: 'foto.localhost:9', 'x-forwarded-proto': 'https', 'x-real-ip': '9.9.9.9', proxy: 'http://evil' },
    });
    assert.deepEqual(
      [seen.HTTPS, seen.REQUEST_SCHEME, seen.REMOTE_ADDR, seen.HTTP_HOST, seen.SERVER_NAME, seen.SERVER_PORT],
      [undefined, 'http', '127.0.0.1', 'foto.localhost:9', 'foto.localhost', '9'],
    );
    assert.deepEqual(
      [seen.REQUEST_URI, seen.SCRIPT_NAME, seen.QUERY_STRING, seen.PATH_INFO ?? ''],
      ['/some/page?a=b%20c', '/index.php', 'a=b%20c', ''],
    );
    const met = await Promise.all(Array.from({ length: 4 }, () => visit('/meet')));
    assert.deepEqual(
      met.map(({ body }) => body),
      Array.from({ length: 4 }, () => 'met'),
      'four scripts that wait for each other run at a time',
    );
    assert.equal((await visit('/fatal')).status, 500);
    await logged('said by the worker');
    await logged('undefined function nothing_of_this_name()');
  });

  test('what dies of an instance takes the rest along, and it comes back', async () => {
    assert.equal((await deploy('one')).code, 0);
    const folders = () => {
      const folder = join(kapal.data, 'homes/foto/production/foto/tmp/.kapal-php');
      return readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    };
    assert.equal(folders().length, 2);
    for (const [count, victim] of ['php-fpm: master', 'nginx: master', 'leader'].entries()) {
      const before = await pids();
      const [leader = 0] = before;
      const master =
        victim === 'leader' ? leader : (await sessionOf(leader)).find(({ title }) => title.includes(victim))?.pid;
      assert.ok(master !== undefined, victim);
      const all = (await sessionOf(leader)).map(({ pid }) => pid);
      assert.ok(all.length >= 6, `${all.length} processes`);
      send(master, 'SIGKILL');
      await kapal.serviceOnce('foto', ({ instances }) => {
        const ready = instances.length === 2 && instances.every(({ state }) => state === 'ready');
        return ready && instances.reduce((sum, { restarts }) => sum + restarts, 0) === count + 1;
      });
      await until(`nothing is left of ${victim}`, async () => {
        const left = await Promise.all(all.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
        return left.every((line) => !/fpm|nginx|serve/.test(line));
      });
      assert.equal((await visit('/')).status, 200);
    }
    await logged('php-fpm ended by itself (status 137): the instance ends');
    await logged('nginx ended by itself (status 137): the instance ends');
    assert.equal(folders().length, 2, 'folders of the killed are swept');
    for (const { name } of folders()) {
      const folder = join(kapal.data, 'homes/foto/production/foto/tmp/.kapal-php', name);
      assert.equal(statSync(folder).mode & 0o777, 0o700);
      assert.equal(statSync(join(folder, 'fpm.sock')).mode & 0o777, 0o600);
    }
    assert.equal((await kapal.run('stop', 'foto')).code, 0);
    assert.equal(folders().length, 0, 'a stop leaves nothing');
  });

  test('a script that the edge has given up is ended too', async () => {
    assert.equal((await deploy('one', '    edge: {responseTimeoutSeconds: 2}\n')).code, 0);
    assert.equal((await visit('/slow')).status, 504);
    await logged('execution timed out');
  });

  test('what is under way when it is told to stop is ended first', async () => {
    assert.equal((await deploy('one')).code, 0);
    const uploads = join(kapal.data, 'disks/foto/production/foto/files');
    const [instance] = (await kapal.service('foto')).instances;
    const port = Number(instance?.address?.split(':')[1]);
    // Past the edge, which would wait for it before it tells the instance to stop.
    const answer = visit('/wait', { port });
    await until('the script runs', async () => existsSync(join(uploads, 'arrived')));
    const stopped = kapal.run('stop', 'foto');
    await until('its nginx takes nothing new', async () =>
      visit('/style.css', { port }).then(
        () => false,
        () => true,
      ),
    );
    writeFileSync(join(uploads, 'go'), '');
    assert.deepEqual([(await answer).status, (await answer).body], [200, 'whole']);
    assert.equal((await stopped).code, 0);
  });

  test('a folder of uploads that nobody declared is kept, and told', async () => {
    const { 'kapal.yaml': _, ...files } = shop('one');
    const folder = await kapal.project('foto', files);
    const found = await kapal.run('detect', folder);
    assert.match(found.stdout, /It is served by php-fpm, behind an nginx of its own\./);
    assert.match(found.stdout, /uploads is kept across deploys, the same for all instances \(disk files\)/);
    assert.match((await kapal.run('deploy', folder)).stderr, /uploads is kept across deploys/);
    await visit('/keep?name=note.txt', { method: 'PUT', body: 'kept' });
    await kapal.deploy(await kapal.project('foto', { ...files, 'style.css': 'b{}' }));
    assert.equal((await said('/')).release, '2');
    assert.equal((await visit('/uploads/note.txt')).body, 'kept');
  });
});

/** No cgroup holds what runs, and titles of processes are written over the mark that tells whose they are. */
describe('PHP by php-fpm of an unprivileged user', () => {
  let user: Stranger;
  before(async () => void (user = await Stranger.arrive()));
  after(() => user[Symbol.asyncDispose]());

  test('runs, and leaves nothing of what was killed or stopped', async () => {
    await user.up('embedded');
    const folder = join(user.home, 'foto');
    for (const [path, text] of Object.entries(shop('one'))) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const deployed = await user.run('deploy', folder);
    assert.equal(deployed.code, 0, deployed.stderr);
    const ask = () => get(user.http, '/', { headers: { host: 'foto.localhost' } });
    assert.match((await ask()).body, /"by":"fpm-fcgi"/);
    const services = async () => JSON.parse((await user.run('ps', '--json')).stdout) as readonly ServiceDocument[];
    for (const victim of ['php-fpm: master', 'nginx: master', 'leader']) {
      const [leader = 0] = (await services())[0]?.instances.map(({ pid }) => pid ?? 0) ?? [];
      const all = await sessionOf(leader);
      const master = victim === 'leader' ? leader : all.find(({ title }) => title.includes(victim))?.pid;
      assert.ok(master !== undefined, victim);
      send(master, 'SIGKILL');
      await until(`nothing is left of ${victim}`, async () => (await sessionOf(leader)).length === 0);
      await until(
        `two are ready after ${victim}`,
        async () => (await services())[0]?.instances.filter(({ state }) => state === 'ready').length === 2,
      );
      assert.equal((await ask()).status, 200);
    }
    const leaders = (await services())[0]?.instances.map(({ pid }) => pid ?? 0) ?? [];
    assert.equal((await user.run('stop', 'foto')).code, 0);
    assert.deepEqual(await Promise.all(leaders.map(async (leader) => (await sessionOf(leader)).length)), [0, 0]);
  });
});

describe('PHP without php-fpm', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.prepare();
    const programs = readdirSync('/usr/sbin').filter((name) => name.startsWith('php-fpm'));
    const hiding = programs.map((name) => `mount --bind /dev/null /usr/sbin/${name} && `).join('');
    kapal.under = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', `${hiding}exec "$@"`, 'sh'];
    await kapal.up();
  });
  after(() => kapal[Symbol.asyncDispose]());

  test("is served by PHP's own server, by the same rules, with a warning", async () => {
    const ran = await kapal.run('deploy', await kapal.project('foto', shop('one')));
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stderr, /warning: It is served by PHP's built-in web server/);
    assert.match(ran.stderr, /no php-fpm in the version of php: sudo apt-get install php-fpm/);
    const seen = await kapal.visit('foto.localhost', '/page');
    const said = JSON.parse(seen.body) as Said;
    assert.deepEqual(
      [said.by, said.SCRIPT_NAME, said.REMOTE_ADDR, said.SERVER_PORT, said.SERVER_NAME],
      ['cli-server', '/index.php', '127.0.0.1', '80', 'foto.localhost'],
    );
    await kapal.visit('foto.localhost', '/keep?name=evil.php', { method: 'PUT', body: '<?php echo "run";' });
    for (const path of ['/uploads/evil.php', '/.env', '/vendor/tool.php', '/config/settings.php'])
      assert.equal((await kapal.visit('foto.localhost', path)).status, 404, path);
    assert.equal((await kapal.visit('foto.localhost', '/uploads/first.txt')).body, 'shipped by one');
    assert.equal((await kapal.visit('foto.localhost', '/lib/words.php/a')).body, 'words /a');
    assert.equal((await kapal.run('stop', 'foto')).code, 0);
  });
});

/** The processes of a session, by what they are called now. A zombie, whose parent has not asked for its end yet, runs no more. */
async function sessionOf(leader: number): Promise<readonly { readonly pid: number; readonly title: string }[]> {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    all.map(async (name) => {
      const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
      const [state, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const title = (await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
      return Number(session) === leader && state !== 'Z' ? [{ pid: Number(name), title }] : [];
    }),
  );
  return found.flat();
}
