import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { EdgeGround, get, startBackend, tableTo } from './edge-fixture.ts';
import { hang, until } from '../patience.ts';

describe('what the embedded edge serves', () => {
  test('files, with ranges, conditions and the fallback', async () => {
    await using ground = await EdgeGround.make();
    const root = join(ground.root, 'site');
    mkdirSync(join(root, 'docs'), { recursive: true });
    writeFileSync(join(root, 'index.html'), 'app');
    writeFileSync(join(root, 'docs', 'index.html'), 'docs');
    writeFileSync(join(root, 'big.bin'), Buffer.alloc(300_000, 'x'));
    const edge = ground.edge();
    await edge.ensure();
    const pool = { kind: 'static', id: 'p', service: 'a/b/site', root, fallback: 'index.html' } as const;
    await edge.apply(tableTo(1, [], { pools: [pool] }));

    const first = await get(ground.port, '/');
    assert.deepEqual([first.status, first.body], [200, 'app']);
    assert.equal((await get(ground.port, '/', { headers: { 'if-none-match': first.headers.etag ?? '' } })).status, 304);
    assert.equal((await get(ground.port, '/docs?a=b')).headers.location, '/docs/?a=b');
    assert.equal((await get(ground.port, '/any/where', { headers: { accept: 'text/html' } })).body, 'app');
    const part = await get(ground.port, '/big.bin', { headers: { range: 'bytes=299990-' } });
    assert.deepEqual([part.status, part.body, part.headers['content-length']], [206, 'xxxxxxxxxx', '10']);
    assert.equal((await get(ground.port, '/big.bin')).body.length, 300_000);
    assert.equal((await get(ground.port, '/.env')).status, 404);
    assert.equal((await get(ground.port, '/%2e%2e/%2e%2e/etc/passwd')).status === 200, false);
  });

  test('a host that nobody declared gets the page', async () => {
    await using ground = await EdgeGround.make();
    await ground.edge().ensure();
    const answer = await get(ground.port, '/', { headers: { host: 'unknown.localhost', accept: 'text/html' } });
    assert.equal(answer.status, 404);
    assert.match(answer.body, /<p lang="id">/);
  });

  test('requests are found in the access log as JSON', async () => {
    await using ground = await EdgeGround.make();
    await using backend = await startBackend((_, response) => response.end('hello'));
    const edge = ground.edge();
    await edge.ensure();
    await edge.apply(tableTo(1, [backend.port]));
    await get(ground.port, '/first?x=1', { headers: { 'user-agent': 'tester' } });
    await get(ground.port, '/second');
    const lines = (): Record<string, unknown>[] =>
      [0, 1].flatMap((slot) =>
        readFileSync(join(ground.folder, 'log', `access-${slot}.log`), { encoding: 'utf8', flag: 'a+' })
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as Record<string, unknown>),
      );
    await until('both lines', () => lines().length === 2);
    const line = lines().find((found) => found['target'] === '/first?x=1');
    assert.ok(line !== undefined);
    assert.equal(line['status'], 200);
    assert.equal(line['service'], 'test/production/p');
    assert.equal(line['upstream'], 'p1');
    assert.equal(line['host'], 'a.localhost');
    assert.equal(line['outcome'], 'complete');
    assert.match(String(line['time']), /^\d{4}-\d\d-\d\dT.*Z$/);
  });

  test('a table of 5,000 routes is applied in little time', async () => {
    await using ground = await EdgeGround.make();
    const edge = ground.edge();
    await edge.ensure();
    const numbers = Array.from({ length: 5000 }, (_, index) => index);
    const big = tableTo(1, []);
    const [model] = big.pools;
    assert.ok(model !== undefined);
    const table = {
      ...big,
      routes: numbers.map((number) => ({ host: `s${number}.example.com`, path: '/', pool: `p${number}` })),
      pools: numbers.map((number) => ({ ...model, id: `p${number}` })),
    };
    await edge.apply(table);
    const began = performance.now();
    await edge.apply({ ...table, version: 2 });
    const took = performance.now() - began;
    assert.ok(took < hang, `${took} ms`);
    assert.equal((await get(ground.port, '/', { headers: { host: 's4999.example.com' } })).status, 503);
  });

  test('an idle worker stays under 90 MB', async () => {
    await using ground = await EdgeGround.make();
    const edge = ground.edge();
    await edge.ensure();
    const { workers } = await edge.status();
    for (const { residentBytes } of workers) assert.ok(residentBytes < 90e6, `${residentBytes}`);
  });
});
