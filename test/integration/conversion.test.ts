import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { localFiles } from '../../src/daemon/conversion/local-files.ts';
import { readDeclaration } from '../../src/spec/read.ts';

/** The commands as people run them: another process, a folder of theirs, no daemon. */
const checkout = join(import.meta.dirname, '../..');
let ground: string;
let folder: string;

before(() => {
  ground = mkdtempSync(join(tmpdir(), 'kapal-conversion-'));
});
after(() => rmSync(ground, { recursive: true, force: true }));
beforeEach(() => {
  folder = mkdtempSync(join(ground, 'shop-'));
  put('package.json', '{"scripts": {"start": "node server.js"}}');
});

function put(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

function kapal(...args: readonly string[]): {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
} {
  const env = { ...process.env, KAPAL_LANG: 'en', TOKEN: 'hunter2' };
  const { status, stdout, stderr } = spawnSync(
    join(checkout, 'scripts/node24'),
    [join(checkout, 'src/main.ts'), ...args],
    { cwd: folder, env, encoding: 'utf8' },
  );
  return { code: status, out: stdout, err: stderr };
}

describe('somebody comes from PM2', () => {
  const config = `module.exports = { apps: [{
  name: 'api',
  script: __dirname + '/server.js',
  instances: 2,
  watch: true,
  env: { PORT: 3000, TOKEN: process.env.TOKEN },
}] };\n`;

  test('looks first, then writes, and a deploy takes what was written', () => {
    put('ecosystem.config.js', config);
    const looked = kapal('import', 'pm2');
    assert.equal(looked.code, 0, looked.err);
    assert.match(looked.err, /^refused: ecosystem\.config\.js:5:3: apps\[0\]\.watch: /m);
    assert.ok(!existsSync(join(folder, 'kapal.yaml')));
    const { code, out, err } = kapal('import', 'pm2', '--write');
    assert.deepEqual([code, out], [0, `Written: ${folder}/kapal.yaml\n`], err);
    assert.equal(readFileSync(join(folder, 'kapal.yaml'), 'utf8'), looked.out);
    // Of the surroundings nothing came along.
    assert.ok(!looked.out.includes('hunter2'));
    const spec = readDeclaration(localFiles(folder), { name: 'shop' });
    assert.deepEqual(spec.warnings, []);
    assert.deepEqual(
      spec.services.map(({ name, instances, commands, variables }) => ({
        name,
        instances,
        start: commands.start,
        variables,
      })),
      [
        {
          name: 'api',
          instances: 2,
          start: 'node server.js',
          variables: [{ key: 'TOKEN', value: { kind: 'prompt' } }],
        },
      ],
    );
  });

  test('a kapal.yaml that is there stays, unless --force', () => {
    put('ecosystem.config.js', config);
    put('kapal.yaml', 'mine');
    const { code, err } = kapal('import', 'pm2', '--write');
    assert.equal(code, 1);
    assert.match(err, /kapal\.yaml is there already \(conflict\)[^]*--force/);
    assert.equal(readFileSync(join(folder, 'kapal.yaml'), 'utf8'), 'mine');
    assert.equal(kapal('import', 'pm2', '--write', '--force').code, 0);
    assert.match(readFileSync(join(folder, 'kapal.yaml'), 'utf8'), /^# Written by kapal import pm2/);
  });

  test('a link in the way of a file is not followed', () => {
    put('ecosystem.config.js', config);
    const elsewhere = join(ground, 'elsewhere');
    writeFileSync(elsewhere, 'theirs');
    symlinkSync(elsewhere, join(folder, 'kapal.yaml'));
    assert.equal(kapal('import', 'pm2', '--write').code, 1);
    assert.equal(kapal('import', 'pm2', '--write', '--force').code, 0);
    assert.equal(readFileSync(elsewhere, 'utf8'), 'theirs');
    assert.ok(lstatSync(join(folder, 'kapal.yaml')).isFile());
  });

  test('a configuration that fails is refused without a stack trace', () => {
    put('ecosystem.config.js', '\nthrow new Error("no");\n');
    const { code, out, err } = kapal('import', 'pm2', '--json');
    assert.equal(code, 2);
    assert.equal(err, '');
    const { error } = JSON.parse(out) as { error: { code: string; message: string } };
    assert.equal(error.code, 'declaration_invalid');
    assert.match(error.message, /^ecosystem\.config\.js:2:\d+: the configuration failed: no$/);
  });
});

describe('what is read', () => {
  test('the file may be named; without one, it is said which were looked for', () => {
    put('my.json', '[{"script": "server.js", "name": "a"}]');
    const { code, out } = kapal('import', 'pm2', 'my.json', '--json');
    assert.equal(code, 0);
    const { declaration, notes } = JSON.parse(out) as { declaration: string; notes: readonly { file: string }[] };
    assert.match(declaration, /name: a/);
    assert.ok(notes.every(({ file }) => file === 'my.json'));
    const none = kapal('import', 'compose');
    assert.equal(none.code, 2);
    assert.match(none.err, /has none of compose\.yaml, compose\.yml, /);
    assert.equal(kapal('import', 'compose', 'nowhere').code, 2);
  });

  test('nothing outside of the folder, by a link or by its name', () => {
    writeFileSync(join(ground, 'outside.env'), 'OUTSIDE=1\n');
    symlinkSync(join(ground, 'outside.env'), join(folder, 'linked.env'));
    mkdirSync(join(folder, 'inner'));
    put('inner/real.env', 'INSIDE=1\n');
    symlinkSync('inner/real.env', join(folder, 'inside.env'));
    put('compose.yaml', 'services: {api: {build: ., env_file: [linked.env, ../outside.env, inside.env]}}\n');
    const { code, out } = kapal('import', 'compose');
    assert.equal(code, 0);
    assert.match(out, /INSIDE/);
    assert.doesNotMatch(out, /OUTSIDE/);
    assert.deepEqual(localFiles(folder).list('../'), []);
    assert.equal(localFiles(folder).read('inner'), null);
  });
});

describe('export', () => {
  test('writes its files into a folder that it makes, from what was detected too', () => {
    put('Procfile', 'web: npm start\nclock: node clock.js\n');
    const { code, out } = kapal('export', 'systemd', '--out', 'units/new', '--project', 'shop');
    assert.equal(code, 0);
    assert.deepEqual(out.trim().split('\n'), [
      `Written: ${folder}/units/new/shop-shop.service`,
      `Written: ${folder}/units/new/shop-clock.service`,
    ]);
    assert.match(
      readFileSync(join(folder, 'units/new/shop-clock.service'), 'utf8'),
      /ExecStart=\/bin\/sh -c "node clock\.js"/,
    );
    assert.equal(kapal('export', 'systemd', '--out', 'units/new', '--project', 'shop').code, 1);
  });

  test('a declaration that is wrong is refused as a deploy refuses it', () => {
    put('kapal.yaml', 'services:\n  - type: web\n    nam: x\n');
    const { code, err } = kapal('export', 'nginx');
    assert.equal(code, 2);
    assert.match(err, /kapal\.yaml:3:5: services\[0\]\.nam: unknown field, did you mean name\?/);
  });
});
