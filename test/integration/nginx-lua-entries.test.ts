import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { askControl } from '../../src/edge/nginx/control.ts';
import { edgeFolder } from '../../src/edge/nginx/folder.ts';
import { proxyPool } from '../conformance/edge.ts';
import { get, startBackend, tableTo } from './edge-fixture.ts';
import { until } from '../patience.ts';
import { NginxGround } from './nginx-ground.ts';

interface Change {
  readonly base: number | null;
  readonly version: number;
  readonly set?: Readonly<Record<string, string>>;
  readonly delete?: readonly string[];
}

/** Posts to the control socket; status and parsed body. */
async function post(ground: NginxGround, change: Change, path = '/entries'): Promise<[number, unknown]> {
  const answer = await askControl(edgeFolder(ground.folder), { path, body: JSON.stringify(change) });
  assert.equal(answer.kind, 'answered');
  return answer.kind === 'answered' ? [answer.status, JSON.parse(answer.body)] : [0, null];
}

function entriesTo(port: number, service = 'p'): Readonly<Record<string, string>> {
  return {
    [`pool:${service}`]: JSON.stringify(proxyPool(service, [port])),
    'route:a.localhost': JSON.stringify([{ path: '', pool: service }]),
  };
}

/** A running nginx whose shared memory for entries has so many mebibytes. */
async function running(tableMemory = 16): Promise<NginxGround> {
  const ground = await NginxGround.make();
  await ground.edge({ tableMemory }).ensure();
  return ground;
}

describe('entries in the shared memory of nginx', () => {
  test('a change needs the version that is held; an older one is answered and ignored', async () => {
    await using ground = await running();
    await using backend = await startBackend((_, response) => response.end('ok'));
    assert.deepEqual(await post(ground, { base: null, version: 5, set: entriesTo(backend.port) }), [
      200,
      { version: 5 },
    ]);
    assert.equal((await get(ground.port)).body, 'ok');
    assert.deepEqual(await post(ground, { base: 4, version: 6, set: {} }), [409, { version: 5 }]);
    assert.deepEqual(await post(ground, { base: null, version: 3, set: {} }), [200, { version: 5 }]);
    assert.equal((await get(ground.port)).body, 'ok');
    assert.deepEqual(await post(ground, { base: 5, version: 6, delete: ['route:a.localhost'] }), [200, { version: 6 }]);
    assert.equal((await get(ground.port)).status, 404);
  });

  test('a replacement removes what it does not name', async () => {
    await using ground = await running();
    await using backend = await startBackend((_, response) => response.end('ok'));
    await post(ground, {
      base: null,
      version: 1,
      set: { ...entriesTo(backend.port), 'route:b.localhost': '[{"path":"","pool":"p"}]' },
    });
    assert.equal((await get(ground.port, '/', { headers: { host: 'b.localhost' } })).status, 200);
    await post(ground, { base: null, version: 2, set: entriesTo(backend.port) });
    assert.equal((await get(ground.port, '/', { headers: { host: 'b.localhost' } })).status, 404);
    assert.equal((await get(ground.port)).status, 200);
  });

  test('what is no change, or of no known kind, is refused whole', async () => {
    await using ground = await running();
    for (const body of ['no JSON', '[]', '{"version":1}', '{"base":null,"version":1}']) {
      const answer = await askControl(edgeFolder(ground.folder), { path: '/entries', body });
      assert.equal(answer.kind === 'answered' ? answer.status : answer.kind, 400, body);
    }
    const strange = { base: null, version: 1, set: { 'pool:p': '{}', generation: '7' } };
    assert.equal((await post(ground, strange))[0], 400);
    assert.equal((await post(ground, { base: 0, version: 1, set: { 'cert:a': '"x"' } }))[0], 400);
    assert.deepEqual(await post(ground, { base: 0, version: 1, set: {} }), [200, { version: 1 }]);
  });

  test('what has no room changes nothing', async () => {
    await using ground = await running(1);
    await using backend = await startBackend((_, response) => response.end('ok'));
    await post(ground, { base: null, version: 1, set: entriesTo(backend.port) });
    const large = Object.fromEntries(
      Array.from({ length: 3000 }, (_, i) => [
        `route:site-${i}.localhost`,
        JSON.stringify([{ path: `/${'x'.repeat(400)}`, pool: 'p' }]),
      ]),
    );
    const other = { ...entriesTo(1, 'q'), ...large };
    assert.deepEqual(await post(ground, { base: 1, version: 2, set: other, delete: ['pool:p'] }), [
      507,
      { version: 1 },
    ]);
    assert.equal((await get(ground.port)).body, 'ok');
    assert.deepEqual(
      await post(ground, { base: 1, version: 2, set: { 'route:b.localhost': '[{"path":"","pool":"p"}]' } }),
      [200, { version: 2 }],
    );
    assert.equal((await get(ground.port, '/', { headers: { host: 'b.localhost' } })).body, 'ok');
    assert.equal((await get(ground.port, '/', { headers: { host: 'site-0.localhost' } })).status, 404);
  });

  test('changes at once are taken one after the other', async () => {
    await using ground = await running();
    await post(ground, { base: null, version: 1, set: {} });
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        post(ground, { base: 1, version: 2, set: { [`route:h${i}.localhost`]: '[]' } }),
      ),
    );
    const statuses = answers.map(([status]) => status);
    assert.equal(statuses.filter((status) => status === 200).length, 1);
    assert.equal(statuses.filter((status) => status === 409).length, 7);
  });

  test('a worker that is killed leaves nothing behind: its places are free, and what it had under way is not counted', async () => {
    await using ground = await NginxGround.make();
    let waiting = 0;
    await using backend = await startBackend((request, response) => {
      if (request.url !== '/wait') return void response.end('ok');
      waiting += 1;
    });
    const edge = ground.edge();
    await edge.ensure();
    const pool = { ...proxyPool('p', [backend.port]), maxConnections: 3 };
    await edge.apply(tableTo(1, [backend.port], { pools: [pool] }));
    const held = Array.from({ length: 3 }, () => get(ground.port, '/wait').catch(() => null));
    await until('three are there', () => waiting === 3);
    assert.equal((await get(ground.port)).status, 503);
    for (const { pid } of (await edge.status()).workers) process.kill(pid, 'SIGKILL');
    await Promise.all(held);
    await until('there is room', async () => (await get(ground.port).catch(() => null))?.status === 200);
    assert.equal((await edge.inFlight()).size, 0);
  });
});
