import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { DeployDocument, DeployedService, EventDocument } from '../../src/api/contract/types.ts';
import { get } from '../integration/edge-fixture.ts';
import { freePort } from '../free-port.ts';
import { type Files, stubbornApp, webApp } from './apps.ts';
import { leftovers } from './install.ts';
import { Stranger } from './stranger.ts';

/** A daemon that may make no networks: there is one of each port, and Kapal says what follows from that. */
describe('an app that ignores PORT, as an ordinary user', () => {
  let user: Stranger;
  let port = 0;
  before(async () => {
    user = await Stranger.arrive();
    await user.up('embedded');
  });
  after(() => user[Symbol.asyncDispose]());
  beforeEach(async () => void (port = await freePort()));

  test('undeclared: it goes live at the port on which it listens, it is told, and the next release is a gap that is told', async () => {
    const first = await deploy('plain', [{ name: 'plain' }], stubbornApp(port));
    assert.equal(first.outcome, 'live', JSON.stringify(first));
    assert.match(first.warnings?.join('\n') ?? '', new RegExp(`plain listens on port ${port} and ignores PORT`));
    assert.equal((await visit('plain')).body, 'here');
    assert.match(await events(), new RegExp(`plain listens on port ${port} and ignores PORT.*port: ${port}`));

    const refused = await user.run('scale', 'plain=2');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /port_insisted/);
    assert.match(refused.stderr, new RegExp(`always listens on port ${port}.*2 instances cannot run side by side`));
    assert.match(refused.stderr, /iproute2.*nftables/);

    const second = await deploy('plain', [{ name: 'plain' }], { ...stubbornApp(port), 'more.txt': 'two' });
    assert.equal(second.outcome, 'live');
    assert.match(await events(), new RegExp(`answered nothing for [\\d.]+ s: it always listens on port ${port}`));
    assert.equal((await visit('plain')).body, 'here');

    const reads = await deploy('plain', [{ name: 'plain' }], webApp('follows PORT'));
    assert.equal(reads.outcome, 'live');
    assert.deepEqual(reads.warnings ?? [], [], 'it corrects itself');
    assert.match(await events(), /plain listens on PORT from release 3 on/);
    assert.equal((await user.run('scale', 'plain=2')).code, 0);
    assert.equal((await visit('plain')).body, 'follows PORT');
    assert.equal((await user.run('project', 'remove', 'plain', '--yes')).code, 0);
  });

  test('two instances of it are refused, with the reason and the ways out, and nothing of them is left', async () => {
    const refused = await deploy('pair', [{ name: 'pair', numInstances: 2 }], stubbornApp(port));
    assert.equal(refused.outcome, 'failed');
    assert.equal(refused.error?.code, 'port_insisted');
    assert.match(
      refused.error?.message ?? '',
      new RegExp(`always listens on port ${port} and ignores PORT, so that 2`),
    );
    assert.match(refused.error?.message ?? '', /only a daemon that runs as root/);
    assert.match(refused.error?.hint ?? '', /read PORT.*one instance.*root/);
    assert.equal((await user.run('project', 'remove', 'pair', '--yes')).code, 0);
  });

  test('declared: two instances are refused before anything is built', async () => {
    const folder = await project('early', [{ name: 'early', port, numInstances: 2, buildCommand: 'exit 9' }], {});
    const ran = await user.run('deploy', folder);
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, new RegExp(`early: port: ${port}: 2 instances cannot share it here`));
    assert.doesNotMatch(ran.stderr, /build_failed/);
  });

  test('declared: it has PORT and the port, from the first release on', async () => {
    const live = await deploy('said', [{ name: 'said', port }], webApp('said'));
    assert.equal(live.outcome, 'live');
    assert.deepEqual(live.warnings ?? [], []);
    assert.equal((await visit('said', '/env/PORT')).body, String(port));
    const service = await user.service();
    assert.deepEqual(
      service.instances.map(({ address }) => address),
      [`127.0.0.1:${port}`],
    );
    assert.equal((await user.run('project', 'remove', 'said', '--yes')).code, 0);
  });

  test('the port is held by a stranger: who holds it is said', async () => {
    const stranger = createServer().listen(port, '127.0.0.1');
    try {
      const failed = await deploy('late', [{ name: 'late', port }], webApp('late'));
      assert.equal(failed.outcome, 'failed');
      assert.match(failed.error?.message ?? '', new RegExp(`port ${port}, on which late insists, is held by`));
    } finally {
      stranger.close();
    }
    assert.equal((await user.run('project', 'remove', 'late', '--yes')).code, 0);
  });

  test('two services of one repository that both insist on it: the second is refused, and names the first', async () => {
    const folder = await project('both', [{ name: 'one' }, { name: 'two' }], stubbornApp(port));
    const ran = await user.run('deploy', folder, '--json');
    assert.equal(ran.code, 1);
    const { services } = JSON.parse(ran.stdout) as DeployDocument;
    assert.deepEqual(services.map(({ outcome }) => outcome).toSorted(), ['failed', 'live']);
    const live = services.find(({ outcome }) => outcome === 'live');
    const failed = services.find(({ outcome }) => outcome === 'failed');
    assert.equal(failed?.error?.code, 'port_insisted');
    assert.match(
      failed?.error?.message ?? '',
      new RegExp(`port ${port}, which it wants whatever PORT says, is held by ${live?.service} of both`),
    );
    assert.equal((await user.run('project', 'remove', 'both', '--yes')).code, 0);
  });

  test('nothing is left', async () => {
    assert.equal((await user.run('down', '--apps')).code, 0);
    assert.deepEqual(leftovers(user), []);
  });

  async function deploy(name: string, services: readonly object[], files: Files): Promise<DeployedService> {
    const ran = await user.run('deploy', await project(name, services, files), '--json');
    const [service] = (JSON.parse(ran.stdout) as DeployDocument).services;
    assert.ok(service !== undefined, ran.stderr);
    return service;
  }

  async function project(name: string, services: readonly object[], files: Files): Promise<string> {
    const folder = join(user.home, name);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const usual = {
      type: 'web',
      runtime: 'node',
      buildCommand: '',
      startCommand: 'node server.js',
      maxShutdownDelaySeconds: 2,
    };
    const declared = { project: name, services: services.map((one) => ({ ...usual, ...one })) };
    for (const [path, text] of Object.entries({ 'kapal.yaml': JSON.stringify(declared), ...files }))
      await writeFile(join(folder, path), text);
    return folder;
  }

  function visit(name: string, path = '/') {
    return get(user.http, path, { headers: { host: `${name}.localhost` } });
  }

  async function events(): Promise<string> {
    const found = JSON.parse((await user.run('events', '--json')).stdout) as readonly EventDocument[];
    return found.map(({ message }) => message).join('\n');
  }
});
