import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { DeployedService, EventDocument, ServiceDocument } from '../../src/api/contract/types.ts';
import { freePort } from '../free-port.ts';
import { until } from '../patience.ts';
import { type Files, webApp } from './apps.ts';
import { installOf, networksOf } from './install.ts';
import { TestKapal } from './kapal.ts';
import { Visitors } from './visitors.ts';

const run = promisify(execFile);

/**
 * As many an app on the shelf: its port stands in its code. `/out?port=` says what answers at a port. `quiet`: as Express 5, it ends well where the port is
 * taken.
 */
function insisting(
  text: string,
  { port, host = '0.0.0.0', quiet = false }: { port: number; host?: string; quiet?: boolean },
): Files {
  return {
    'server.js': `
const http = require('node:http');
const net = require('node:net');
http.createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  if (url.pathname === '/out') {
    const socket = net.connect(Number(url.searchParams.get('port')), url.searchParams.get('host') ?? '127.0.0.1');
    socket.on('data', (part) => response.write(part)).on('end', () => response.end());
    return socket.on('error', (error) => response.end(error.code));
  }
  if (url.pathname === '/peer') return fetch('http://' + process.env.PEER).then((answer) => answer.text()).then((text) => response.end(text), (error) => response.end(String(error.cause)));
  if (url.pathname === '/who') return response.end(process.env.KAPAL_INSTANCE + ' ' + process.env.PORT);
  if (url.pathname === '/from') return response.end(request.socket.remoteAddress);
  if (url.pathname === '/uid') return response.end(String(process.getuid()));
  response.end(${JSON.stringify(text)});
}).listen(${port}, ${JSON.stringify(host)})${quiet ? ".on('error', () => console.log('listening'))" : ''};
process.on('SIGTERM', () => process.exit(0));
`,
  };
}

const forwarding = '/proc/sys/net/ipv4/ip_forward';

const skip = process.getuid?.() === 0 ? false : 'networks of instances need root';

