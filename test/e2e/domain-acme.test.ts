import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, test } from 'node:test';
import type { DomainDocument } from '../../src/api/contract/types.ts';
import { Pebble } from '../integration/certificates-pebble.ts';
import { filesBelow, processesOf } from './install.ts';
import { TestKapal, until } from './kapal.ts';
import { nginxNow, reloadsOf } from './nginx.ts';
import { askSecurely, type SecureTarget, SecureVisitors } from './secure-visitors.ts';

const host = 'shop.example.com';
const page = {
  'index.html': '<h1>toko</h1>',
  'kapal.yaml': 'project: shop\nservices:\n  - {type: static, name: web}\n',
};

/** Seconds that certificates live: they are renewed after two thirds, and what is left is the room of a slow machine. */
const validity = 36;

type Way = 'HTTP-01' | 'TLS-ALPN-01';

/** Where HTTPS is served: TLS-ALPN-01 comes first where that is port 443 and plain HTTP has another than 80, so each run has an address of its own. */
interface Place {
  readonly address: string;
  readonly port: number;
}

class Stage implements AsyncDisposable {
  readonly kapal: TestKapal;
  readonly pebble: Pebble;
  readonly https: Place;

  private constructor(parts: { kapal: TestKapal; pebble: Pebble; https: Place }) {
    this.kapal = parts.kapal;
    this.pebble = parts.pebble;
    this.https = parts.https;
  }

  /** A Kapal that asks an authority which can look for one kind of proof alone, and refuses two nonces of five. */
  static async open(engine: 'nginx' | 'embedded', way: Way): Promise<Stage> {
    await using made = new AsyncDisposableStack();
    const kapal = await TestKapal.prepare();
    made.defer(() => kapal.discard());
    kapal.edge = engine;
    const https =
      way === 'HTTP-01'
        ? { address: '127.0.0.1', port: kapal.https }
        : { address: `127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(1, 255)}`, port: 443 };
    // Nobody listens on port 1.
    const ports = { httpPort: way === 'HTTP-01' ? kapal.http : 1, tlsPort: way === 'HTTP-01' ? 1 : https.port };
    const pebble = made.use(await Pebble.start({ ...ports, badNonces: 40, validity }));
    await pebble.tellDns('add-a', { host: `${host}.`, addresses: [https.address] });
    const acme = ['--acme-email', 'operator@example.com', '--acme-directory', pebble.directory];
    await kapal.up(['--https', `${https.address}:${https.port}`, ...acme, '--acme-ca', pebble.ca]);
    // From here on both are the stage's.
    made.move();
    return new Stage({ kapal, pebble, https });
  }

  at(name: string, ca: string): SecureTarget {
    return { ...this.https, host: name, ca };
  }

  async domain(name: string): Promise<DomainDocument> {
    const all = await this.kapal.json<readonly DomainDocument[]>(['domain', 'list', 'web']);
    const found = all.find((one) => one.host === name);
    assert.ok(found);
    return found;
  }

  /** Waits for something that the authority, or the edge, has to do first; fails with the events. */
  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    await until(what, holds).catch(async (error: unknown) => {
      throw new Error((await this.kapal.run('events')).stdout, { cause: error });
    });
  }

  /** Pids of what answers visitors. */
  faces(): unknown {
    if (this.kapal.edge === 'nginx') return nginxNow(this.kapal);
    return processesOf(this.kapal)
      .filter(({ role }) => role === 'edge')
      .map(({ pid }) => pid)
      .toSorted((one, other) => one - other);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using pebble = this.pebble;
    void pebble;
    await this.kapal[Symbol.asyncDispose]();
  }
}

const inClear = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** Modes of the files that hold keys: those below the data folder in which one stands in clear, the record with the sealed ones, and what opens these. */
async function modesOfKeys({ data }: TestKapal): Promise<ReadonlyMap<string, string>> {
  // Manuals in the toolchain show examples of keys.
  const folders = (await readdir(data, { withFileTypes: true })).filter(
    (entry) => entry.isDirectory() && entry.name !== 'toolchain',
  );
  const paths = folders.flatMap(({ name }) =>
    [...filesBelow(join(data, name))].flatMap(({ path, content }) =>
      name === 'keys' || path.includes('/record.db') || inClear.test(content) ? [path] : [],
    ),
  );
  const modes = paths.map(async (path) => [path, ((await stat(path)).mode & 0o777).toString(8)] as const);
  return new Map(await Promise.all(modes));
}

for (const engine of ['nginx', 'embedded'] as const)
  describe(`certificates by ACME through the edge ${engine}`, () => {
    for (const way of ['HTTP-01', 'TLS-ALPN-01'] as const)
      test(`${way}: issued and renewed while visitors keep asking, none of whom notices`, async () => {
        await using stage = await Stage.open(engine, way);
        const { kapal, pebble } = stage;
        await kapal.deploy(await kapal.project('site', page));
        await stage.until('the local certificate', async () => {
          return (await stage.domain('web.localhost')).certificate.state === 'valid';
        });
        const local = stage.at(
          'web.localhost',
          await readFile((await stage.domain('web.localhost')).certificate.root ?? '', 'utf8'),
        );
        await stage.until('HTTPS by the local authority', () => answers(local));
        const faces = stage.faces();
        await using neighbours = new SecureVisitors(local);

        const added = await kapal.json<DomainDocument>(['domain', 'add', 'web', host]);
        assert.notEqual(added.certificate.state, 'none');
        await stage.until('the certificate', async () => (await stage.domain(host)).certificate.state === 'valid');
        const target = stage.at(host, await pebble.root());
        await stage.until('HTTPS by the authority', () => answers(target));
        const first = await askSecurely(target);
        assert.match(first.body, /toko/);
        await using visitors = new SecureVisitors(target);

        await stage.until('the renewal', async () => new Set(visitors.count.fresh).size > 1);
        const counts = [await visitors.stop(), await neighbours.stop()] as const;
        assert.deepEqual(
          counts.flatMap(({ failed }) => failed),
          [],
        );
        const [asked, beside] = counts;
        assert.ok(asked.requests > 100 && beside.requests > 100, JSON.stringify(counts));
        // Each that was open has gone on with what it was made with.
        assert.deepEqual(asked.kept, [first.serial, first.serial]);
        assert.deepEqual([beside.kept.length, new Set([...beside.kept, ...beside.fresh]).size], [2, 1]);
        assert.match((await kapal.run('events')).stdout, /renewed a certificate for shop\.example\.com/);

        assert.deepEqual(stage.faces(), faces);
        if (engine === 'nginx') assert.deepEqual(reloadsOf(kapal), []);
        assert.match(pebble.said, /Configured to reject 40% of good nonces/);
        const modes = await modesOfKeys(kapal);
        assert.deepEqual(new Set(modes.values()), new Set(['600']), JSON.stringify([...modes]));
        const holders = new Set([...modes.keys()].map((path) => relative(kapal.data, path).split('/')[0]));
        assert.deepEqual(holders, new Set([engine === 'nginx' ? 'edge-nginx' : 'edge', 'keys', 'record']));
        const record = [...filesBelow(join(kapal.data, 'record'))].filter(({ content }) => inClear.test(content));
        assert.deepEqual(record, [], "the account's key and the certificate's are sealed");
      });
  });

function answers(target: SecureTarget): Promise<boolean> {
  return askSecurely(target).then(
    ({ status }) => status === 200,
    () => false,
  );
}
