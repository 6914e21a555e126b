import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import type { DomainDocument } from '../../src/api/contract/types.ts';
import { Pebble } from '../integration/certificates-pebble.ts';
import { hang } from '../patience.ts';
import { TestKapal, until } from './kapal.ts';
import { freePort } from '../free-port.ts';
import { makeCertificate } from './own-certificate.ts';

const page = {
  'index.html': '<h1>toko</h1>',
  'kapal.yaml': 'project: shop\nservices:\n  - {type: static, name: web}\n',
};

interface Secure {
  readonly status: number;
  readonly body: string;
  readonly chain: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** One request over TLS that trusts `ca` alone. */
function visitSecurely(kapal: TestKapal, host: string, ca: string): Promise<Secure> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port: kapal.https, servername: host, headers: { host }, ca, agent: false, timeout: hang },
      (response) => {
        assert.ok(response.socket instanceof TLSSocket);
        const leaf = response.socket.getPeerX509Certificate();
        let body = '';
        response.on('data', (part: Buffer) => (body += part.toString()));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body,
            chain: leaf?.toString() ?? '',
            headers: response.headers,
          }),
        );
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

function listed(kapal: TestKapal): Promise<readonly DomainDocument[]> {
  return kapal.json<readonly DomainDocument[]>(['domain', 'list', 'web']);
}

async function domain(kapal: TestKapal, host: string): Promise<DomainDocument> {
  const found = (await listed(kapal)).find((one) => one.host === host);
  assert.ok(found);
  return found;
}

