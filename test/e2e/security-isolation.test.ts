import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { ServiceDocument } from '../../src/api/contract/types.ts';
import { checkout, TestKapal } from './kapal.ts';
import { processesOf, text } from './install.ts';

const root = process.getuid?.() === 0;

/** Does on request what an intruder in a service would try, and answers how it went: `ok`, or the code of the system's error. */
const intruder = `
const { createServer, request } = require('node:http');
const fs = require('node:fs');
const tries = {
  read: (path) => String(fs.readFileSync(path)).length,
  list: (path) => fs.readdirSync(path).length,
  write: (path) => fs.writeFileSync(path, 'x'),
  kill: (pid) => process.kill(Number(pid), 0),
  status: () => fs.readFileSync('/proc/self/status', 'utf8'),
};
createServer((incoming, response) => {
  const asked = new URL(incoming.url, 'http://x');
  const [act, on] = [asked.pathname.slice(1), asked.searchParams.get('on')];
  if (act === 'connect') {
    const outgoing = request({ socketPath: on, path: '/api/v1/status' }, (answer) => response.end('ok ' + answer.statusCode));
    outgoing.on('error', (error) => response.end(error.code));
    return outgoing.end();
  }
  try { response.end(act === 'up' ? '' : act in tries ? 'ok ' + tries[act](on) : ''); } catch (error) { response.end(error.code); }
}).listen(Number(process.env.PORT), process.env.HOST);
`;

