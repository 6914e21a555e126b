import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { createHostBuilder } from '../../src/build/host/driver.ts';
import { HostTools } from '../../src/build/host/tool-store.ts';
import { registrySettings } from '../../src/build/host/registry.ts';
import { ensureToolchain } from '../../src/build/host/toolchain.ts';
import { hang } from '../patience.ts';
import { makeProject, openWorkshop, type ProjectChange, type Workshop } from './build-fixtures.ts';

const json = JSON.stringify;
const lodash = { dependencies: { lodash: '4.17.21' } };
const built = { scripts: { build: 'node build.js' } };

describe('the plan of a folder', () => {
  let workshop: Workshop;
  before(async () => void (workshop = await openWorkshop()));
  after(() => workshop[Symbol.asyncDispose]());

  /** Shapes that need no tool from the registry. */
  const shapes: readonly {
    name: string;
    files: Record<string, string>;
    change?: ProjectChange;
    commands: readonly string[];
  }[] = [
    { name: 'no package.json', files: { 'server.js': '' }, commands: [] },
    {
      name: 'no dependencies, no lock file',
      files: { 'package.json': json({ scripts: { start: 'node .' } }) },
      commands: [],
    },
    { name: 'no dependencies but a build script', files: { 'package.json': json(built) }, commands: ['npm run build'] },
    {
      name: 'no dependencies but a script of the install',
      files: { 'package.json': json({ scripts: { postinstall: 'true' } }) },
      commands: ['npm install --include=dev'],
    },
    {
      name: 'dependencies without lock file',
      files: { 'package.json': json(lodash) },
      commands: ['npm install --include=dev'],
    },
    {
      name: "npm's lock file",
      files: { 'package.json': json({ ...lodash, ...built }), 'package-lock.json': '{}' },
      commands: ['npm ci --include=dev', 'npm run build'],
    },
    {
      name: 'a lock file alone',
      files: { 'package.json': '{}', 'package-lock.json': '{}' },
      commands: ['npm ci --include=dev'],
    },
    {
      name: 'two lock files',
      files: { 'package.json': json(lodash), 'package-lock.json': '{}', 'yarn.lock': '' },
      commands: ['npm ci --include=dev'],
    },
    {
      name: 'package.json with a byte order mark',
      files: { 'package.json': `\uFEFF${json(built)}` },
      commands: ['npm run build'],
    },
    {
      name: 'a declared command',
      files: { 'package.json': json({ ...lodash, ...built }) },
      change: { command: 'make # all' },
      commands: ['make # all'],
    },
    {
      name: 'a part of a workspace',
      files: {
        'package.json': json({ workspaces: ['apps/*'] }),
        'package-lock.json': '{}',
        'apps/web/package.json': json(built),
      },
      change: { rootDir: 'apps/web' },
      commands: ['cd ../.. && npm ci --include=dev', 'npm run build'],
    },
    {
      name: 'a part of no workspace',
      files: { 'package.json': json(lodash), 'package-lock.json': '{}', 'apps/web/package.json': json(built) },
      change: { rootDir: 'apps/web' },
      commands: ['npm run build'],
    },
    {
      name: 'a part of a workspace with a lock file of its own',
      files: {
        'package.json': json({ workspaces: ['web'] }),
        'package-lock.json': '{}',
        'web/package.json': json(built),
        'web/package-lock.json': '{}',
      },
      change: { rootDir: 'web' },
      commands: ['npm ci --include=dev', 'npm run build'],
    },
    { name: 'a static site', files: { 'index.html': '' }, change: { runtime: 'static' }, commands: [] },
    {
      name: 'a static site with tools but without a build',
      files: { 'index.html': '', 'package.json': json(lodash) },
      change: { runtime: 'static' },
      commands: [],
    },
    {
      name: 'a static site that is built',
      files: { 'package.json': json({ ...lodash, ...built }) },
      change: { runtime: 'static' },
      commands: ['npm install --include=dev', 'npm run build'],
    },
    {
      name: 'nonsense in package.json',
      files: { 'package.json': json({ scripts: 5, dependencies: [], workspaces: null, packageManager: 7 }) },
      commands: [],
    },
  ];
  for (const { name, files, change, commands } of shapes) {
    test(`with ${name}: ${commands.join(', then ') || 'nothing'}`, async (t) => {
      const { request } = await makeProject(t, files, change);
      const { steps, tools } = await workshop.builder.plan(request);
      const { install, build } = request.recipe;
      assert.deepEqual(
        [...install, ...build].map((step) => step.command),
        commands,
      );
      // What can be taken from an earlier build is wrapped in the way there.
      for (const [at, { command }] of steps.entries()) assert.ok(command.includes(commands[at] ?? '?'), command);
      assert.deepEqual([steps.length, tools], [commands.length, []]);
    });
  }

  test('names the lock file that it goes by, and the one that it does not', async (t) => {
    const { request } = await makeProject(t, {
      'package.json': json(lodash),
      'package-lock.json': '{}',
      'yarn.lock': '',
    });
    const [step] = (await workshop.builder.plan(request)).steps;
    assert.equal(
      step?.title,
      'Installing dependencies (npm ci --include=dev; package-lock.json; yarn.lock is ignored)',
    );
  });

  test("has the toolchain first on PATH, the service's caches below its home, and no token of anybody", async (t) => {
    const { request } = await makeProject(t, { 'package.json': json(lodash) });
    const { environment } = await workshop.builder.plan(request);
    assert.equal(environment['PATH'], [workshop.toolchain.bin, '/usr/bin:/bin'].join(delimiter));
    assert.equal(environment['npm_config_cache'], join(request.account.home, '.cache', 'npm'));
    assert.doesNotMatch(json(environment), /_auth|token|password/i);
    assert.ok(!('NODE_ENV' in environment));
  });

  test('is refused where the declaration or package.json is wrong', async (t) => {
    await assert.rejects(makeProject(t, { 'package.json': '{"scripts":' }), {
      code: 'declaration_invalid',
      message: /^package.json:1:\d+: is not valid JSON/,
    });
    const { request, folder } = await makeProject(t, { 'package.json': json(lodash), 'sub/x': '' });
    await symlink('/etc', join(folder, 'etc'));
    for (const rootDir of ['gone', '..', '../home', 'package.json', 'etc', 'sub/../../home'])
      await assert.rejects(workshop.builder.plan({ ...request, rootDir }), {
        code: 'declaration_invalid',
        message: /is no folder of the source/,
      });
  });

  test('without npm on the machine is refused only where npm is needed', async (t) => {
    const builder = createHostBuilder({
      folder: workshop.folder,
      marks: new HostTools(workshop.folder, workshop.toolchain.version),
      toolchain: () => Promise.resolve({ ...workshop.toolchain, npm: null }),
      environment: {},
    });
    const { request } = await makeProject(t, { 'package.json': json(lodash) });
    await assert.rejects(builder.plan(request), { code: 'toolchain_missing', hint: /apt-get install npm/ });
    const declared = await makeProject(t, { 'package.json': json(lodash) }, { command: 'make' });
    assert.equal((await builder.plan(declared.request)).steps.length, 1);
  });
});

