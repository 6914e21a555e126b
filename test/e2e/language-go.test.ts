import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { goServer } from '../corpus/go.ts';
import { TestKapal } from './kapal.ts';

const mod = (go: string) => `module github.com/ada/warung\n\ngo ${go}\n`;

/** Debian's Go, which needs nothing but the standard library here. */
describe('a program in Go', () => {
  test('is built, built again, and left as it was by a build that fails', async () => {
    await using kapal = await TestKapal.start();
    const deploy = async (files: Readonly<Record<string, string>>) => kapal.project('warung', files);
    const files = (name: string) => ({
      'go.mod': mod('1.19'),
      'cmd/warung/main.go': goServer(name),
      'cmd/seed/main.go': 'package main\n\nfunc main() {}\n',
      'static/menu.txt': 'soto',
    });
    await kapal.deploy(await deploy(files('warung')));
    assert.equal((await kapal.visit('warung.localhost', '/menu')).body, 'warung at /menu');
    await kapal.deploy(await deploy(files('warung baru')));
    assert.equal((await kapal.visit('warung.localhost', '/')).body, 'warung baru at /');

    const wrong = { ...files('x'), 'cmd/warung/main.go': goServer('x').replace('os.Getenv("PORT")', 'port') };
    const [failed] = (await kapal.deployFailing(await deploy(wrong))).services;
    assert.deepEqual([failed?.outcome, failed?.error?.code], ['failed', 'build_failed']);
    assert.match(failed?.error?.log?.join('\n') ?? '', /cmd\/warung\/main\.go:13:\d+: undefined: port/);
    assert.equal((await kapal.visit('warung.localhost', '/')).body, 'warung baru at /');

    const [refused] = (await kapal.deployFailing(await deploy({ ...files('x'), 'go.mod': mod('1.99') }))).services;
    assert.equal(refused?.error?.code, 'toolchain_missing');
    assert.match(
      refused.error.message,
      /^go 1\.99 or later \(the go line of go\.mod\) is asked for, and this machine has go 1\.\d+\.\d+/,
    );
    assert.match(refused.error.hint ?? '', /\/usr\/local\/go\/bin/);
  });
});
