import assert from 'node:assert/strict';
import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { rustServer } from '../corpus/rust.ts';
import { TestKapal } from './kapal.ts';

const cargo = (more = '') => `[package]\nname = "sumur"\nversion = "0.1.0"\nedition = "2021"\n${more}`;

/** Debian's cargo and rustc, which need nothing but the standard library here. */
describe('a program in Rust', () => {
  test('is built, and its release holds the program without what cargo made beside it', async () => {
    await using kapal = await TestKapal.start();
    const deploy = async (files: Readonly<Record<string, string>>) => kapal.project('sumur', files);
    await kapal.deploy(await deploy({ 'Cargo.toml': cargo(), 'src/main.rs': rustServer('sumur') }));
    assert.equal((await kapal.visit('sumur.localhost')).body, 'sumur');
    assert.deepEqual(await made(kapal), ['release', 'release/sumur']);

    // What cargo compiled of the second must not be taken for the first, whose files are older.
    for (const words of ['sumur baru', 'sumur']) {
      await kapal.deploy(await deploy({ 'Cargo.toml': cargo(), 'src/main.rs': rustServer(words) }));
      assert.equal((await kapal.visit('sumur.localhost')).body, words);
    }

    const declared =
      'services:\n  - {type: web, name: sumur, buildCommand: cargo build --release, startCommand: ./target/release/sumur}\n';
    await kapal.deploy(
      await deploy({ 'kapal.yaml': declared, 'Cargo.toml': cargo(), 'src/main.rs': rustServer('sumur kedua') }),
    );
    assert.equal((await kapal.visit('sumur.localhost')).body, 'sumur kedua');
    const held = await made(kapal);
    assert.ok(held.includes('release/sumur') && !held.some((path) => /\/(?:deps|build|incremental)$/.test(path)));

    const wrong = { 'Cargo.toml': cargo(), 'src/main.rs': 'fn main() { let port: u16 = "x"; }\n' };
    const [failed] = (await kapal.deployFailing(await deploy(wrong))).services;
    assert.equal(failed?.error?.code, 'build_failed');
    assert.match(failed.error.log?.join('\n') ?? '', /src\/main\.rs:1:\d+/);
    const tooNew = { 'Cargo.toml': cargo('rust-version = "9.0"\n'), 'src/main.rs': rustServer('x') };
    const [refused] = (await kapal.deployFailing(await deploy(tooNew))).services;
    assert.equal(refused?.error?.code, 'toolchain_missing');
    assert.match(
      refused.error.message,
      /^rustc 9\.0 or later \(rust-version of sumur\) is asked for, and this machine has rustc 1\./,
    );
    assert.equal((await kapal.visit('sumur.localhost')).body, 'sumur kedua');
  });
});

/** What lies in `target` of the release that runs. */
async function made(kapal: TestKapal): Promise<readonly string[]> {
  const [instance] = (await kapal.service('sumur')).instances.filter(({ state }) => state === 'ready');
  const release = await readlink(`/proc/${instance?.pid}/cwd`);
  return (await readdir(join(release, 'target'), { recursive: true })).toSorted();
}
