import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { exec } from '../../../src/lib/exec.ts';
import { serviceId } from '../../../src/model/service.ts';
import { ProcessHomeCaches } from '../../../src/runtime/process/home-caches.ts';

const root = process.getuid?.() === 0;
/** Nobody's: no entry of /etc/passwd is needed. */
const uid = 61_234;
const service = serviceId({ project: 'shop', environment: 'production', service: 'api' });

async function homes(t: TestContext) {
  const top = await mkdtemp(join(tmpdir(), 'kapal-test-homes-'));
  t.after(() => rm(top, { recursive: true, force: true }));
  await chmod(top, 0o755);
  const home = join(top, 'shop/production/api');
  const outside = join(top, '@kapal');
  await mkdir(join(home, '.cache'), { recursive: true });
  await mkdir(outside);
  await writeFile(join(outside, 'treasure'), 'gold');
  await chmod(join(outside, 'treasure'), 0o600);
  const fill = async (name: string) => {
    await mkdir(join(home, '.cache', name, 'deep'), { recursive: true });
    await writeFile(join(home, '.cache', name, 'deep', 'file'), 'text');
  };
  const give = async () => {
    if (root) assert.ok((await exec('chown', ['-hR', `${uid}:${uid}`, '--', home])).ok);
  };
  return { top, home, cache: join(home, '.cache'), outside, fill, give, caches: new ProcessHomeCaches(top) };
}

test('what builds fill is found, and nothing that a program may read when it runs', async (t) => {
  const { caches, cache, fill, give } = await homes(t);
  for (const name of ['npm', 'go-mod', 'pnpm', 'ms-playwright', 'yarn-berry', 'pip.0123456789ab.gone', 'mine.gone'])
    await fill(name);
  await symlink('/etc', join(cache, 'uv'));
  await give();
  assert.deepEqual(await caches.services(), [service]);
  const names = async () =>
    (await caches.folders(service)).map(({ path, kind }) => `${kind} ${path.slice(cache.length + 1)}`);
  const found = ['cache go-mod', 'cache npm', 'rest pip.0123456789ab.gone'];
  assert.deepEqual((await names()).toSorted(), [...found, 'cache pnpm'].toSorted());
  await mkdir(join(cache, 'pnpm/v10/links'), { recursive: true });
  assert.deepEqual((await names()).toSorted(), found, 'releases lead into a store for all projects');
});

test('a removal follows no link, and takes read-only folders too', async (t) => {
  const { caches, cache, outside, fill, give } = await homes(t);
  await fill('go-mod');
  await symlink(outside, join(cache, 'go-mod/out'));
  await symlink(join(outside, 'treasure'), join(cache, 'go-mod/deep/treasure'));
  await chmod(join(cache, 'go-mod/deep'), 0o555);
  await give();
  for (const folder of await caches.folders(service)) await caches.remove(service, folder);
  assert.deepEqual(await readdir(cache), []);
  assert.ok(existsSync(join(outside, 'treasure')));
});

test('only what it listed is removed: no other folder of the home, and no link in its place', async (t) => {
  const { caches, cache, home, outside, fill, give } = await homes(t);
  await fill('npm');
  await fill('keep');
  await give();
  for (const path of [join(cache, 'keep'), cache, home, outside, join(cache, 'npm/..')])
    await caches.remove(service, { path, kind: 'cache' });
  assert.deepEqual((await readdir(cache)).toSorted(), ['keep', 'npm']);
  await rm(cache, { recursive: true });
  await mkdir(join(outside, 'npm'));
  await symlink(outside, cache);
  assert.deepEqual(await caches.folders(service), []);
  await caches.remove(service, { path: join(cache, 'npm'), kind: 'cache' });
  assert.ok(existsSync(join(outside, 'npm')));
});

test('a service without a home has no caches', async (t) => {
  const { caches } = await homes(t);
  const other = serviceId({ project: 'shop', environment: 'production', service: 'none' });
  assert.deepEqual(await caches.folders(other), []);
});