describe('domains and their certificates', () => {
  let kapal: TestKapal;
  before(async () => void (kapal = await TestKapal.start()));
  afterEach(() => kapal.clear());
  after(() => kapal[Symbol.asyncDispose]());

  test('a name under localhost is served over TLS by the local authority, and never redirected', async () => {
    await kapal.deploy(await kapal.project('site', page));
    await until('its certificate', async () => (await domain(kapal, 'web.localhost')).certificate.state === 'valid');
    const { certificate, url } = await domain(kapal, 'web.localhost');
    assert.deepEqual([certificate.source, certificate.trusted], ['local', false]);
    assert.equal(url, `http://web.localhost:${kapal.http}`);
    const root = await readFile(certificate.root ?? '', 'utf8');
    await until('TLS', () =>
      visitSecurely(kapal, 'web.localhost', root).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
    const secure = await visitSecurely(kapal, 'web.localhost', root);
    assert.match(secure.body, /toko/);
    assert.equal(secure.headers['strict-transport-security'], undefined);
    assert.equal((await kapal.visit('web.localhost')).status, 200);
    assert.match(
      (await kapal.run('domain', 'list', 'web')).stdout,
      /Clients accept the local certificates once they trust /,
    );
    const plain = await kapal.run('domain', 'check', 'web', 'web.localhost');
    assert.deepEqual([plain.code, /RFC 6761/.test(plain.stdout)], [0, true], plain.stdout + plain.stderr);
  });

  test('an own certificate: checked, presented, kept over a restart, and removed with its domain', async () => {
    await kapal.deploy(await kapal.project('site', page));
    const own = await makeCertificate({ names: ['shop.example.com'], days: 20 });
    const files = {
      chain: join(kapal.folder, 'chain.pem'),
      key: join(kapal.folder, 'key.pem'),
      other: join(kapal.folder, 'other.pem'),
    };
    await writeFile(files.chain, own.chain);
    await writeFile(files.key, own.key);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(files.other, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const add = (host: string, key: string) =>
      kapal.run('domain', 'add', 'web', host, '--certificate', files.chain, '--key', key);
    const wrongKey = await add('shop.example.com', files.other);
    assert.deepEqual([wrongKey.code, /the key belongs to none/.test(wrongKey.stderr)], [2, true], wrongKey.stderr);
    const wrongHost = await add('api.example.com', files.key);
    assert.match(wrongHost.stderr, /is not for api\.example\.com[\s\S]*It is for shop\.example\.com/);
    assert.deepEqual(
      (await listed(kapal)).map(({ host }) => host),
      ['web.localhost'],
    );

    const added = await add('shop.example.com', files.key);
    assert.equal(added.code, 0, added.stderr);
    const seen = () => visitSecurely(kapal, 'shop.example.com', own.root);
    await until('it is presented', () =>
      seen().then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
    assert.equal((await seen()).chain.trim(), new X509Certificate(own.chain).toString().trim());
    const { certificate } = await domain(kapal, 'shop.example.com');
    assert.deepEqual([certificate.state, certificate.source, certificate.trusted], ['valid', 'own', false]);
    assert.match(certificate.problem ?? '', /expires in (?:19|20) days/);
    assert.match((await kapal.run('events')).stdout, /the own certificate of shop\.example\.com expires in/);
    await kapal.killDaemon();
    assert.equal((await seen()).status, 200);
    await kapal.up();
    assert.equal((await domain(kapal, 'shop.example.com')).certificate.source, 'own');
    assert.equal((await kapal.run('domain', 'remove', 'web', 'shop.example.com')).code, 0);
    await until('it is gone', () =>
      seen().then(
        () => false,
        () => true,
      ),
    );
    const again = await kapal.json<DomainDocument>(['domain', 'add', 'web', 'shop.example.com']);
    assert.equal(again.certificate.state, 'none');
    assert.match(again.certificate.hint ?? '', /--acme-email/);
  });

  test('a port for HTTPS that was asked for and is taken is named', async () => {
    const data = join(kapal.folder, 'second');
    const addresses = [
      `127.0.0.1:${await freePort()}`,
      `127.0.0.1:${kapal.https}`,
      `127.0.0.1:${await freePort()}`,
    ] as const;
    const [http, https, api] = addresses;
    const second = await kapal.runWith(
      { env: { KAPAL_DATA: data } },
      'up',
      '--data',
      data,
      '--edge',
      'embedded',
      '--http',
      http,
      '--https',
      https,
      '--api',
      api,
    );
    assert.equal(second.code, 1);
    assert.match(second.stderr, new RegExp(`${kapal.https}.*\\(port_taken\\)`));
  });
});

describe('certificates by ACME', () => {
  test('a public name by ACME: issued, redirected, with HSTS; renewal asks the same account', async () => {
    await using kapal = await TestKapal.prepare();
    await using pebble = await Pebble.start({ httpPort: kapal.http, tlsPort: kapal.https, badNonces: 40 });
    await kapal.up([
      '--acme-email',
      'operator@example.com',
      '--acme-directory',
      pebble.directory,
      '--acme-ca',
      pebble.ca,
    ]);
    await kapal.deploy(await kapal.project('site', page));
    const added = await kapal.json<DomainDocument & { added: boolean }>(['domain', 'add', 'web', 'shop.example.com']);
    assert.ok(added.added);
    await until(
      'the certificate',
      async () => (await domain(kapal, 'shop.example.com')).certificate.state === 'valid',
    ).catch(async (error: unknown) => {
      throw new Error((await kapal.run('events')).stdout, { cause: error });
    });
    const root = await pebble.root();
    const secure = await visitSecurely(kapal, 'shop.example.com', root);
    assert.equal(secure.status, 200);
    await until('the redirect', async () => (await kapal.visit('shop.example.com', '/a?b=c')).status === 301);
    assert.equal(
      (await kapal.visit('shop.example.com', '/a?b=c')).headers['location'],
      `https://shop.example.com:${kapal.https}/a?b=c`,
    );
    assert.equal(
      (await visitSecurely(kapal, 'shop.example.com', root)).headers['strict-transport-security'],
      'max-age=31536000',
    );
    assert.deepEqual((await kapal.service('web')).urls, [
      `https://shop.example.com:${kapal.https}`,
      `http://web.localhost:${kapal.http}`,
    ]);
    assert.match((await kapal.run('domain', 'list', 'web')).stdout, /shop\.example\.com +added .*valid, ACME, Pebble/);
  });
});
