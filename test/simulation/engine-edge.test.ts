import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Policy } from '../../src/edge/policy.ts';
import type { Endpoint, ProxyPool } from '../../src/edge/pool.ts';
import { until } from '../patience.ts';
import { type SimulatedKapal, simulatedKapal } from './engine/simulated-kapal.ts';

/** What the real engine gives to a simulated edge, and what it makes of what the edge and the endpoints say. */

const head = 'project: shop\nservices:\n';
const web = (more = '', name = 'api') =>
  `${head}  - type: web\n    name: ${name}\n    runtime: node\n    startCommand: node server.js\n    numInstances: 2\n${more}`;
const proxy = (more = '') =>
  `${head}  - type: proxy\n    name: legacy\n    upstreams: [{address: "10.0.0.5:80"}, {address: "10.0.0.6:80"}]\n${more}`;
const id = (name: string) => `shop/production/${name}`;

function poolOf(kapal: SimulatedKapal, name: string): ProxyPool {
  const pool = kapal.edge.serving().pools.find((one) => one.id === id(name));
  assert.ok(pool?.kind === 'proxy');
  return pool;
}

function policyOf(kapal: SimulatedKapal, name: string): Policy | undefined {
  return kapal.edge.serving().policies?.find((one) => one.id === id(name));
}

function endpoint(kapal: SimulatedKapal, name: string, wanted: string): Endpoint {
  const found = poolOf(kapal, name).endpoints.find((one) => one.id === wanted);
  assert.ok(found !== undefined);
  return found;
}

function eventsOf(kapal: SimulatedKapal, kind: string): readonly string[] {
  return kapal.engine
    .events({ limit: 100 })
    .filter((event) => event.kind === kind)
    .map((event) => event.message);
}

