import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ErrorDocument } from '../../../src/model/errors.ts';
import type { InitialDeclaration } from '../../../src/cli/host.ts';
import { run } from './running.ts';

/** A folder of these files, named `shop`. */
async function source(files: Readonly<Record<string, string>>): Promise<{ path: string } & AsyncDisposable> {
  const top = await mkdtemp(join(tmpdir(), 'kapal-init-'));
  const path = join(top, 'shop');
  await mkdir(path);
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  return { path, [Symbol.asyncDispose]: () => rm(top, { recursive: true, force: true }) };
}

const node = { 'package.json': '{"scripts":{"start":"node server.js"}}' };
const guessed = `# Written by kapal init from package.json: without this file, kapal deploy does the same.

project: shop
services:
  - type: web
    name: shop
    runtime: node # package.json: it is there
    startCommand: npm start # package.json: its start script
`;

describe('kapal init', () => {
  test('writes what was guessed, once; --force guesses again from the other files; without a daemon', async () => {
    await using shop = await source(node);
    const file = join(shop.path, 'kapal.yaml');
    const first = await run(['init', shop.path]);
    assert.deepEqual([first.code, first.out, first.err], [0, `Written: ${file}\n`, '']);
    assert.equal(await readFile(file, 'utf8'), guessed);
    assert.equal((await stat(file)).mode & 0o777, 0o644);

    await writeFile(file, 'services: [{type: web, name: mine, startCommand: x}]\n');
    const again = await run(['init', shop.path]);
    assert.equal(again.code, 1);
    assert.match(again.err, /kapal\.yaml is there already/);
    assert.match(again.err, /--force/);
    assert.match(await readFile(file, 'utf8'), /mine/);

    assert.equal((await run(['init', '--force', shop.path])).code, 0);
    assert.equal(await readFile(file, 'utf8'), guessed, 'the file itself is no source of the guess');
  });

  test('--stdout prints and writes nothing, whatever is there; --json is one document', async () => {
    await using shop = await source({ ...node, 'kapal.yaml': 'damaged: [' });
    const printed = await run(['init', '--stdout', shop.path]);
    assert.deepEqual([printed.code, printed.out, printed.err], [0, guessed, '']);
    const { out } = await run(['init', '--stdout', '--json', shop.path]);
    const { told, ...document } = JSON.parse(out) as InitialDeclaration;
    assert.deepEqual(document, { project: 'shop', declaration: guessed, warnings: [] });
    assert.deepEqual(told[1], {
      service: 'shop',
      field: 'startCommand',
      file: 'package.json',
      line: null,
      why: 'its start script',
    });
    assert.equal(await readFile(join(shop.path, 'kapal.yaml'), 'utf8'), 'damaged: [');
    await rm(join(shop.path, 'kapal.yaml'));
    const written = JSON.parse((await run(['init', '--json', shop.path])).out) as InitialDeclaration;
    assert.equal(written.written, join(shop.path, 'kapal.yaml'));
    assert.equal((await run(['init', '--stdout', '--force', shop.path])).code, 2);
  });

  test('a kapal.yml stays the one that is read', async () => {
    await using shop = await source({ ...node, 'kapal.yml': 'services: []\n' });
    assert.match((await run(['init', shop.path])).err, /kapal\.yml is there already/);
    assert.equal((await run(['init', '--force', shop.path])).out, `Written: ${join(shop.path, 'kapal.yml')}\n`);
    assert.equal(await readFile(join(shop.path, 'kapal.yml'), 'utf8'), guessed);
  });

  test('a link of that name is not followed', async () => {
    await using shop = await source({ ...node, other: 'mine\n' });
    await symlink('other', join(shop.path, 'kapal.yaml'));
    assert.equal((await run(['init', shop.path])).code, 1);
    assert.equal((await run(['init', '--force', shop.path])).code, 0);
    assert.equal(await readFile(join(shop.path, 'other'), 'utf8'), 'mine\n');
    assert.equal(await readFile(join(shop.path, 'kapal.yaml'), 'utf8'), guessed);
  });

  test('beside a render.yaml nothing is guessed, and where nothing is seen it says so as detect does', async () => {
    await using declared = await source({ ...node, 'render.yaml': 'services: []\n' });
    assert.match((await run(['init', declared.path])).err, /render\.yaml declares this folder[^]*kapal import render/);
    await using empty = await source({ Dockerfile: 'FROM nginx\n' });
    const [init, detect] = [await run(['init', empty.path]), await run(['detect', empty.path])];
    assert.deepEqual([init.code, init.err], [detect.code, detect.err]);
    const { error } = JSON.parse((await run(['init', '--json', empty.path])).out) as { error: ErrorDocument };
    assert.equal(error.code, 'nothing_to_deploy');
    assert.equal((await run(['init', join(empty.path, 'gone')])).code, 2);
  });

  test('what does not come along is said on stderr', async () => {
    await using shop = await source({ ...node, 'app.json': '{"stack": "heroku-24", "env": {"A": "1"}}' });
    const { code, out, err } = await run(['init', '--stdout', shop.path]);
    assert.equal(code, 0);
    assert.match(err, /^warning: app\.json:1:2: stack: the system is that of your own server/);
    assert.match(out, /\{ key: A, value: "1" \} # app\.json:1: env\.A/);
  });
});