describe('services are apart', () => {
  let kapal: TestKapal;
  before(async () => void (kapal = await TestKapal.start()));
  afterEach(() => kapal.clear());
  after(() => kapal[Symbol.asyncDispose]());

  test('each runs as a user of its own without privileges, and reaches neither its neighbour nor the daemon', {
    skip: root ? false : 'separate users need root',
  }, async () => {
    const service = (name: string) => [
      '  - type: web',
      `    name: ${name}`,
      '    runtime: node',
      '    buildCommand: echo build $(id -u) $(grep CapEff /proc/self/status)',
      '    preDeployCommand: echo predeploy $(id -u)',
      '    startCommand: node server.js',
      '    envVars: [{key: TOKEN, generateValue: true}]',
    ];
    await kapal.deploy(
      await kapal.project('shop', {
        'kapal.yaml': ['project: shop', 'services:', ...service('one'), ...service('two'), ''].join('\n'),
        'server.js': intruder,
        'secret.txt': 'of the code',
      }),
    );
    const attempt = async (act: string, on = '') =>
      (await kapal.visit('one.localhost', `/${act}?on=${encodeURIComponent(on)}`)).body;

    const status = await attempt('status');
    const uid = Number(/Uid:\t(\d+)/.exec(status)?.[1]);
    assert.ok(uid > 0 && uid < 65_534);
    for (const field of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      assert.match(status, new RegExp(`${field}:\\t0+\\n`), field);
    assert.match(status, /NoNewPrivs:\t1/);
    assert.match(status, /Groups:\t\s*\n/, 'no supplementary groups');

    const said = (await kapal.run('logs', 'one')).stdout;
    assert.match(said, new RegExp(`build ${uid} CapEff: 0+\\b`), said);
    assert.match(said, new RegExp(`predeploy ${uid}\\b`), said);

    const two = await kapal.service('two');
    const there = processesOf(kapal).find(({ role, run }) => role === 'app' && run?.startsWith('two-') === true);
    assert.ok(there !== undefined && there.uid !== uid && there.uid !== 0);
    const own = join(
      kapal.data,
      'releases/shop/production/one',
      readdirSync(join(kapal.data, 'releases/shop/production/one'))[0] ?? '',
      'secret.txt',
    );
    assert.match(await attempt('read', own), /^ok/, 'its own code');
    for (const path of neighbour(kapal, two)) assert.match(await attempt('read', path), /^EACCES$/, path);
    for (const path of [`/proc/${there.pid}/environ`, `/proc/${kapal.daemon?.pid}/environ`, '/etc/shadow'])
      assert.match(await attempt('read', path), /^EACCES$/, path);
    for (const path of [
      'record',
      'logs',
      'keys',
      'sources',
      'git',
      'runs',
      'edge',
      'homes/shop/production/two',
      'releases/shop/production/two/',
    ]) {
      if (!path.endsWith('/')) assert.match(await attempt('list', join(kapal.data, path)), /^EACCES$/, path);
      assert.match(await attempt('write', join(kapal.data, path, 'planted')), /^EACCES$/, path);
    }
    for (const path of ['planted', 'releases/planted', 'homes/planted', 'toolchain/planted'])
      assert.match(await attempt('write', join(kapal.data, path)), /^EACCES$/, path);
    for (const pid of [
      there.pid,
      kapal.daemon?.pid,
      ...processesOf(kapal)
        .filter(({ role }) => role === 'edge' || role === 'keeper')
        .map(({ pid }) => pid),
    ]) {
      assert.equal(await attempt('kill', String(pid)), 'EPERM');
    }
    assert.equal(await attempt('connect', join(kapal.data, 'kapal.sock')), 'EACCES');

    for (const { pid, uid: owner, role, command } of processesOf(kapal)) {
      if (role === 'app' || /worker\.ts/.test(command))
        assert.notEqual(owner, 0, `${role} ${pid} runs as root: ${command}`);
      if (/worker\.ts/.test(command)) assert.match(text(`/proc/${pid}/status`), /CapEff:\t0+\n/);
    }
  });

  test('the data folder is closed where it has to be, and another user of the machine is told so', async () => {
    await kapal.deploy(await kapal.project('site', { 'index.html': 'hello' }));
    for (const folder of ['record', 'logs', 'keys', 'sources', 'git', 'runs'])
      assert.equal(mode(join(kapal.data, folder)), 0o700, folder);
    for (const file of [
      'kapal.sock',
      'keys/api-token',
      ...readdirSync(join(kapal.data, 'keys')).map((name) => `keys/${name}`),
      'logs/daemon.log',
    ])
      assert.equal(mode(join(kapal.data, file)), 0o600, file);
    for (const name of readdirSync(join(kapal.data, 'record')))
      assert.ok(
        (mode(join(kapal.data, 'record', name)) & 0o077) === 0 || mode(join(kapal.data, 'record')) === 0o700,
        name,
      );
    assert.equal(mode(join(kapal.data, 'homes')) & 0o022, 0);
    if (!root) return;
    for (const args of [['ps'], ['deploy', '/nowhere'], ['token']]) {
      const ran = await asStranger(kapal, args);
      assert.notEqual(ran.code, 0);
      if (args[0] === 'ps') assert.equal(ran.code, 4, ran.stderr);
      assert.doesNotMatch(ran.stdout, /kapal_/);
    }
  });
});

/** Files of the other service that hold its code, its home and its output. */
function neighbour(kapal: TestKapal, two: ServiceDocument): string[] {
  const releases = join(kapal.data, 'releases/shop/production/two');
  const [instance] = two.instances;
  const runs = readdirSync(join(kapal.data, 'runs/runs')).filter((name) => name.startsWith(`${instance?.id}.`));
  assert.ok(runs.length > 0);
  return [
    ...readdirSync(releases).map((name) => join(releases, name, 'secret.txt')),
    ...runs.map((name) => join(kapal.data, 'runs/runs', name, 'log')),
    join(kapal.data, 'record/record.db'),
    join(kapal.data, 'keys/api-token'),
    join(kapal.data, 'logs/daemon.log'),
  ];
}

function mode(path: string): number {
  return statSync(path).mode & 0o777;
}

function asStranger(
  kapal: TestKapal,
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', KAPAL_DATA: kapal.data };
  return new Promise((resolve) => {
    execFile(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', '--', join(checkout, 'kapal'), ...args],
      { env, cwd: '/', timeout: 500_000 },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 255, stdout, stderr }),
    );
  });
}
