import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { evaluate } from '../../src/daemon/conversion/evaluate.ts';
import { localFiles } from '../../src/daemon/conversion/local-files.ts';
import { KapalError } from '../../src/model/errors.ts';

/** Configurations of PM2 are programs. Here they are run as a user's import runs them, and try what they must not be able to do. */
let folder: string;
const root = process.getuid?.() === 0;

/** Where the copies are made: one that others reach into, as /tmp is. */
let ground: string;
const usual = process.env['TMPDIR'];

before(() => {
  ground = mkdtempSync(join(tmpdir(), 'kapal-config-'));
  chmodSync(ground, 0o711);
  process.env['TMPDIR'] = ground;
  folder = join(ground, 'shop');
  mkdirSync(folder);
});
after(() => {
  if (usual === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = usual;
  rmSync(ground, { recursive: true, force: true });
});

function run(text: string, more: { readonly file?: string; readonly timeout?: number } = {}): Promise<unknown> {
  const { file = 'ecosystem.config.js', timeout } = more;
  writeFileSync(join(folder, file), text);
  return evaluate({ files: localFiles(folder), file, folder, root, ...(timeout === undefined ? {} : { timeout }) });
}

async function refused(text: string, more: { readonly timeout?: number } = {}): Promise<string> {
  const error: unknown = await run(text, more).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof KapalError, String(error));
  assert.equal(error.code, 'declaration_invalid');
  assert.ok(error.hint !== null && error.hint.length > 0);
  return error.message;
}

describe('a configuration that is a program works', () => {
  test('in each form that PM2 takes', async () => {
    const apps = { apps: [{ name: 'a', script: 'b.js' }] };
    const text = JSON.stringify(apps);
    assert.deepEqual(await run(`module.exports = ${text}`), apps);
    assert.deepEqual(await run(`export default ${text}`), apps);
    assert.deepEqual(await run(`export default ${text}`, { file: 'ecosystem.config.mjs' }), apps);
    assert.deepEqual(await run(`module.exports = async () => (${text})`, { file: 'ecosystem.config.cjs' }), apps);
  });

  test('with its folder, its own modules, those of node_modules, os, and an empty environment', async () => {
    mkdirSync(join(folder, 'config'), { recursive: true });
    writeFileSync(join(folder, 'config/name.json'), '{"name": "ours"}');
    mkdirSync(join(folder, 'node_modules/@scope/naming'), { recursive: true });
    writeFileSync(join(folder, 'node_modules/@scope/naming/package.json'), '{"main": "main.js"}');
    writeFileSync(join(folder, 'node_modules/@scope/naming/main.js'), 'exports.twice = (text) => text + text;');
    const found = await run(`
      const { twice } = require('@scope/naming');
      const path = require('path');
      console.log('printed', process.env);
      module.exports = { apps: [{ name: twice(require('./config/name.json').name), cwd: __dirname, script: path.join(__dirname, 'a.js'),
        processors: require('os').cpus().length > 0, env: { KEY: process.env.KEY, HOME: process.env.HOME, all: Object.keys(process.env).length } }] }`);
    assert.deepEqual(found, {
      apps: [
        {
          name: 'oursours',
          cwd: folder,
          script: `${folder}/a.js`,
          processors: true,
          env: { KEY: null, HOME: null, all: 0 },
        },
      ],
    });
  });

  test('under any umask', async () => {
    const usualMask = process.umask(0o077);
    try {
      assert.deepEqual(await run(`module.exports = [require('./config/name.json').name]`), ['ours']);
    } finally {
      process.umask(usualMask);
    }
  });

  test('what it prints does not reach its answer', async () => {
    assert.deepEqual(
      await run('process.stdout.write("{\\"apps\\": 1}\\n"); module.exports = [1]; console.error("x")'),
      [1],
    );
  });
});