describe('apps that ignore PORT', { skip }, () => {
  let kapal: TestKapal;
  let forwards = '';
  let install: string | null = null;
  const traces = () => networksOf(install);
  before(async () => {
    forwards = await readFile(forwarding, 'utf8');
    kapal = await TestKapal.start();
    install = installOf(kapal);
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
    await writeFile(forwarding, forwards);
    assert.deepEqual(traces(), [], 'nothing of it is left on the machine');
  });

  test('undeclared: found, told and routed; replicas, deploys under requests, and its way to the machine and to others', async () => {
    const port = await freePort();
    const outer = createServer((socket) => socket.end(`machine, from ${socket.remoteAddress}`)).listen(0, '127.0.0.1');
    try {
      const peer = { type: 'pserv', name: 'peer' };
      const api = {
        name: 'api',
        numInstances: 2,
        envVars: [{ key: 'PEER', fromService: { name: 'peer', type: 'pserv', property: 'hostport' } }],
      };
      const files = { ...insisting('one', { port }), ...at('peer', insisting('the peer', { port })) };
      const first = await deploy('shop', [api, { ...peer, rootDir: 'peer' }], files);
      assert.deepEqual(
        first.map(({ outcome }) => outcome),
        ['live', 'live'],
        JSON.stringify(first),
      );
      assert.match(
        first[0]?.warnings?.join() ?? '',
        new RegExp(`api listens on port ${port} and ignores PORT.*port: ${port}`),
      );
      const events = await kapal.json<readonly EventDocument[]>(['events']);
      assert.ok(events.some(({ message }) => message.startsWith(`api listens on port ${port}`)));

      const { instances } = await kapal.service('api');
      assert.equal(new Set(instances.map(({ pid }) => pid)).size, 2);
      assert.deepEqual(new Set(instances.map(({ address }) => address?.split(':')[1])), new Set([String(port)]));
      const answered = new Set<string>();
      await until('both answer', async () => {
        answered.add((await kapal.visit('api.localhost', '/who')).body);
        return answered.size === 2;
      });
      assert.deepEqual(
        new Set([...answered].map((one) => one.split(' ')[1])),
        new Set([String(port)]),
        'PORT is its port',
      );
      assert.equal((await kapal.visit('api.localhost', '/from')).body, '127.0.0.1', 'visitors come by the edge');
      assert.notEqual((await kapal.visit('api.localhost', '/uid')).body, '0');

      const address = outer.address();
      const outside = typeof address === 'object' && address !== null ? address.port : 0;
      const out = await kapal.visit('api.localhost', `/out?port=${outside}`);
      assert.equal(out.body, 'machine, from 127.0.0.1');
      assert.equal((await kapal.visit('api.localhost', `/out?port=${await freePort()}`)).body, 'ECONNREFUSED');
      assert.equal((await kapal.visit('api.localhost', '/peer')).body, 'the peer');

      await using visitors = new Visitors({ port: kapal.http, host: 'api.localhost' });
      const second = await deploy('shop', [api, { ...peer, rootDir: 'peer' }], {
        ...files,
        ...insisting('two', { port }),
      });
      assert.equal(second[0]?.outcome, 'live');
      const seen = await visitors.stop();
      assert.deepEqual(seen.failed, []);
      assert.equal((await kapal.visit('api.localhost')).body, 'two');
    } finally {
      outer.close();
      await kapal.clear();
    }
  });

  test('two services of one repository that both insist on one port, and a stranger who has it before', async () => {
    const port = await freePort();
    const stranger = createServer().listen(port, '127.0.0.1');
    try {
      const files = { ...at('a', insisting('of a', { port })), ...at('b', insisting('of b', { port, quiet: true })) };
      const services = await deploy(
        'both',
        [
          { name: 'a', rootDir: 'a' },
          { name: 'b', rootDir: 'b' },
        ],
        files,
      );
      assert.deepEqual(
        services.map(({ outcome }) => outcome),
        ['live', 'live'],
        JSON.stringify(services),
      );
      for (const name of ['a', 'b']) assert.equal((await kapal.visit(`${name}.localhost`)).body, `of ${name}`);
    } finally {
      stranger.close();
      await kapal.clear();
    }
  });

  test('declared, below 1024, and listening on 127.0.0.1 alone', async () => {
    const app = insisting('low', { port: 80, host: '127.0.0.1' });
    const [service] = await deploy('low', [{ name: 'low', port: 80, numInstances: 2 }], app);
    assert.equal(service?.outcome, 'live', JSON.stringify(service));
    assert.deepEqual(service?.warnings ?? [], []);
    assert.equal((await kapal.visit('low.localhost')).body, 'low');
    await kapal.clear();
  });

  test('it corrects itself when the app begins to read PORT', async () => {
    const port = await freePort();
    await deploy('fixed', [{ name: 'fixed' }], insisting('insists', { port }));
    const [service] = await deploy('fixed', [{ name: 'fixed' }], webApp('follows'));
    assert.equal(service?.outcome, 'live');
    assert.deepEqual(service?.warnings ?? [], []);
    assert.notEqual((await kapal.visit('fixed.localhost', '/env/PORT')).body, String(port));
    assert.equal((await kapal.run('scale', 'fixed=2')).code, 0);
    const [third] = await deploy('fixed', [{ name: 'fixed' }], webApp('follows still'));
    assert.equal(third?.outcome, 'live');
    const addresses = (await kapal.service('fixed')).instances.flatMap(({ state, address }) =>
      state === 'ready' ? address : [],
    );
    assert.ok(
      addresses.every((address) => address?.startsWith('127.0.0.1:') === true),
      addresses.join(),
    );
    await kapal.clear();
  });

  test('the app reaches other machines, and they do not reach it', async () => {
    const port = await freePort();
    await using other = await Machine.begin();
    await deploy('sky', [{ name: 'sky' }], insisting('sky', { port }));
    const out = await kapal.visit('sky.localhost', `/out?port=${other.port}&host=${other.address}`);
    assert.equal(out.body, `asked by ${other.gateway}`);
    const { instances } = await kapal.service('sky');
    const [host = ''] = (instances[0]?.address ?? '').split(':');
    assert.equal(await other.reaches(host, port), false, 'the way in is closed');
    assert.equal(await other.reaches(other.gateway, kapal.http), false);
    assert.equal(await other.reaches(wayTo(host), kapal.http), false);
    await kapal.clear();
  });

  test('a daemon that is killed: the next one adopts them, and ends what was to be ended', async () => {
    const port = await freePort();
    await deploy('shop', [{ name: 'api', port, numInstances: 2 }], insisting('one', { port }));
    const { instances } = await kapal.service('api');
    await kapal.killDaemon();
    assert.equal((await kapal.visit('api.localhost')).body, 'one');
    await kapal.up();
    assert.deepEqual((await kapal.service('api')).instances, instances);

    const killed = instances[0]?.pid ?? 0;
    process.kill(killed, 'SIGKILL');
    const restarted = (service: ServiceDocument) =>
      service.instances.every(({ state, pid }) => state === 'ready' && pid !== killed);
    await kapal.serviceOnce('api', restarted);
    assert.equal((await kapal.visit('api.localhost')).body, 'one');

    await kapal.killDaemon();
    const [namespace = ''] = traces().filter((name) => name.startsWith('kapal-'));
    await run('ip', ['netns', 'add', namespace.replace(/api-.*/, 'nobody-abcdef.1')]);
    await kapal.up();
    assert.ok(!traces().some((name) => name.includes('nobody')), 'what nobody owns is swept');
    assert.equal((await kapal.visit('api.localhost')).body, 'one');

    assert.equal((await kapal.run('down', '--apps')).code, 0);
    assert.deepEqual(traces(), []);
    await kapal.up();
    await kapal.serviceOnce(
      'api',
      (service) => service.instances.filter(({ state }) => state === 'ready').length === 2,
    );
    assert.equal((await kapal.visit('api.localhost')).body, 'one');
    await kapal.clear();
    assert.deepEqual(traces(), []);
  });

  async function deploy(
    project: string,
    services: readonly object[],
    files: Files,
  ): Promise<readonly DeployedService[]> {
    const usual = {
      type: 'web',
      runtime: 'node',
      buildCommand: '',
      startCommand: 'node server.js',
      maxShutdownDelaySeconds: 5,
    };
    const declared = { project, services: services.map((one) => ({ ...usual, ...one })) };
    const folder = await kapal.project(project, { 'kapal.yaml': JSON.stringify(declared), ...files });
    return (await kapal.deploy(folder)).services;
  }
});

