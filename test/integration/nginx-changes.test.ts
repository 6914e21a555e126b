import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Pool } from '../../src/edge/pool.ts';
import type { Route, RouteTable } from '../../src/edge/port.ts';
import { get, Load, startBackend, tableTo } from './edge-fixture.ts';
import { proxyPool } from '../conformance/edge.ts';
import { makeCertificate } from './nginx-certificates.ts';
import { NginxGround } from './nginx-ground.ts';

/** So many hosts, each with a pool of its own over the port; `a.localhost` is one more. */
function manyDomains(version: number, count: number, port: number): RouteTable {
  const routes: Route[] = [{ host: 'a.localhost', path: '/', pool: 'p' }];
  const pools: Pool[] = [proxyPool('p', [port])];
  for (let number = 0; number < count; number += 1) {
    routes.push({ host: `site-${number}.example.com`, path: '/', pool: `pool-${number}` });
    pools.push(proxyPool(`pool-${number}`, [port]));
  }
  return { version, routes, pools, streams: [] };
}

/** Clock ticks that a process has used: fields 14 and 15 of proc(5)'s stat. */
function ticksOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

describe('changes of what nginx serves', () => {
  test('fifty tables and twenty certificates reload nothing, and fail no request', async () => {
    await using ground = await NginxGround.make();
    await using backend = await startBackend((_, response) => response.end('ok'));
    const edge = ground.edge();
    const { workers } = await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    const load = new Load(ground.port);
    for (let version = 2; version <= 51; version += 1)
      await edge.apply(tableTo(version, version % 2 === 0 ? [backend.port, backend.port] : [backend.port]));
    for (let number = 0; number < 20; number += 1)
      await edge.present([await makeCertificate(['a.localhost', `n${number}.localhost`])]);
    await load.answered(20);
    await load.stop();
    assert.deepEqual(load.failures, []);
    const after = await edge.ensure();
    assert.deepEqual(
      after.workers.map(({ pid, version }) => ({ pid, version })),
      workers.map(({ pid }) => ({ pid, version: 51 })),
    );
  });

  test('five thousand domains fit, each answers, and one more is a small change', async () => {
    await using ground = await NginxGround.make();
    await using backend = await startBackend((_, response) => response.end('ok'));
    const edge = ground.edge();
    const { workers } = await edge.ensure();
    await edge.apply(manyDomains(1, 5000, backend.port));
    for (const host of ['site-0.example.com', 'site-4999.example.com'])
      assert.equal((await get(ground.port, '/', { headers: { host } })).body, 'ok');
    assert.equal((await get(ground.port, '/', { headers: { host: 'site-5000.example.com' } })).status, 404);
    const before = workers.reduce((sum, { pid }) => sum + ticksOf(pid), 0);
    await edge.apply(manyDomains(2, 5001, backend.port));
    const used = workers.reduce((sum, { pid }) => sum + ticksOf(pid), 0) - before;
    assert.equal((await get(ground.port, '/', { headers: { host: 'site-5000.example.com' } })).body, 'ok');
    // Hundredths of a second; far above what a delta takes, far below what a walk over the whole table or a reload would.
    assert.ok(used <= 20, `${used} ticks`);
    for (const { residentBytes } of (await edge.status()).workers)
      assert.ok(residentBytes < 130 * 1024 * 1024, `${residentBytes} bytes`);
    await edge.stop(1000);
    await edge.ensure();
    assert.equal((await get(ground.port, '/', { headers: { host: 'site-5000.example.com' } })).body, 'ok');
  });

  test('a table that has no room is refused and told, and what was served is served on, also after a start', async () => {
    await using ground = await NginxGround.make();
    await using backend = await startBackend((_, response) => response.end('ok'));
    const edge = ground.edge({ tableMemory: 1 });
    await edge.ensure();
    await edge.apply(manyDomains(1, 10, backend.port));
    await assert.rejects(edge.apply(manyDomains(2, 5000, backend.port)), { code: 'edge_failed' });
    const check = async (version: number): Promise<void> => {
      assert.deepEqual(new Set((await edge.status()).workers.map((worker) => worker.version)), new Set([version]));
      for (let number = 0; number < 10; number += 1)
        assert.equal((await get(ground.port, '/', { headers: { host: `site-${number}.example.com` } })).body, 'ok');
      assert.equal((await get(ground.port, '/', { headers: { host: 'site-10.example.com' } })).status, 404);
    };
    await check(1);
    await edge.stop(1000);
    await edge.ensure();
    await check(1);
    await edge.apply(manyDomains(3, 10, backend.port));
    await check(3);
  });

  test('a driver that knows nothing of the last changes goes on from them', async () => {
    await using ground = await NginxGround.make();
    await using backend = await startBackend((_, response) => response.end('ok'));
    const edge = ground.edge();
    await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    const next = ground.edge();
    await next.ensure();
    await next.apply(tableTo(2, []));
    assert.equal((await get(ground.port)).status, 503);
    // The first one's idea of what nginx holds is old by now.
    await edge.apply(tableTo(3, [backend.port]));
    assert.equal((await get(ground.port)).body, 'ok');
  });

  test('a private stream is refused, not ignored', async () => {
    await using ground = await NginxGround.make();
    const edge = ground.edge();
    const table = tableTo(1, [], { streams: [{ port: 20_000, pool: 'p' }] });
    await assert.rejects(edge.apply(table), { code: 'edge_failed' });
  });
});
