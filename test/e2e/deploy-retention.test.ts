import assert from 'node:assert/strict';
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { FailureDocument, ReleaseDocument } from '../../src/api/contract/types.ts';
import { webApp } from './apps.ts';
import { TestKapal, until } from './kapal.ts';

test('of 12 deploys the last 10 releases are kept, with their artifacts; what is older is gone from disk', async () => {
  await using kapal = await TestKapal.start();
  const artifacts = join(kapal.data, 'releases', 'shop', 'production', 'shop');
  const deploy = async (version: number) => kapal.deploy(await kapal.project('shop', webApp(`version ${version}`)));
  const numbers = async () =>
    (await kapal.json<readonly ReleaseDocument[]>(['releases', 'shop'])).map(({ release }) => release);
  const folders = async () => (await readdir(artifacts)).sort();
  await deploy(1);
  const [oldest = ''] = await folders();
  for (let version = 2; version <= 12; version += 1) await deploy(version);
  await until('10 artifacts are left', async () => (await folders()).length === 10);
  assert.deepEqual(await numbers(), [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
  await assert.rejects(access(join(artifacts, oldest)), { code: 'ENOENT' });

  const { error } = await kapal.json<FailureDocument>(['rollback', 'shop', '2'], 1);
  assert.equal(error.code, 'not_found');
  assert.match(error.hint ?? '', /It can go back to: 11, 10, 9, 8, 7, 6, 5, 4, 3\./);

  await kapal.json(['rollback', 'shop', '3']);
  assert.equal((await kapal.visit('shop.localhost')).body, 'version 3', 'the oldest that is kept still works');
  assert.deepEqual((await numbers()).slice(0, 2), [13, 12]);

  // The artifact of release 3 is in use by release 13, however old its own release gets.
  for (let version = 14; version <= 15; version += 1) await deploy(version);
  await kapal.json(['rollback', 'shop', '13']);
  assert.equal((await kapal.visit('shop.localhost')).body, 'version 3');
  assert.ok((await folders()).length <= 10);
});
