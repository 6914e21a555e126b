import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { checkFolders, checkTable } from '../../../src/edge/check.ts';
import { describeTable } from '../../../src/edge/describe-table.ts';
import { TablePublisher } from '../../../src/edge/embedded/publisher.ts';
import { readTable } from '../../../src/edge/embedded/table-file.ts';
import type { ProxyPool, StaticPool } from '../../../src/edge/pool.ts';
import type { RouteTable } from '../../../src/edge/port.ts';

const api: ProxyPool = {
  kind: 'proxy',
  id: 'api',
  service: 'shop/production/api',
  balance: 'least-connections',
  endpoints: [
    { id: 'i1', host: '127.0.0.1', port: 20001, weight: 1 },
    { id: 'i2', host: '127.0.0.1', port: 20002, weight: 2 },
  ],
  maxBodySize: 1000,
  responseTimeout: 60_000,
  idleTimeout: null,
  rewriteHost: true,
};
const site: StaticPool = {
  kind: 'static',
  id: 'site',
  service: 'shop/production/site',
  root: '/srv/site',
  fallback: 'index.html',
};
const sound: RouteTable = {
  version: 4,
  routes: [
    { host: '*.example.com', path: '/', pool: 'site' },
    { host: 'b.example.com', path: '/', pool: 'site' },
    { host: 'b.example.com', path: '/api', pool: 'api' },
  ],
  pools: [site, api, { ...api, id: 'empty', endpoints: [], idleTimeout: 1000, rewriteHost: false }],
  streams: [{ port: 21000, pool: 'api' }],
};

describe('check', () => {
  test('a sound table has no problem', () => {
    assert.deepEqual(checkTable(sound), []);
  });

  test('each fault is named with its place', () => {
    const cases: readonly (readonly [change: Partial<RouteTable>, problem: RegExp])[] = [
      [{ version: -1 }, /version -1/],
      [
        { routes: [...sound.routes, { host: 'b.example.com', path: '/api', pool: 'site' }] },
        /b\.example\.com\/api is there twice/,
      ],
      [{ routes: [{ host: 'B.example.com', path: '/', pool: 'api' }] }, /B\.example\.com.*host/],
      [{ routes: [{ host: 'b.example.com:80', path: '/', pool: 'api' }] }, /host/],
      [{ routes: [{ host: 'b.example.com', path: 'api', pool: 'api' }] }, /path/],
      [{ routes: [{ host: 'b.example.com', path: '/a?b', pool: 'api' }] }, /path/],
      [{ routes: [{ host: 'b.example.com', path: '/', pool: 'gone' }] }, /no pool gone/],
      [{ pools: [...sound.pools, api] }, /pool api is there twice/],
      [
        {
          pools: [{ ...api, endpoints: [api.endpoints[0], api.endpoints[0]].filter((one) => one !== undefined) }, site],
        },
        /endpoint i1 is there twice/,
      ],
      [
        { pools: [site, { ...api, endpoints: [{ id: 'x', host: '127.0.0.1', port: 70_000, weight: 1 }] }] },
        /port 70000/,
      ],
      [{ pools: [site, { ...api, endpoints: [{ id: 'x', host: '', port: 1, weight: 1 }] }] }, /no host/],
      [{ pools: [site, { ...api, endpoints: [{ id: 'x', host: 'h', port: 1, weight: 0 }] }] }, /weight 0/],
      [{ pools: [site, { ...api, responseTimeout: 0 }] }, /responseTimeout/],
      [{ pools: [api, { ...site, root: 'relative' }] }, /not absolute/],
      [{ pools: [api, { ...site, fallback: '../secret' }] }, /fallback/],
      [{ streams: [{ port: 0, pool: 'api' }] }, /between 1 and 65535/],
      [{ streams: [{ port: 21_000, pool: 'site' }] }, /needs endpoints/],
      [{ streams: [{ port: 21_000, pool: 'gone' }] }, /no pool gone/],
      [
        {
          streams: [
            { port: 21_000, pool: 'api' },
            { port: 21_000, pool: 'empty' },
          ],
        },
        /port 21000 is there twice/,
      ],
    ];
    for (const [change, problem] of cases) assert.match(checkTable({ ...sound, ...change }).join('\n'), problem);
  });

  test('folders are looked at on the disk', async () => {
    assert.deepEqual(await checkFolders({ ...sound, pools: [{ ...site, root: tmpdir() }] }), []);
    assert.match((await checkFolders({ ...sound, pools: [{ ...site, root: '/absent/site' }] })).join(), /not there/);
    assert.match(
      (await checkFolders({ ...sound, pools: [{ ...site, root: import.meta.filename }] })).join(),
      /no folder/,
    );
  });
});

test('the text for people lists routes as they win', () => {
  assert.equal(
    describeTable(sound),
    `route table, version 4

routes
  b.example.com/api -> api
  b.example.com/ -> site
  *.example.com/ -> site

private ports
  127.0.0.1:21000 -> api

pools
  api (shop/production/api): least-connections, bodies up to 1000 bytes, first answer within 60000 ms, any silence, told its own address as Host
    under overload so much is passed on as is answered, the rest 503
    i1 127.0.0.1:20001 weight 1
    i2 127.0.0.1:20002 weight 2
  empty (shop/production/api): least-connections, bodies up to 1000 bytes, first answer within 60000 ms, silence up to 1000 ms
    no endpoint: answers 503
    under overload so much is passed on as is answered, the rest 503
  site (shop/production/site): files of /srv/site, else index.html
`,
  );
});

describe('publishing', () => {
  test('a burst is written and pushed in two rounds, the newest last', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kapal-table-'));
    try {
      const path = join(folder, 'table.json');
      const pushed: number[] = [];
      const publisher = new TablePublisher(path, (json) => {
        // On disk before it is pushed: a worker that starts now must not miss it.
        const { version } = JSON.parse(json) as RouteTable;
        assert.equal(readTable(path).version, version);
        pushed.push(version);
        return Promise.resolve();
      });
      const first = publisher.publish({ ...sound, version: 1 });
      await Promise.resolve();
      await Promise.resolve();
      await Promise.all([first, ...[2, 5, 3, 4].map((version) => publisher.publish({ ...sound, version }))]);
      assert.ok(pushed.length <= 2, pushed.join());
      assert.equal(pushed.at(-1), 5);
      await publisher.publish({ ...sound, version: 4 });
      assert.equal(readTable(path).version, 5);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a push that fails fails those who wait for it, and not the next', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kapal-table-'));
    try {
      let broken = true;
      const publisher = new TablePublisher(join(folder, 'table.json'), () =>
        broken ? Promise.reject(new Error('no worker')) : Promise.resolve(),
      );
      await assert.rejects(publisher.publish(sound), /no worker/);
      broken = false;
      await publisher.publish({ ...sound, version: 5 });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