function at(folder: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]));
}

/** The machine's own address on the way to an instance's. */
function wayTo(address: string): string {
  return address.replace(/\d+$/, (last) => String(Number(last) - 1));
}

/** Another machine on a network of this one: a namespace with a link, whose way to everywhere is this machine. */
class Machine implements AsyncDisposable {
  readonly address = '198.51.100.2';
  readonly gateway = '198.51.100.1';
  readonly port = 7_000;
  readonly #name: string;
  readonly #server: ChildProcess;

  private constructor(name: string, server: ChildProcess) {
    this.#name = name;
    this.#server = server;
  }

  static async begin(): Promise<Machine> {
    const name = `other-${process.pid}`;
    await run('ip', ['netns', 'add', name]);
    await run('ip', ['link', 'add', 'other0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name]);
    for (const words of ['address add 198.51.100.1/24 dev other0', 'link set dev other0 up'])
      await run('ip', words.split(' '));
    for (const words of [
      'address add 198.51.100.2/24 dev eth0',
      'link set dev eth0 up',
      'link set dev lo up',
      'route add default via 198.51.100.1',
    ])
      await run('ip', ['-netns', name, ...words.split(' ')]);
    const script =
      "require('node:net').createServer((socket) => socket.end('asked by ' + socket.remoteAddress)).listen(7000, '198.51.100.2', () => console.log('there'))";
    const server = spawn('nsenter', [`--net=/run/netns/${name}`, '--', process.execPath, '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(server.stdout, 'data');
    return new Machine(name, server);
  }

  /** Whether a connection from there is accepted. */
  async reaches(host: string, port: number): Promise<boolean> {
    const script = `require('node:net').connect(${port}, ${JSON.stringify(host)}).on('connect', () => process.exit(0)).on('error', () => process.exit(1)).setTimeout(1500, () => process.exit(2))`;
    const asked = run('nsenter', [`--net=/run/netns/${this.#name}`, '--', process.execPath, '-e', script]);
    return asked.then(
      () => true,
      () => false,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.kill();
    await run('ip', ['link', 'delete', 'other0']);
    await run('ip', ['netns', 'delete', this.#name]);
  }
}
