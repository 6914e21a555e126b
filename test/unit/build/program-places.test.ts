import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findProgram } from '../../../src/build/host/programs.ts';
import type { ProgramRequirement } from '../../../src/model/build-recipe.ts';

/** Programs that tell their version, as several installs of one language lie on a machine. */
describe('a program that may lie beside PATH', () => {
  let top: string;
  before(async () => {
    top = await mkdtemp(join(tmpdir(), 'kapal-test-programs-'));
    await place('usr/bin/lang', "echo 'lang version lang1.19.8 linux/amd64'");
    await place('lib/lang-1.21/bin/lang', "echo 'lang version lang1.21.4 linux/amd64'");
    await place('lib/lang-1.22/bin/lang', "echo 'lang version lang1.22 linux/amd64'");
    await symlink('lang-1.22', join(top, 'lib/lang-default'));
    await place('lib/lang-broken/bin/lang', 'exit 3');
    await place('jvm/java-8/bin/javac', "echo 'javac 1.8.0_292' >&2");
    await place('jvm/java-21/bin/javac', "echo 'javac 21'");
  });
  after(() => rm(top, { recursive: true, force: true }));

  async function place(path: string, does: string): Promise<void> {
    const file = join(top, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `#!/bin/sh\n${does}\n`);
    await chmod(file, 0o755);
  }

  const lang = (range: string): ProgramRequirement => ({
    kind: 'program',
    program: 'lang',
    packages: ['lang'],
    why: 'a test needs it',
    places: [join(top, 'lib/lang-*/bin')],
    version: { args: ['version'], range, said: `${range} (a file)`, also: [] },
  });
  const path = () => join(top, 'usr/bin');

  test('is that of PATH where it will do', async () => {
    assert.deepEqual(await findProgram(lang('>=1.18'), path()), { place: null, home: join(top, 'usr') });
  });

  test('is the newest of the others that will do, by the folder that links lead to', async () => {
    assert.equal((await findProgram(lang('>=1.20'), path())).place, join(top, 'lib/lang-1.22/bin'));
    assert.equal((await findProgram(lang('~1.21'), path())).place, join(top, 'lib/lang-1.21/bin'));
    assert.equal((await findProgram(lang('~1.21'), '')).home, join(top, 'lib/lang-1.21'));
  });

  test('is refused with all versions that are here, and where it is looked for', async () => {
    await assert.rejects(findProgram(lang('>=2'), path()), {
      code: 'toolchain_missing',
      message: 'lang >=2 (a file) is asked for, and this machine has lang 1.19.8, lang 1.21.4, lang 1.22.0',
      hint: `Install that version where Kapal looks for it (PATH, ${join(top, 'lib/lang-*/bin')}), or change what asks for it, and deploy again.`,
    });
  });

  test('is missed by its packages where it lies nowhere', async () => {
    const need: ProgramRequirement = { ...lang('*'), program: 'gone' };
    await assert.rejects(findProgram(need, path()), {
      message: 'gone is not installed on this machine, and a test needs it',
      hint: /apt-get install lang\)/,
    });
  });

  test('tells a version of one number, and the one that Java 8 has', async () => {
    const javac = (range: string): ProgramRequirement => ({
      ...lang(range),
      program: 'javac',
      places: [join(top, 'jvm/*/bin')],
    });
    assert.equal((await findProgram(javac('>=17'), path())).home, join(top, 'jvm/java-21'));
    assert.equal((await findProgram(javac('>=1.8.0 <11'), path())).home, join(top, 'jvm/java-8'));
  });
});
