import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { InstanceRow, ServiceRow } from '../../../src/state/records.ts';
import { type RoutedService, routesOf } from '../../../src/reconcile/routing.ts';
import { instance, release, service, spec } from '../state/sample.ts';

const ready = (change: Partial<InstanceRow> = {}) => instance({ state: 'ready', since: 700, ...change });

function routed(change: Partial<RoutedService> = {}, row: Partial<ServiceRow> = {}): RoutedService {
  return {
    service: service({ stopped: false, ...row }),
    current: release(),
    domains: [],
    endpoints: [ready()],
    changesHands: false,
    secrets: { stickyKey: null, users: [] },
    transport: () => ({}),
    ...change,
  };
}

const edgeOf = (change: Partial<typeof spec.edge>) => ({ spec: { ...spec, edge: { ...spec.edge, ...change } } });

describe('the routes of a service', () => {
  test('an instance that is named although it is unready is not checked: it is never unready and down at once', () => {
    const { pool, checks } = routesOf(
      routed({ endpoints: [ready(), instance({ id: 'i2', state: 'unready', port: 20_002 })] }),
    );
    assert.equal(pool?.kind === 'proxy' ? pool.endpoints.length : 0, 2);
    assert.deepEqual(
      checks.map(({ endpoint, path, active }) => [endpoint, path, active]),
      [['i1.2', '/healthz', null]],
    );
  });

  test('while a disk changes hands requests wait for the one that comes, as long as its start may take and no longer than half a minute', () => {
    const waitOf = (change: Partial<RoutedService>, row: Partial<ServiceRow> = {}) => {
      const { pool } = routesOf(routed({ endpoints: [], changesHands: true, ...change }, row));
      return pool?.kind === 'proxy' ? pool.waitForEndpoint : null;
    };
    const quick = { ...spec, shutdownDelay: 5_000, startTimeout: 10_000 };
    assert.deepEqual(waitOf({}, { spec: quick }), { size: 1_000, timeout: 15_000 });
    assert.equal(waitOf({}, { spec: { ...quick, shutdownDelay: 300_000 } })?.timeout, 30_000);
    const queue = { size: 5, timeout: 2_000 };
    assert.deepEqual(waitOf({}, edgeOf({ maxConnections: 1, queue })), queue, 'as declared');
    assert.equal(waitOf({ changesHands: false }), undefined, 'nothing says that one comes');
    assert.equal(waitOf({ endpoints: [ready()] }), undefined);
    assert.equal(waitOf({}, { stopped: true }), undefined);
  });

  test('the moment at which an instance became ready is told where its share grows', () => {
    const since = (row: Partial<ServiceRow>) => {
      const { pool } = routesOf(routed({}, row));
      return pool?.kind === 'proxy' ? pool.endpoints.map((endpoint) => endpoint.since) : [];
    };
    assert.deepEqual(since({}), [undefined]);
    assert.deepEqual(since(edgeOf({ slowStart: 5_000 })), [700]);
  });

  test('basic auth without any known password lets nobody in, rather than everybody', () => {
    const basicAuth = { realm: 'Staff', users: [{ name: 'ani', variable: 'ANI' }] };
    const { policy, routes } = routesOf(routed({}, edgeOf({ policy: { basicAuth } })));
    assert.deepEqual(policy?.basicAuth, { realm: 'Staff', users: [] });
    assert.deepEqual(
      routes.map((route) => route.policy),
      [policy?.id],
    );
  });

  test('a domain that names the host which a service has anyway is one route', () => {
    const routes = (domains: RoutedService['domains']) =>
      routesOf(routed({ domains }, { host: 'a.localhost' })).routes.map(({ host, path }) => `${host}${path}`);
    assert.deepEqual(routes([{ host: 'a.localhost', path: '/' }]), ['a.localhost/']);
    assert.deepEqual(routes([{ host: 'a.localhost', path: '/b' }]), ['a.localhost/', 'a.localhost/b']);
  });

  test('a private service has no policy and no routes', () => {
    const own = { ...spec, type: 'pserv' } as const;
    const { policy, routes, stream } = routesOf(routed({ current: release({ spec: own }) }, { spec: own }));
    assert.deepEqual([policy, routes, stream?.port], [null, [], 21_000]);
  });

  test('while a site becomes a server its code is never served as files, nor the other way round', () => {
    const site = { ...spec, type: 'static' } as const;
    const kindOf = (serves: typeof spec, inForce: typeof spec) =>
      routesOf(routed({ current: release({ spec: serves }) }, { spec: inForce })).pool?.kind;
    assert.deepEqual([kindOf(spec, site), kindOf(site, spec)], ['proxy', 'static']);
    assert.equal(kindOf({ ...spec, type: 'worker' }, site), undefined);
  });

  test('files are compressed unless the declaration says no', () => {
    const site = { ...spec, type: 'static' } as const;
    assert.equal(routesOf(routed({}, { spec: site })).policy?.gzip, true);
    assert.equal(
      routesOf(routed({}, { spec: { ...site, edge: { ...site.edge, policy: { gzip: false } } } })).policy,
      null,
    );
  });

  test('how upstreams are spoken to and asked belongs to the release that serves', () => {
    const upstreams = [{ host: '::1', port: 8443, weight: 2 }];
    const proxy = {
      ...spec,
      type: 'proxy',
      upstreams,
      health: { path: '/up', interval: 1_000, timeout: 2_000 },
    } as const;
    const tls = { serverName: null, verify: true };
    const served = release({ spec: { ...proxy, edge: { ...proxy.edge, upstreamTls: tls } } });
    const named = routesOf(
      routed({ current: served, domains: [{ host: 'old.example.com', path: '/' }] }, { spec: proxy }),
    );
    assert.deepEqual(named.pool?.kind === 'proxy' ? [named.pool.tls, named.pool.rewriteHost] : null, [tls, false]);
    assert.deepEqual(named.checks, [
      {
        endpoint: '::1:8443',
        address: '::1',
        port: 8443,
        path: '/up',
        host: 'old.example.com',
        tls,
        active: { interval: 1_000, timeout: 2_000 },
      },
    ]);
    const own = routesOf(routed({ current: served }, { spec: { ...proxy, edge: { ...proxy.edge, ownHost: true } } }));
    assert.deepEqual(own.checks[0]?.host, '[::1]:8443');
  });
});
