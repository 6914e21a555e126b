import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../../src', import.meta.url));
const lib = join(source, 'lib/crashpoint.ts');

/** A process that passes points and says after each that it lives. */
function passing(
  points: readonly string[],
  environment: Readonly<Record<string, string>>,
): { said: string; signal: string | null } {
  const calls = points.map((point) => `crashpoint('${point}'); process.stdout.write('${point} ');`).join('');
  const program = `import { armCrashpoints, crashpoint } from '${lib}'; armCrashpoints(process.env); ${calls}`;
  const { stdout, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    env: environment,
    encoding: 'utf8',
  });
  return { said: stdout.trim(), signal };
}

describe('crash points', () => {
  test('do nothing unless they are armed', () => {
    assert.deepEqual(passing(['a.b', 'c.d'], {}), { said: 'a.b c.d', signal: null });
  });

  test('end the process at the wanted pass, and note what was passed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kapal-crashpoint-'));
    try {
      const file = join(folder, 'passed');
      const more = { KAPAL_CRASHPOINT: 'a.b@2', KAPAL_CRASHPOINTS_PASSED: file };
      assert.deepEqual(passing(['a.b', 'c.d', 'a.b', 'e.f'], more), { said: 'a.b c.d', signal: 'SIGKILL' });
      assert.equal(readFileSync(file, 'utf8'), 'a.b\nc.d\na.b\n');
      assert.deepEqual(passing(['a.b'], { KAPAL_CRASHPOINT: 'a.b' }), { said: '', signal: 'SIGKILL' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('have a name each, once in the source', () => {
    const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    const names = files.flatMap((name) =>
      [...readFileSync(join(source, name), 'utf8').matchAll(/\bcrashpoint\('([^']+)'\)/g)].map(
        (found) => found[1] ?? '',
      ),
    );
    assert.ok(names.length >= 60, `${names.length}`);
    assert.deepEqual(
      names.filter((name, index) => names.indexOf(name) !== index),
      [],
    );
    for (const name of names) assert.match(name, /^[a-z]+(\.[a-z]+){1,3}$/);
  });
});