describe('the toolchain', () => {
  test('is placed once, whole, for everybody, whoever asks at the same time', async (t) => {
    const top = await mkdtemp(join(tmpdir(), 'kapal-test-toolchain-'));
    t.after(() => rm(top, { recursive: true, force: true }));
    await chmod(top, 0o755);
    const folder = join(top, 'toolchain');
    const umask = process.umask(0o077);
    t.after(() => process.umask(umask));
    const all = await Promise.all([1, 2, 3].map(() => ensureToolchain({ folder, node: process.execPath })));
    process.umask(umask);
    const [first] = all;
    assert.ok(first !== undefined && first.npm !== null);
    for (const one of all) assert.deepEqual(one, first);
    assert.deepEqual(await readdir(folder), [`node-${process.versions.node}`]);
    assert.deepEqual((await readdir(first.bin)).toSorted(), ['node', 'npm', 'npx']);
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => !one.isSymbolicLink())) {
      const { mode } = await stat(join(entry.parentPath, entry.name));
      assert.ok(
        (mode & 0o004) !== 0 && (!entry.isDirectory() || (mode & 0o001) !== 0),
        join(entry.parentPath, entry.name),
      );
    }
    const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const version = execFileSync('npm', ['--version'], {
      env: { PATH: first.bin + delimiter + '/usr/bin:/bin', HOME: '/nonexistent' },
      cwd: '/',
      encoding: 'utf8',
      ...nobody,
    });
    assert.match(version, /^\d+\.\d+/);
    const begun = performance.now();
    assert.deepEqual(await ensureToolchain({ folder, node: process.execPath }), first);
    assert.ok(performance.now() - begun < hang);
  });

  test('takes no room for Node where a hard link can be made', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'kapal-test-toolchain-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const { node } = await ensureToolchain({ folder, node: process.execPath });
    const [placed, own] = await Promise.all([stat(node), stat(process.execPath)]);
    if (placed.dev === own.dev && process.getuid?.() === 0) assert.equal(placed.ino, own.ino);
    assert.equal(placed.size, own.size);
    assert.equal((await lstat(node)).isFile(), true);
  });

  test('is refused for a Node that does not run', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'kapal-test-toolchain-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    await assert.rejects(ensureToolchain({ folder, node: '/bin/false' }), { code: 'toolchain_missing' });
  });
});