describe('the route table', () => {
  test('a service that asks for nothing has no policy and an ordinary pool', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web());
    const { policies, routes } = kapal.edge.serving();
    assert.equal(policies, undefined);
    assert.deepEqual(routes, [{ host: 'api.localhost', path: '/', pool: id('api') }]);
    const { endpoints: _, ...pool } = poolOf(kapal, 'api');
    assert.deepEqual(pool, {
      kind: 'proxy',
      id: id('api'),
      service: id('api'),
      balance: 'round-robin',
      maxBodySize: 100 * 1024 ** 2,
      responseTimeout: 100_000,
      idleTimeout: 300_000,
      rewriteHost: false,
    });
  });

  test('what edge asks for reaches pool, policy and routes', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web());
    const edge = `    domains: [shop.example.com/api]
    edge:
      balance: random-two
      slowStartSeconds: 20
      maxConnections: 50
      queue: {size: 10, timeoutSeconds: 3}
      stripPath: true
      allow: [10.0.0.0/8]
      rateLimit: {requestsPerSecond: 5, key: "header:X-Api-Key"}
      responseHeaders: {set: {X-Frame-Options: DENY}, remove: [Server]}
`;
    const [changed] = (await kapal.deploy(web(edge))).services;
    assert.equal(changed?.outcome, 'live', 'its code changed too: the declaration is a part of it');
    await until('the policy', () => policyOf(kapal, 'api') !== undefined);
    assert.deepEqual(policyOf(kapal, 'api'), {
      id: id('api'),
      allow: ['10.0.0.0/8'],
      rateLimits: [{ requestsPerSecond: 5, burst: 5, key: { kind: 'header', name: 'x-api-key' } }],
      responseHeaders: [
        { name: 'x-frame-options', value: 'DENY' },
        { name: 'server', value: null },
      ],
    });
    const pool = poolOf(kapal, 'api');
    assert.deepEqual(
      [pool.balance, pool.slowStart, pool.maxConnections, pool.queue],
      ['random-two', 20_000, 50, { size: 10, timeout: 3_000 }],
    );
    assert.ok(pool.endpoints.every(({ since }) => since !== undefined && since <= Date.now()));
    assert.deepEqual(kapal.edge.serving().routes, [
      { host: 'api.localhost', path: '/', pool: id('api'), policy: id('api') },
      { host: 'shop.example.com', path: '/api', pool: id('api'), policy: id('api'), stripPath: true },
    ]);
  });

  test('two services share a host by their paths, and a clash names the holder', async () => {
    await using kapal = await simulatedKapal();
    const two = `${web('    domains: [shop.example.com]\n', 'front')}  - type: web
    name: back
    runtime: node
    startCommand: node server.js
    domains: [shop.example.com/api]
`;
    await kapal.deploy(two);
    assert.deepEqual(
      kapal.edge
        .serving()
        .routes.filter(({ host }) => host === 'shop.example.com')
        .map(({ path, pool }) => [path, pool]),
      [
        ['/api', id('back')],
        ['/', id('front')],
      ],
    );
    await assert.rejects(
      kapal.deploy(web('    domains: [shop.example.com/api]\n', 'other').replace('project: shop', 'project: rival')),
      /the domain shop\.example\.com\/api belongs to shop\/production\/back/,
    );
  });

  test('the key of sticky sessions is made once, and is not among the variables', async () => {
    await using kapal = await simulatedKapal();
    const sticky = web('    edge: {sticky: {cookie: seat, maxAgeSeconds: 60}}\n');
    await kapal.deploy(sticky);
    const first = poolOf(kapal, 'api').sticky;
    assert.match(first?.key ?? '', /^[0-9a-f]{64}$/);
    assert.deepEqual({ cookie: first?.cookie, maxAge: first?.maxAge }, { cookie: 'seat', maxAge: 60 });
    await using again = await kapal.restart();
    await until('the table of the next daemon', () => again.edge.serving().pools.length > 0);
    assert.equal(poolOf(again, 'api').sticky?.key, first?.key);
    const service = again.engine.resolve('api', { environment: 'production' });
    assert.deepEqual(again.engine.variables(service, true), []);
  });

  test('basic auth needs its variable, and its salt stays while the password does', async () => {
    await using kapal = await simulatedKapal();
    const guarded = (envVars = '') =>
      web(`${envVars}    edge: {basicAuth: {users: [{name: ani, passwordVariable: DOOR}]}}\n`);
    await assert.rejects(kapal.deploy(guarded()), /a variable has no value yet: api DOOR/);
    await kapal.engine.setVariables(
      { project: undefined, environment: 'production', service: 'api' },
      { DOOR: 'sesame' },
    );
    await kapal.deploy(guarded());
    const first = policyOf(kapal, 'api')?.basicAuth;
    assert.equal(first?.realm, 'Restricted');
    assert.equal(first?.users[0]?.name, 'ani');
    assert.doesNotMatch(JSON.stringify(kapal.edge.serving()), /sesame/);
    const service = kapal.engine.resolve('api', { environment: 'production' });
    const set = async (value: string) => {
      await kapal.engine.setVariables({ project: 'shop', environment: 'production', service: 'api' }, { DOOR: value });
      const before = policyOf(kapal, 'api')?.basicAuth?.users[0]?.digest;
      await until('the next release', () => kapal.store.rollouts.active(service) === null);
      return before;
    };
    await set('other');
    await until(
      'the other password',
      () => policyOf(kapal, 'api')?.basicAuth?.users[0]?.digest !== first?.users[0]?.digest,
    );
    assert.notEqual(policyOf(kapal, 'api')?.basicAuth?.users[0]?.salt, first?.users[0]?.salt);
    await set('sesame');
    await until(
      'the first password',
      () => policyOf(kapal, 'api')?.basicAuth?.users[0]?.digest === first?.users[0]?.digest,
    );
    await assert.rejects(
      kapal.engine.setVariables({ project: 'shop', environment: 'production', service: 'api' }, { DOOR: null }),
    );
  });
});

