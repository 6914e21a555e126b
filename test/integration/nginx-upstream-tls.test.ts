import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ProxyPool, UpstreamTls } from '../../src/edge/pool.ts';
import { proxyPool } from '../conformance/edge.ts';
import { type SecureBackend, type SecureConnection, secureBackend } from '../conformance/secure-backend.ts';
import { get } from './edge-fixture.ts';
import { until } from '../patience.ts';
import { makeCertificate } from './nginx-certificates.ts';
import { NginxGround } from './nginx-ground.ts';

/** One worker, whose idle connections are then all there are. */
interface Serving extends AsyncDisposable {
  readonly ground: NginxGround;
  readonly backend: SecureBackend;
  /** Serves these hosts, each by a pool of its own to the one backend. */
  serve(tlsByHost: Readonly<Record<string, UpstreamTls>>): Promise<void>;
  /** The connection over which the host's request came; null where it was answered 502. */
  ask(host: string): Promise<SecureConnection | null>;
}

async function serving(trust: 'file' | 'folder' = 'file'): Promise<Serving> {
  const ground = await NginxGround.make();
  ground.open();
  const certificate = await makeCertificate(['known.test', '*.wide.test']);
  const backend = await secureBackend('known', certificate);
  using _ = trusting(ground, certificate.chain, trust);
  const edge = ground.edge({ workers: 1 });
  await edge.ensure();
  let version = 0;
  const poolOf = (id: string, tls: UpstreamTls): ProxyPool => ({ ...proxyPool(id, [backend.port]), tls });
  return {
    ground,
    backend,
    async serve(tlsByHost) {
      version += 1;
      const hosts = Object.entries(tlsByHost);
      const routes = hosts.map(([host]) => ({ host, path: '/', pool: host }));
      await edge.apply({ version, routes, pools: hosts.map(([host, tls]) => poolOf(host, tls)), streams: [] });
    },
    async ask(host) {
      const { status, body } = await get(ground.port, '/connection', { headers: { host } });
      if (status === 502) return null;
      assert.equal(status, 200, body);
      return JSON.parse(body) as SecureConnection;
    },
    async [Symbol.asyncDispose]() {
      await ground[Symbol.asyncDispose]();
      await backend[Symbol.asyncDispose]();
    },
  };
}

/** Makes this process's edges trust the certificate alone, by a file or by a folder as openssl-rehash(1) makes it. */
function trusting(ground: NginxGround, pem: string, as: 'file' | 'folder'): Disposable {
  const folder = join(ground.root, 'authorities');
  mkdirSync(folder);
  const file = join(folder, 'all.pem');
  writeFileSync(file, pem);
  const name = as === 'file' ? 'SSL_CERT_FILE' : 'SSL_CERT_DIR';
  const before = { file: process.env['SSL_CERT_FILE'], folder: process.env['SSL_CERT_DIR'] };
  delete process.env['SSL_CERT_FILE'];
  if (as === 'folder') {
    const hashed = spawnSync('openssl', ['x509', '-noout', '-subject_hash', '-in', file], { encoding: 'utf8' });
    assert.equal(hashed.status, 0, hashed.stderr);
    writeFileSync(join(folder, `${hashed.stdout.trim()}.0`), pem);
  }
  process.env[name] = as === 'file' ? file : folder;
  return {
    [Symbol.dispose]() {
      restore('SSL_CERT_FILE', before.file);
      restore('SSL_CERT_DIR', before.folder);
    },
  };
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}

const loose = (serverName: string): UpstreamTls => ({ serverName, verify: false });
const strict = (serverName: string): UpstreamTls => ({ serverName, verify: true });

/** Asks all hosts in turn, so many times; the connections that each used. No connection serves two of them. */
async function connectionsOf(
  front: Serving,
  hosts: readonly string[],
  rounds: number,
): Promise<Map<string, Set<number>>> {
  const used = new Map(hosts.map((host) => [host, new Set<number>()]));
  for (let round = 0; round < rounds; round += 1)
    for (const host of hosts) used.get(host)?.add((await front.ask(host))?.number ?? assert.fail(`${host} is 502`));
  const all = [...used.values()].flatMap((numbers) => [...numbers]);
  assert.equal(new Set(all).size, all.length, 'a connection served two hosts');
  return used;
}