describe("the machine's way to the registry", () => {
  async function withNpmrc(
    t: TestContext,
    lines: (folder: string) => readonly string[],
    environment: Record<string, string> = {},
  ) {
    const folder = await mkdtemp(join(tmpdir(), 'kapal-test-registry-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    await chmod(folder, 0o755);
    await mkdir(join(folder, 'private'), { mode: 0o700 });
    for (const path of ['open.pem', 'private/shut.pem']) await writeFile(join(folder, path), `certificates of ${path}`);
    await writeFile(join(folder, '.npmrc'), lines(folder).join('\n'));
    return {
      folder,
      read: registrySettings({ folder, environment: { PATH: process.env['PATH'], HOME: folder, ...environment } }),
    };
  }

  test('reaches builds: registry, certificates, proxies', async (t) => {
    const lines = (folder: string) => [
      'registry=https://npm.example.com/',
      '//npm.example.com/:_authToken=secret-token',
      `cafile=${folder}/open.pem`,
      'proxy=http://proxy.example.com:3128/',
      'noproxy=localhost',
    ];
    const { folder, read } = await withNpmrc(t, lines, {
      https_proxy: 'http://proxy.example.com:3128',
      SECRET_TOKEN: 'secret',
    });
    const { environment, berry } = await read();
    assert.deepEqual(environment, {
      NODE_EXTRA_CA_CERTS: join(folder, 'open.pem'),
      https_proxy: 'http://proxy.example.com:3128',
      npm_config_registry: 'https://npm.example.com/',
      npm_config_cafile: join(folder, 'open.pem'),
      npm_config_proxy: 'http://proxy.example.com:3128/',
      npm_config_noproxy: 'localhost',
    });
    assert.equal(berry['YARN_NPM_REGISTRY_SERVER'], 'https://npm.example.com');
    assert.doesNotMatch(json([environment, berry]), /secret/);
    assert.equal(read(), read());
  });

  test('is copied where builds could not read it, and left out where nobody can', async (t) => {
    const { folder, read } = await withNpmrc(t, (at) => [`cafile=${at}/private/shut.pem`]);
    const { npm_config_cafile: copy = '', NODE_EXTRA_CA_CERTS: extra } = (await read()).environment;
    assert.match(copy, new RegExp(`^${folder}/ca-[0-9a-f]{16}.pem$`));
    assert.equal(extra, copy);
    assert.deepEqual(
      [await readFile(copy, 'utf8'), (await stat(copy)).mode & 0o777],
      ['certificates of private/shut.pem', 0o644],
    );
    const gone = await withNpmrc(t, () => [], { SSL_CERT_FILE: '/nonexistent.pem' });
    assert.ok(!('SSL_CERT_FILE' in (await gone.read()).environment));
  });

  test('does not hand out a password in the URL of the registry', async (t) => {
    const { read } = await withNpmrc(t, () => ['registry=https://me:secret@npm.example.com/', 'noproxy=localhost']);
    const { environment } = await read();
    assert.doesNotMatch(json(environment), /secret/);
    assert.equal(environment['npm_config_noproxy'], 'localhost');
  });

  test('is empty, and no error, where there is no npm', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'kapal-test-registry-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    assert.deepEqual(await registrySettings({ folder, environment: { PATH: folder } })(), {
      environment: {},
      berry: {},
    });
  });
});
