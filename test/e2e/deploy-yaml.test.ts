import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { FailureDocument, LogDocument, PlanDocument } from '../../src/api/contract/types.ts';
import { type Files, webApp, workerScript } from './apps.ts';
import { TestKapal, until } from './kapal.ts';

/** A shop of one of each: a web service in front of a private one, a worker, a site, and two older machines behind a proxy. */
describe('a kapal.yaml with every type of service', () => {
  let kapal: TestKapal;
  const machines: Server[] = [];
  const ports: number[] = [];
  before(async () => {
    kapal = await TestKapal.start();
    for (const name of ['one', 'two']) machines.push(await machine(name));
    for (const server of machines) ports.push((server.address() as AddressInfo).port);
  });
  after(async () => {
    for (const server of machines) server.close();
    await kapal[Symbol.asyncDispose]();
  });

  test('is live after one deploy', async () => {
    const document = await kapal.deploy(await shop('first'));
    assert.deepEqual(
      document.services.map(({ service, outcome }) => [service, outcome]),
      ['api', 'catalogue', 'front', 'jobs', 'legacy'].map((service) => [service, 'live']),
    );
    const types = Object.fromEntries((await kapal.ps()).map(({ service, type }) => [service, type]));
    assert.deepEqual(types, { api: 'web', catalogue: 'pserv', jobs: 'worker', front: 'static', legacy: 'proxy' });
  });

  test('fromService reaches the private service through a port that outlives its deploys', async () => {
    const address = (await kapal.visit('api.localhost', '/env/CATALOGUE')).body;
    const host = (await kapal.visit('api.localhost', '/env/CATALOGUE_HOST')).body;
    const port = (await kapal.visit('api.localhost', '/env/CATALOGUE_PORT')).body;
    assert.equal(address, `${host}:${port}`);
    const asked = async () => (await kapal.visit(address, '/', { port: Number(port) })).body;
    assert.equal(await asked(), 'catalogue first');
    assert.deepEqual((await kapal.service('catalogue')).urls, []);
    assert.equal((await kapal.visit('catalogue.localhost')).status, 404, 'visitors do not reach it');
    assert.equal((await kapal.visit('api.localhost', '/env/FRONT')).body, `http://front.localhost:${kapal.http}`);
    await kapal.deploy(await shop('second'));
    assert.equal(await asked(), 'catalogue second');
    assert.equal((await kapal.visit('api.localhost', '/env/CATALOGUE')).body, address);
  });

  test('groups and literal values reach who takes them; what a service says itself wins', async () => {
    const body = async (key: string) => (await kapal.visit('api.localhost', `/env/${key}`)).body;
    assert.deepEqual([await body('REGION'), await body('LEVEL')], ['jakarta', 'debug']);
    await until('the worker has the group', async () => {
      const lines = await kapal.json<readonly LogDocument[]>(['logs', 'jobs']);
      return lines.some(({ kind, text }) => kind === 'app' && text === 'beat of jobs pending');
    });
  });

  test('each instance knows its port, its service and its release', async () => {
    const { instances, release } = await kapal.service('api');
    const seen = new Set<string>();
    await until(
      'both instances answered',
      async () => seen.add((await kapal.visit('api.localhost', '/who')).body).size === 2,
    );
    assert.deepEqual([...seen].sort(), instances.map(({ id }) => `${id} ${release}`).sort());
    assert.equal((await kapal.visit('api.localhost', '/env/KAPAL_SERVICE')).body, 'api');
  });

  test('the proxy balances by weight, keeps the answer as it is, and goes on with what is left', async () => {
    const first = await sample(30);
    assert.deepEqual([...first.keys()].sort(), ['one', 'two']);
    assert.ok((first.get('two') ?? 0) > (first.get('one') ?? 0), 'the second has twice the weight');
    machines[1]?.closeAllConnections();
    machines[1]?.close();
    const rest = await sample(10);
    assert.deepEqual(rest, new Map([['one', 10]]));
  });

  test('a proxy whose upstreams are all gone answers 502 or 503, not 404', async () => {
    machines[0]?.closeAllConnections();
    machines[0]?.close();
    await until('no upstream', async () => [502, 503].includes((await kapal.visit('legacy.localhost')).status));
  });

  test('what the declaration gets wrong is refused with line and column, and nothing changes', async () => {
    const folder = await kapal.project('shop', {
      ...files('third'),
      'kapal.yaml': 'services:\n  - type: web\n    nmae: api\n',
    });
    const { error } = await kapal.json<FailureDocument>(['deploy', folder], 2);
    assert.equal(error.code, 'declaration_invalid');
    assert.match(error.message, /kapal\.yaml:3:5: .*nmae/);
    assert.match(error.message, /name/);
    assert.equal((await kapal.visit('api.localhost')).body, 'api second');
  });

  test('plan names each difference and what would be built', async () => {
    const folder = await kapal.project('shop', {
      ...files('second'),
      'kapal.yaml': declaration().replace('numInstances: 2', 'numInstances: 3'),
    });
    const { changes } = await kapal.json<PlanDocument>(['plan', folder]);
    const api = changes.find(({ service }) => service === 'api');
    assert.match(api?.reasons.join('\n') ?? '', /instances.*2.*3/i);
    assert.equal(changes.find(({ service }) => service === 'legacy')?.action, 'unchanged');
  });

  async function shop(version: string): Promise<string> {
    return kapal.project('shop', { ...files(version), 'kapal.yaml': declaration() });
  }

  function declaration(): string {
    const [one, two] = ports;
    return `
project: shop
envVarGroups:
  - name: common
    envVars:
      - {key: REGION, value: jakarta}
      - {key: LEVEL, value: info}
      - {key: QUEUE, value: pending}
services:
  - type: web
    name: api
    runtime: node
    rootDir: api
    startCommand: node server.js
    numInstances: 2
    healthCheckPath: /healthz
    envVars:
      - fromGroup: common
      - {key: LEVEL, value: debug}
      - {key: CATALOGUE, fromService: {type: pserv, name: catalogue, property: hostport}}
      - {key: CATALOGUE_HOST, fromService: {type: pserv, name: catalogue, property: host}}
      - {key: CATALOGUE_PORT, fromService: {type: pserv, name: catalogue, property: port}}
      - {key: FRONT, fromService: {type: static, name: front, property: url}}
  - {type: pserv, name: catalogue, runtime: node, rootDir: catalogue, startCommand: node server.js}
  - type: worker
    name: jobs
    runtime: node
    rootDir: jobs
    startCommand: node worker.js
    envVars: [{fromGroup: common}]
  - {type: static, name: front, rootDir: front, staticPublishPath: ./out, buildCommand: 'mkdir -p out && cp page.html out/index.html'}
  - type: proxy
    name: legacy
    upstreams: [{address: '127.0.0.1:${one}'}, {address: '127.0.0.1:${two}', weight: 2}]
`;
  }

  async function sample(requests: number): Promise<Map<string, number>> {
    const seen = new Map<string, number>();
    for (let sent = 0; sent < requests; sent += 1) {
      const { status, body } = await kapal.visit('legacy.localhost');
      assert.equal(status, 200);
      seen.set(body, (seen.get(body) ?? 0) + 1);
    }
    return seen;
  }
});

function files(version: string): Files {
  return {
    'api/server.js': webApp(`api ${version}`)['server.js'] ?? '',
    'catalogue/server.js': webApp(`catalogue ${version}`)['server.js'] ?? '',
    'jobs/worker.js': workerScript,
    'front/page.html': `<h1>front ${version}</h1>`,
  };
}

/** An app on another machine, as far as Kapal can tell. */
function machine(name: string): Promise<Server> {
  const server = createServer((_, response) => response.end(name));
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}
