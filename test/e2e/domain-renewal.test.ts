import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import type { DomainDocument } from '../../src/api/contract/types.ts';
import { Pebble } from '../integration/certificates-pebble.ts';
import { hang } from '../patience.ts';
import { TestKapal, until } from './kapal.ts';

const host = 'shop.example.com';
const page = {
  'index.html': '<h1>toko</h1>',
  'kapal.yaml': 'project: shop\nservices:\n  - {type: static, name: web}\n',
};

/** One connection over TLS, kept open: requests on it one after the other. */
class Visitor implements Disposable {
  readonly #socket: TLSSocket;
  readonly certificate: string;

  private constructor(socket: TLSSocket) {
    const leaf = socket.getPeerX509Certificate();
    assert.ok(leaf instanceof X509Certificate);
    this.certificate = leaf.serialNumber;
    this.#socket = socket;
  }

  static async arrive(port: number, ca: string): Promise<Visitor> {
    const socket = connect({ host: '127.0.0.1', port, servername: host, ca, ALPNProtocols: ['http/1.1'] });
    await once(socket, 'secureConnect');
    return new Visitor(socket);
  }

  /** The first line of the answer. */
  async ask(): Promise<string> {
    this.#socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    const [answer] = (await once(this.#socket, 'data', { signal: AbortSignal.timeout(hang) })) as [Buffer];
    return answer.toString().split('\r\n')[0] ?? '';
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

describe('renewal', () => {
  test('a new certificate for new connections; one that is open goes on', async () => {
    await using kapal = await TestKapal.prepare();
    await using pebble = await Pebble.start({ httpPort: kapal.http, tlsPort: kapal.https, validity: 30 });
    await kapal.up([
      '--acme-email',
      'operator@example.com',
      '--acme-directory',
      pebble.directory,
      '--acme-ca',
      pebble.ca,
    ]);
    await kapal.deploy(await kapal.project('site', page));
    await kapal.json<DomainDocument>(['domain', 'add', 'web', host]);
    const root = await pebble.root();
    const arrive = () => Visitor.arrive(kapal.https, root);
    await until('HTTPS', () =>
      arrive().then(
        (visitor) => (visitor[Symbol.dispose](), true),
        () => false,
      ),
    );
    using first = await arrive();
    assert.equal(await first.ask(), 'HTTP/1.1 200 OK');
    let visits = 0;
    await until(
      'the renewal',
      async () => {
        assert.equal(await first.ask(), 'HTTP/1.1 200 OK');
        using visitor = await arrive();
        assert.equal(await visitor.ask(), 'HTTP/1.1 200 OK');
        visits += 1;
        return visitor.certificate !== first.certificate;
      },
      60,
    );
    assert.ok(visits > 1);
    assert.equal(await first.ask(), 'HTTP/1.1 200 OK');
    assert.match((await kapal.run('events')).stdout, /renewed a certificate for shop\.example\.com/);
  });
});
