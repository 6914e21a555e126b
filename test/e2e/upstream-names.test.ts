import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { EventDocument, ServiceDocument } from '../../src/api/contract/types.ts';
import { TestKapal, until } from './kapal.ts';

const name = 'app.internal.test';

/** A Kapal on a machine whose names are those of this file alone: in a mount namespace of its own it lies over /etc/hosts, and nobody is asked by DNS. */
async function startWithNames(
  engine: 'nginx' | 'embedded',
): Promise<{ kapal: TestKapal; setNames: (text: string) => Promise<void> }> {
  const kapal = await TestKapal.prepare();
  const [hosts, order] = [join(kapal.folder, 'hosts'), join(kapal.folder, 'nsswitch.conf')];
  const setNames = (text: string) => writeFile(hosts, `127.0.0.1 localhost\n${text}`);
  await setNames(`127.0.0.1 ${name}\n`);
  await writeFile(order, 'passwd: files\ngroup: files\nhosts: files\n');
  const over = 'mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/nsswitch.conf && shift 2 && exec "$@"';
  kapal.under = ['unshare', '--mount', 'sh', '-c', over, 'sh', hosts, order];
  kapal.edge = engine;
  try {
    await kapal.up();
  } catch (error) {
    await kapal.discard();
    throw error;
  }
  return { kapal, setNames };
}

/** An app that Kapal does not run. */
async function startUpstream(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((_, response) => response.end('here'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

for (const engine of ['nginx', 'embedded'] as const)
  describe(`upstreams that are named, over the edge ${engine}`, () => {
    test('ps and events say when a name does not resolve, and when it does again', async () => {
      await using upstream = await startUpstream();
      const { kapal: started, setNames } = await startWithNames(engine);
      await using kapal = started;
      const address = `${name}:${upstream.port}`;
      const told = async (kind: string) =>
        (await kapal.json<readonly EventDocument[]>(['events'])).flatMap((event) =>
          event.kind === kind && event.service === 'legacy' ? [event.message] : [],
        );
      const once = (holds: (service: ServiceDocument) => boolean) => kapal.serviceOnce('legacy', holds);

      const proxy = `project: shop\nservices: [{type: proxy, name: legacy, upstreams: [{address: "${address}"}]}]\n`;
      await kapal.deploy(await kapal.project('shop', { 'kapal.yaml': proxy }));
      await until('it answers', async () => (await kapal.visit('legacy.localhost')).body === 'here');
      assert.deepEqual((await once(({ status }) => status === 'running')).upstreams, [
        { address, weight: 1, state: 'up', problem: null },
      ]);
      assert.deepEqual(await told('endpoint.down'), []);

      await setNames('');
      const problem = `${name} does not resolve (ENOTFOUND)`;
      const without = await once(({ status }) => status === 'degraded');
      assert.deepEqual(without.upstreams, [{ address, weight: 1, state: 'down', problem }]);
      assert.ok((await kapal.run('ps')).stdout.includes(problem));
      assert.deepEqual(await told('endpoint.down'), [`upstream ${address} takes no requests: ${problem}`]);

      await setNames(`127.0.0.1 ${name}\n`);
      assert.equal((await once(({ status }) => status === 'running')).upstreams?.[0]?.state, 'up');
      assert.deepEqual(await told('endpoint.up'), [`upstream ${address} takes requests again`]);
      await until('it answers again', async () => (await kapal.visit('legacy.localhost')).body === 'here');
    });

    test('one that never resolved is told as well, also while another of the service answers', async () => {
      await using upstream = await startUpstream();
      const { kapal: started, setNames } = await startWithNames(engine);
      await using kapal = started;
      await setNames('');
      const addresses = [`${name}:${upstream.port}`, `127.0.0.1:${upstream.port}`];
      const list = addresses.map((address) => `{address: "${address}"}`).join(', ');
      const proxy = `project: shop\nservices: [{type: proxy, name: legacy, upstreams: [${list}]}]\n`;
      await kapal.deploy(await kapal.project('shop', { 'kapal.yaml': proxy }));
      const seen = await kapal.serviceOnce('legacy', ({ status }) => status === 'degraded');
      assert.deepEqual(
        seen.upstreams?.map(({ state }) => state),
        ['down', 'up'],
      );
      for (let count = 0; count < 6; count += 1) assert.equal((await kapal.visit('legacy.localhost')).body, 'here');
      await setNames(`127.0.0.1 ${name}\n`);
      await kapal.serviceOnce('legacy', ({ status }) => status === 'running');
    });
  });
