import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { FailureDocument } from '../../src/api/contract/types.ts';
import { webApp } from './apps.ts';
import { checkout, type Ran, TestKapal } from './kapal.ts';
import { freePort } from '../free-port.ts';

/** What is said and with which exit code, before anything is deployed: 2 wrong usage, 3 no daemon, 4 not allowed. */
describe('without a daemon', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.prepare();
  });
  after(async () => {
    await kapal.discard();
  });

  test('--version is the version of the package', async () => {
    const { version } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')) as { version: string };
    assert.deepEqual(await kapal.run('--version'), { code: 0, stdout: `${version}\n`, stderr: '' });
    assert.deepEqual(JSON.parse((await kapal.run('--version', '--json')).stdout), { version });
  });

  test('help lists every command of the design and explains each', async () => {
    const overview = await kapal.run('help');
    assert.equal(overview.code, 0);
    const commands = [
      'up',
      'down',
      'demo',
      'deploy',
      'plan',
      'ps',
      'logs',
      'releases',
      'rollback',
      'restart',
      'stop',
      'start',
      'scale',
    ];
    const more = [
      'env list',
      'env set',
      'env unset',
      'domain list',
      'domain add',
      'domain remove',
      'events',
      'open',
      'completion',
    ];
    for (const name of [...commands, ...more, 'service install', 'doctor', 'edge config', 'edge check']) {
      assert.match(overview.stdout, new RegExp(`^ +${name} `, 'm'));
    }
    const one = await kapal.run('help', 'deploy');
    assert.equal(one.code, 0);
    assert.match(one.stdout, /--branch/);
    assert.equal((await kapal.run('deploy', '--help')).stdout, one.stdout);
    assert.match((await kapal.run('help', 'env', 'set')).stdout, /KEY=-/);
  });

  test('an unknown command or option is refused with the nearest name', async () => {
    refused(await kapal.run('deplyo'), 2, [/no command deplyo/, /deploy/]);
    refused(await kapal.run('env', 'lits', 'api'), 2, [/lits/, /list/]);
    refused(await kapal.run('help', 'deplyo'), 2, [/deplyo/, /deploy/]);
    refused(await kapal.run('deploy', '--bransh', 'x'), 2, [/--bransh/, /--branch/]);
    refused(await kapal.run('ps', 'one', 'two'), 2, [/too many arguments/i, /kapal help ps/]);
    refused(await kapal.run('logs'), 2, [/missing.*service/i, /kapal help logs/]);
    refused(await kapal.run('scale', 'api=many'), 2, [/SERVICE=N/]);
    refused(await kapal.run('rollback', 'api', 'two'), 2, [/"two" is no number/, /kapal releases/]);
    refused(await kapal.run('deploy', join(kapal.folder, 'nowhere')), 2, [/not there/, /folder/]);
  });

  test('with --json what failed is one document on stdout', async () => {
    const ran = await kapal.run('deplyo', '--json');
    assert.equal(ran.code, 2);
    assert.equal(ran.stderr, '');
    const { error } = JSON.parse(ran.stdout) as FailureDocument;
    assert.deepEqual(Object.keys(error).sort(), ['code', 'hint', 'log', 'message']);
    assert.equal(error.code, 'usage');
  });

  test('no daemon: exit code 3 and how to start it', async () => {
    const folder = await kapal.project('shop', webApp('one'));
    for (const words of [
      ['ps'],
      ['deploy', folder],
      ['logs', 'shop', '-f'],
      ['edge', 'check'],
      ['down'],
      ['domain', 'add', 'shop', 'a.example'],
    ]) {
      refused(await kapal.run(...words), 3, [/no daemon answers/, new RegExp(`kapal up --data ${kapal.data}`)]);
    }
  });

  test('no token yet: said so', async () => {
    refused(await kapal.run('token'), 1, [/no token yet/, /kapal up/]);
  });
});

describe('over TCP', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
    await kapal.deploy(await kapal.project('shop', webApp('one')));
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  test('the token of the install lets in, and does all that the socket does', async () => {
    const token = (await kapal.run('token')).stdout.trim();
    const url = `http://127.0.0.1:${kapal.api}`;
    const remote = { KAPAL_API: url, KAPAL_TOKEN: token, KAPAL_DATA: join(kapal.folder, 'another') };
    const seen = await kapal.runWith({ env: remote }, 'ps', '--json');
    assert.deepEqual(JSON.parse(seen.stdout), await kapal.ps());
    const folder = await kapal.project('shop', webApp('two'));
    assert.equal((await kapal.runWith({ env: remote }, 'deploy', folder)).code, 0);
    assert.equal((await kapal.visit('shop.localhost')).body, 'two');
    assert.equal((await kapal.runWith({ env: { ...remote, KAPAL_API: `127.0.0.1:${kapal.api}` } }, 'ps')).code, 0);
  });

  test('a wrong or missing token is exit code 4', async () => {
    const url = `http://127.0.0.1:${kapal.api}`;
    refused(await kapal.runWith({ env: { KAPAL_API: url, KAPAL_TOKEN: 'wrong' } }, 'ps'), 4, [/token/, /kapal token/]);
    refused(await kapal.runWith({ env: { KAPAL_API: url } }, 'ps'), 4, [/KAPAL_TOKEN/, /kapal token/]);
    for (const headers of [undefined, { authorization: 'Bearer wrong' }]) {
      const answer = await fetch(`${url}/api/v1/services`, headers === undefined ? {} : { headers });
      assert.equal(answer.status, 401);
      assert.equal(((await answer.json()) as FailureDocument).error.code, 'unauthorized');
    }
  });

  test('nobody there is exit code 3', async () => {
    const env = { KAPAL_API: `http://127.0.0.1:${await freePort()}`, KAPAL_TOKEN: 'any' };
    refused(await kapal.runWith({ env }, 'ps'), 3, [/no daemon answers/]);
  });

  test('the API describes itself', async () => {
    const answer = await fetch(`http://127.0.0.1:${kapal.api}/api/openapi.json`);
    const document = (await answer.json()) as { openapi: string; paths: object };
    assert.match(document.openapi, /^3\.1/);
    assert.ok(Object.keys(document.paths).length > 15);
    const docs = await fetch(`http://127.0.0.1:${kapal.api}/api/docs`);
    assert.equal(docs.status, 200);
    assert.match(await docs.text(), /<html/i);
  });
});

/** `said` is looked for in the message and its hint, both for people. */
function refused(ran: Ran, code: number, said: readonly RegExp[]): void {
  assert.equal(ran.code, code, JSON.stringify(ran));
  assert.equal(ran.stdout, '');
  for (const words of said) assert.match(ran.stderr, words);
}