describe('an endpoint that stalls', () => {
  test('is passed over when it answers nothing, and comes back as the same instance', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web('    edge: {slowStartSeconds: 30}\n'));
    const [stalled, other] = poolOf(kapal, 'api').endpoints;
    assert.ok(stalled !== undefined && other !== undefined);
    const address = `${stalled.host}:${stalled.port}`;
    kapal.answers.set(address, 'silent');
    kapal.edge.setStalled([stalled.id]);
    await until('it is down', () => endpoint(kapal, 'api', stalled.id).down === true);
    assert.equal(endpoint(kapal, 'api', other.id).down, undefined);
    const instance = stalled.id.slice(0, stalled.id.lastIndexOf('.'));
    assert.deepEqual(eventsOf(kapal, 'endpoint.down'), [
      `instance ${instance} takes no requests: no answer within 700 ms`,
    ]);
    assert.equal(kapal.store.instances.get(instance)?.state, 'ready', 'its instance is left alone');
    const [service] = await kapal.engine.services({});
    assert.equal(service?.status, 'degraded');
    assert.deepEqual(
      service?.instances
        .map(({ id: one, problem }) => [one === instance, problem])
        .toSorted(([a], [b]) => Number(a) - Number(b)),
      [
        [false, undefined],
        [true, 'no answer within 700 ms'],
      ],
    );
    const returned = Date.now();
    kapal.edge.setStalled([]);
    kapal.answers.set(address, 'sound');
    await until('it is back', () => endpoint(kapal, 'api', stalled.id).down === undefined);
    assert.ok((endpoint(kapal, 'api', stalled.id).since ?? 0) >= returned, 'its share grows anew');
    assert.deepEqual(eventsOf(kapal, 'endpoint.up'), [`instance ${instance} takes requests again`]);
    assert.equal(kapal.store.instances.get(instance)?.attempt, 1);
    assert.deepEqual(kapal.complaints, []);
  });

  test('is left in place when it is only slow, and not asked again at once', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web());
    const [slow] = poolOf(kapal, 'api').endpoints;
    assert.ok(slow !== undefined);
    kapal.edge.setStalled([slow.id]);
    const begun = Date.now();
    await until('it was asked twice', () => kapal.answers.asked.length >= 2);
    assert.ok(Date.now() - begun > 2_000, 'its first answer was trusted for a while');
    assert.equal(endpoint(kapal, 'api', slow.id).down, undefined);
  });

  test('nobody asks where there is no other endpoint', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(web().replace('numInstances: 2', 'numInstances: 1'));
    const looks: number[] = [];
    const { edge } = kapal;
    const stalled = edge.stalled.bind(edge);
    edge.stalled = () => (looks.push(Date.now()), stalled());
    const began = Date.now();
    await until('two seconds', () => Date.now() - began > 2_000);
    assert.deepEqual(looks, []);
  });
});

describe('the upstreams of a proxy', () => {
  test('one that refuses is down at the first check, one that fails at the second; each returns with one good answer', async () => {
    await using kapal = await simulatedKapal();
    kapal.answers.set('10.0.0.5:80', 'refused');
    await kapal.deploy(proxy());
    await until('the first is down', () => endpoint(kapal, 'legacy', '10.0.0.5:80').down === true);
    assert.deepEqual(eventsOf(kapal, 'endpoint.down'), ['upstream 10.0.0.5:80 takes no requests: connection refused']);
    const [service] = await kapal.engine.services({});
    assert.equal(service?.status, 'degraded');
    assert.deepEqual(service?.upstreams, [
      { address: '10.0.0.5:80', weight: 1, state: 'down', problem: 'connection refused' },
      { address: '10.0.0.6:80', weight: 1, state: 'up', problem: null },
    ]);
    kapal.answers.set('10.0.0.6:80', 'failing');
    await until('the second is down', () => endpoint(kapal, 'legacy', '10.0.0.6:80').down === true);
    kapal.answers.set('10.0.0.5:80', 'sound');
    kapal.answers.set('10.0.0.6:80', 'sound');
    await until('both are back', () => poolOf(kapal, 'legacy').endpoints.every(({ down }) => down === undefined));
    assert.deepEqual(kapal.complaints, []);
  });

  test('one that went silent is not brought back by an accepted connection', async () => {
    await using kapal = await simulatedKapal();
    await kapal.deploy(proxy());
    kapal.answers.set('10.0.0.5:80', 'silent');
    kapal.edge.setStalled(['10.0.0.5:80']);
    await until('it is down', () => endpoint(kapal, 'legacy', '10.0.0.5:80').down === true);
    const asked = kapal.answers.asked.length;
    await until('it was asked twice more', () => kapal.answers.asked.length >= asked + 2);
    assert.equal(endpoint(kapal, 'legacy', '10.0.0.5:80').down, true);
  });

  test('how they are spoken to', async () => {
    await using kapal = await simulatedKapal();
    const encrypted = proxy('    edge: {preserveHost: false, upstreamTls: {serverName: old.example.com}}\n').replaceAll(
      '"10.',
      '"https://10.',
    );
    await kapal.deploy(encrypted.replaceAll(':80"', ':443"'));
    const pool = poolOf(kapal, 'legacy');
    assert.equal(pool.rewriteHost, true);
    assert.deepEqual(pool.tls, { serverName: 'old.example.com', verify: true });
  });
});
