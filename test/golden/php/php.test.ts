import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { BuildRecipe } from '../../../src/model/build-recipe.ts';
import { outcomeOf } from '../../unit/spec/recipe-of.ts';

const laravel = outcomeOf({
  artisan: '',
  'composer.json': '{"require":{"laravel/framework":"^11"}}',
  'public/index.php': '',
}).recipe;
const wordpress = outcomeOf({ 'index.php': '', 'wp-load.php': '', 'wp-config-sample.php': '' }).recipe;

/** Compares with the file; KAPAL_GOLDEN=write writes it instead. */
async function golden(name: string, text: string): Promise<void> {
  const path = fileURLToPath(new URL(name, import.meta.url));
  if (process.env['KAPAL_GOLDEN'] === 'write') await writeFile(path, text);
  assert.equal(text, await readFile(path, 'utf8'));
}

function textOf({ files }: BuildRecipe, path: string): string {
  return files.find((file) => file.path === path)?.text ?? assert.fail(`no file ${path}`);
}

/** As the supervisor puts its values in. */
const values: Readonly<Record<string, string>> = {
  HOST: '127.0.0.1',
  PORT: '20001',
  ROOT: '/srv/app/public',
  TIMEOUT: '100',
  PATIENCE: '110',
  CHILDREN: '10',
  BEGIN: '2',
  SPARE: '5',
};
const filled = (text: string): string => text.replaceAll(/@([A-Z]+)@/g, (_, name: string) => values[name] ?? '');

describe('what serves PHP, as it is written into a release', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'kapal-golden-php-'))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** What it prints goes to a file: php-fpm opens its stderr again, which a socket does not allow. */
  const said = (program: string, args: readonly string[]): string => {
    const path = join(folder, 'said');
    const file = openSync(path, 'w');
    const { status } = spawnSync(program, args, { cwd: folder, stdio: ['ignore', file, file] });
    closeSync(file);
    const text = readFileSync(path, 'utf8');
    assert.equal(status, 0, `${program}: ${text}`);
    return text;
  };

  for (const [name, recipe] of [
    ['laravel', laravel],
    ['wordpress', wordpress],
  ] as const) {
    test(`${name}: nginx`, async () => {
      const text = textOf(recipe, '.kapal/nginx.conf');
      await golden(`${name}.nginx.conf`, text);
      writeFileSync(join(folder, 'nginx.conf'), filled(text));
      said('nginx', ['-t', '-q', '-e', 'stderr', '-p', `${folder}/`, '-c', 'nginx.conf']);
    });

    test(`${name}: the router of PHP's own server`, async () => {
      const text = textOf(recipe, '.kapal/router.php');
      await golden(`${name}.router.php`, text);
      writeFileSync(join(folder, 'router.php'), text);
      said('php', ['-n', '-l', 'router.php']);
    });

    test(`${name}: the supervisor`, async () => {
      const text = textOf(recipe, '.kapal/serve');
      await golden(`${name}.serve.sh`, text);
      writeFileSync(join(folder, 'serve'), text);
      said('/bin/sh', ['-n', 'serve']);
    });
  }

  test('php-fpm, the same for all', async () => {
    const text = textOf(laravel, '.kapal/fpm.conf');
    assert.equal(text, textOf(wordpress, '.kapal/fpm.conf'));
    await golden('fpm.conf', text);
    const program = readdirSync('/usr/sbin').find((name) => name.startsWith('php-fpm'));
    assert.ok(program !== undefined, 'php-fpm is installed');
    const more = process.getuid?.() === 0 ? 'user = nobody\ngroup = nogroup\n' : '';
    writeFileSync(join(folder, 'fpm.conf'), filled(text) + more);
    assert.equal(said(program, ['-n', '-t', '--fpm-config', join(folder, 'fpm.conf')]), '');
  });
});