describe('a configuration that is a program cannot', () => {
  test('write a file', async () => {
    const target = join(tmpdir(), `kapal-written-${process.pid}`);
    assert.match(
      await refused(`\nrequire('fs').writeFileSync(${JSON.stringify(target)}, 'x')`),
      /^ecosystem\.config\.js:2:\d+: the configuration writes a file/,
    );
    await refused(`require('fs').writeFileSync(__dirname + '/x', 'x')`);
    await refused(`require('fs').symlinkSync('/etc', __dirname + '/etc')`);
    await refused(`require('fs').rmSync(__filename)`);
    assert.ok(!existsSync(target));
    assert.ok(!existsSync(join(folder, 'x')));
    assert.ok(existsSync(join(folder, 'ecosystem.config.js')));
  });

  test('read outside of its folder, by any way', async () => {
    assert.match(
      await refused(`module.exports = require('fs').readFileSync('/etc/passwd', 'utf8')`),
      /:1:\d+: the configuration reads a file outside/,
    );
    const secret = mkdtempSync(join(tmpdir(), 'kapal-secret-'));
    try {
      writeFileSync(join(secret, 'secret.json'), '"hunter2"', { mode: 0o644 });
      symlinkSync(join(secret, 'secret.json'), join(folder, 'link.json'));
      symlinkSync(secret, join(folder, 'linked'));
      for (const text of [
        `module.exports = require('./link.json')`,
        `module.exports = require('fs').readFileSync(__dirname + '/link.json', 'utf8')`,
        `module.exports = require('fs').readFileSync(__dirname + '/linked/secret.json', 'utf8')`,
        `module.exports = require('fs').readFileSync(${JSON.stringify(join(secret, 'secret.json'))}, 'utf8')`,
        `module.exports = require('fs').readFileSync('/proc/self/environ', 'utf8')`,
        `module.exports = require('fs').readdirSync('/')`,
      ])
        assert.doesNotMatch(await refused(text), /hunter2/);
    } finally {
      rmSync(secret, { recursive: true, force: true });
    }
  });

  test('read a file of secrets of its folder', async () => {
    writeFileSync(join(folder, '.env'), 'TOKEN=hunter2\n');
    assert.doesNotMatch(
      await refused(`module.exports = require('fs').readFileSync(__dirname + '/.env', 'utf8')`),
      /hunter2/,
    );
  });

  test('run a program, a thread or native code', async () => {
    assert.match(await refused(`require('child_process').execSync('id')`), /the configuration starts a program/);
    assert.match(await refused(`require('child_process').spawn('id')`), /starts a program/);
    assert.match(await refused(`new (require('worker_threads').Worker)('1', {eval: true})`), /starts a thread/);
    assert.match(await refused(`process.dlopen({exports: {}}, '/lib/x.node')`), /loads a native module/);
  });

  test('be root', { skip: !root && 'only root has it to give up' }, async () => {
    assert.deepEqual(await run('module.exports = [process.getuid(), process.getgid(), process.getgroups()]'), [
      65_534,
      65_534,
      [65_534],
    ]);
    assert.match(await refused('process.setuid(0)'), /the configuration failed: .*EPERM/);
  });

  test('loop for ever', async () => {
    assert.match(await refused('for (;;);', { timeout: 1000 }), /did not end within 1 s/);
    assert.match(
      await refused('module.exports = new Promise(() => setInterval(() => {}, 1000))', { timeout: 1000 }),
      /did not end within 1 s/,
    );
  });

  test('print without end, or answer without measure', async () => {
    // Whichever bound it meets first: what nobody has read yet lies in its memory.
    assert.match(
      await refused('for (;;) console.log("x".repeat(10000))', { timeout: 2000 }),
      /did not end within|prints, or exports, more than 1 MiB|needs more than 128 MiB of memory/,
    );
    assert.match(await refused('module.exports = "x".repeat(5e6)'), /prints, or exports, more than 1 MiB/);
  });

  test('take all memory, in V8’s heap or beside it', async () => {
    assert.match(
      await refused('const all = []; for (;;) all.push(new Array(1e6).fill({}))'),
      /needs more than 128 MiB of memory/,
    );
    assert.match(
      await refused('const all = []; for (;;) all.push(Buffer.alloc(1e7, 1))'),
      /memory|allocation|did not end/i,
    );
  });

  test('pass off its own end as an answer', async () => {
    assert.match(await refused('process.exit(0)'), /ended before it exported anything/);
    assert.match(
      await refused('process.stdout.write("\\n" + "0".repeat(32) + "{}\\n"); process.exit(0)'),
      /ended before it exported anything/,
    );
    assert.match(await refused('process.kill(process.pid, "SIGKILL")'), /memory|ended before/);
  });
});

test('one that fails says where', async () => {
  assert.match(
    await refused('\n  throw new Error("no database")'),
    /^ecosystem\.config\.js:2:9: the configuration failed: no database$/,
  );
  assert.match(
    await refused('module.exports = {\n apps: [\n oops }'),
    /^ecosystem\.config\.js:3:\d+: the configuration failed: Unexpected token/,
  );
  assert.match(await refused('require("dotenv").config()'), /the configuration failed: Cannot find module 'dotenv'/);
  assert.match(await refused('module.exports = require("./nowhere.js")'), /Cannot find module '\.\/nowhere\.js'/);
});

test('nothing stays behind', () => {
  assert.deepEqual(
    readdirSync(ground).filter((name) => name.startsWith('kapal-import-')),
    [],
  );
});