describe('idle connections to endpoints over TLS', () => {
  test('are kept for one name, verified or not, and serve no other', async () => {
    await using front = await serving();
    await front.serve({
      'one.localhost': strict('known.test'),
      'two.localhost': strict('a.wide.test'),
      'three.localhost': loose('known.test'),
      'four.localhost': loose('other.test'),
      'five.localhost': strict('other.test'),
    });
    const hosts = ['one.localhost', 'two.localhost', 'three.localhost', 'four.localhost'];
    for (let round = 0; round < 5; round += 1) {
      const used = [...(await connectionsOf(front, hosts, 4)).values()];
      assert.ok(
        used.some(({ size }) => size < 4),
        'each connected anew for each request',
      );
      assert.equal(await front.ask('five.localhost'), null, 'the certificate is not for that name');
    }
    assert.equal((await front.ask('one.localhost'))?.serverName, 'known.test');
    assert.equal((await front.ask('four.localhost'))?.serverName, 'other.test');
  });

  test('of a pool that is to be verified from now on are used no more, nor the other way round', async () => {
    await using front = await serving();
    let last: number | undefined;
    for (const tls of [loose('known.test'), strict('known.test'), loose('other.test'), strict('a.wide.test')]) {
      await front.serve({ 'one.localhost': tls });
      const connection = await front.ask('one.localhost');
      assert.equal(connection?.serverName, tls.serverName);
      assert.notEqual(connection?.number, last);
      last = connection?.number;
      await until('it is used again', async () => {
        const before = last;
        last = (await front.ask('one.localhost'))?.number;
        return last === before;
      });
    }
    await front.serve({ 'one.localhost': strict('other.test') });
    assert.equal(await front.ask('one.localhost'), null);
  });

  test('are not kept for more names than there are places, until a name has rested', async () => {
    await using front = await serving();
    const names = Array.from({ length: 20 }, (_, i) => `n${i}.localhost`);
    await front.serve(Object.fromEntries(names.map((name) => [name, loose(name)])));
    const used = await connectionsOf(front, names, 3);
    const kept = [...used.values()].filter(({ size }) => size < 3).length;
    assert.ok(kept > 0 && kept <= 16, `${kept} names had connections that stayed open`);
    for (const name of names) assert.equal((await front.ask(name))?.serverName, name);
    const late = names.slice(16);
    await until('the late ones have a place', async () =>
      [...(await connectionsOf(front, late, 3)).values()].every(({ size }) => size < 3),
    );
    await connectionsOf(front, names, 3);
  });

  test('are not kept for names that visitors choose', async () => {
    await using front = await serving();
    const tls = { serverName: null, verify: false };
    await front.serve({ '*.localhost': tls, 'own.localhost': tls });
    const names = Array.from({ length: 20 }, (_, i) => `n${i}.localhost`);
    for (const { size } of (await connectionsOf(front, names, 2)).values()) assert.equal(size, 2);
    await until('its own name keeps them', async () => {
      const used = (await connectionsOf(front, ['own.localhost'], 3)).get('own.localhost');
      return used !== undefined && used.size < 3;
    });
  });
});

test('authorities are also found in a folder', async () => {
  await using front = await serving('folder');
  await front.serve({ 'one.localhost': strict('known.test'), 'two.localhost': strict('other.test') });
  assert.equal((await front.ask('one.localhost'))?.serverName, 'known.test');
  assert.equal(await front.ask('two.localhost'), null);
  await using stranger = await secureBackend('stranger', await makeCertificate(['known.test']));
  const edge = front.ground.edge({ workers: 1 });
  const pool = { ...proxyPool('p', [stranger.port]), tls: strict('known.test') };
  await edge.apply({ version: 9, routes: [{ host: 'a.localhost', path: '/', pool: 'p' }], pools: [pool], streams: [] });
  assert.equal((await get(front.ground.port)).status, 502);
});
