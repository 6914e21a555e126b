import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { GarbageDocument } from '../../src/api/contract/types.ts';
import { exec } from '../../src/lib/exec.ts';
import { TestKapal } from './kapal.ts';

const long = new Date(Date.now() - 72 * 60 * 60_000);

/** A service that is installed by pnpm of that version, and started by the same. */
function app(name: string, version: string, said: string): Record<string, string> {
  return {
    'kapal.yaml': `project: ${name}\nservices:\n  - {type: web, name: ${name}, runtime: node, startCommand: pnpm start}\n`,
    'package.json': JSON.stringify({
      name,
      private: true,
      packageManager: `pnpm@${version}`,
      scripts: { build: 'node --version', start: 'node server.js' },
    }),
    'pnpm-lock.yaml': "lockfileVersion: '9.0'\nimporters:\n  .: {}\n",
    'server.js': `require('node:http').createServer((_, response) => response.end('${said}')).listen(process.env.PORT)`,
  };
}

test('what builds left goes when nothing needs it: programs, caches, rests; what a release needs stays', async () => {
  await using kapal = await TestKapal.start();
  const toolchain = join(kapal.data, 'toolchain');
  const collect = (...flags: readonly string[]) => kapal.json<GarbageDocument>(['gc', ...flags]);
  const kindsOf = ({ items }: GarbageDocument) =>
    items
      .filter(({ kind }) => ['tool', 'cache', 'rest'].includes(kind))
      .map(({ kind, path }) => `${kind} ${path.slice(kapal.data.length + 1)}`)
      .toSorted();

  await kapal.deploy(await kapal.project('two', app('two', '9.14.4', 'two')));
  await kapal.deploy(await kapal.project('one', app('one', '9.15.0', 'one')));
  const home = join(kapal.data, 'homes/one/production/one');
  const { uid, gid } = await stat(home);
  await mkdir(join(home, '.cache/npm.0123456789ab.gone'), { recursive: true });
  await exec('chown', ['-hR', `${uid}:${gid}`, '--', join(home, '.cache')]);
  await mkdir(join(kapal.data, 'homes/three/production/three/.cache/npm'), { recursive: true });
  await writeFile(join(kapal.data, 'homes/three/production/three/.cache/npm/packed'), Buffer.alloc(3_000_000, 1));
  await mkdir(join(toolchain, 'pnpm-9.0.0.0123456789ab.part/home'), { recursive: true });
  for (const name of ['pnpm-9.14.4', 'pnpm-9.15.0', 'pnpm-9.0.0.0123456789ab.part'])
    await utimes(join(toolchain, name), long, long);

  const half = [
    'cache homes/three/production/three/.cache/npm',
    'rest homes/one/production/one/.cache/npm.0123456789ab.gone',
    'rest toolchain/pnpm-9.0.0.0123456789ab.part',
  ];
  const before = await collect('--dry-run');
  assert.deepEqual(kindsOf(before), half, 'what both services need is not among it');
  assert.ok(before.bytes >= 3_000_000, 'its size is told');
  assert.ok(existsSync(join(toolchain, 'pnpm-9.0.0.0123456789ab.part')), 'a look deletes nothing');

  assert.equal((await kapal.run('project', 'remove', 'two', '--yes')).code, 0);
  assert.ok(!existsSync(join(kapal.data, 'homes/two/production/two')), 'its caches go with it, at once');
  const found = await kapal.run('gc', '--dry-run');
  assert.match(found.stdout, /^tool +[\d.]+ MiB +\S+pnpm-9\.14\.4 +no kept release was built with it/m);
  const collected = await collect();
  assert.deepEqual(kindsOf(collected), [...half, 'tool toolchain/pnpm-9.14.4']);
  assert.deepEqual((await readdir(toolchain)).filter((name) => name.startsWith('pnpm')).toSorted(), [
    'pnpm-9.15.0',
    'pnpm-default',
  ]);
  assert.deepEqual(kindsOf(await collect()), [], 'what was collected is gone');

  assert.equal((await kapal.run('restart', 'one')).code, 0);
  assert.equal((await kapal.visit('one.localhost')).body, 'one', 'what serves has what it was built with');
  await kapal.deploy(await kapal.project('two', app('two', '9.14.4', 'two again')));
  assert.equal((await kapal.visit('two.localhost')).body, 'two again', 'what is needed again is brought again');
});
