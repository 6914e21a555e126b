import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent } from 'node:https';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { EdgeCertificate } from '../../src/edge/certificate.ts';
import { KapalError } from '../../src/model/errors.ts';
import { makeCertificate } from '../integration/nginx-certificates.ts';
import { hang } from '../patience.ts';
import { fingerprintOf, type Outcome, type TlsGround } from './edge-tls-ground.ts';

type Ground = () => TlsGround;

const unrecognized = 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME';

/** Which certificate is presented to whom. */
export function choiceCases(ground: Ground): void {
  test('the certificate of the name that is asked for is presented', async () => {
    const [a, b] = await presented(ground(), [['a.test'], ['b.test', 'c.test']]);
    assert.equal(shown(await ground().handshake('a.test')), fingerprintOf(a));
    assert.equal(shown(await ground().handshake('b.test')), fingerprintOf(b));
    assert.equal(shown(await ground().handshake('c.test')), fingerprintOf(b));
  });

  test('a wildcard stands for exactly one label, and an exact name comes before it', async () => {
    const [wild, exact] = await presented(ground(), [['*.w.test'], ['www.w.test']]);
    assert.equal(shown(await ground().handshake('x.w.test')), fingerprintOf(wild));
    assert.equal(shown(await ground().handshake('www.w.test')), fingerprintOf(exact));
    for (const name of ['w.test', 'a.b.w.test', 'xw.test']) {
      assert.deepEqual(await ground().handshake(name), { done: false, code: unrecognized }, name);
    }
  });

  test('the case of the name does not matter', async () => {
    const [a] = await presented(ground(), [['a.test']]);
    assert.equal(shown(await ground().handshake('A.TesT')), fingerprintOf(a));
  });

  test('a client that asks for another name is refused with unrecognized_name', async () => {
    await presented(ground(), [['a.test']]);
    assert.deepEqual(await ground().handshake('other.test'), { done: false, code: unrecognized });
  });

  test('a client that asks for no name is refused with unrecognized_name', async () => {
    await presented(ground(), [['a.test']]);
    assert.deepEqual(await ground().handshake(null), { done: false, code: unrecognized });
  });

  test('without certificates everybody is refused', async () => {
    await ground().edge.present([]);
    assert.deepEqual(await ground().handshake('a.test'), { done: false, code: unrecognized });
  });
}

/** Mozilla's intermediate profile. */
export function profileCases(ground: Ground): void {
  const legacy = { ciphers: 'ALL:@SECLEVEL=0', minVersion: 'TLSv1' } as const;

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`${version} is spoken`, async () => {
      await presented(ground(), [['a.test']]);
      const outcome = await ground().handshake('a.test', { minVersion: version, maxVersion: version });
      assert.equal(outcome.done && outcome.protocol, version);
    });
  }

  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    test(`${version} is refused`, async () => {
      await presented(ground(), [['a.test']]);
      const outcome = await ground().handshake('a.test', { ...legacy, maxVersion: version });
      assert.deepEqual(outcome, { done: false, code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
    });
  }

  const taken = ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305'];
  const refused = [
    'ECDHE-ECDSA-AES128-SHA',
    'ECDHE-ECDSA-AES128-SHA256',
    'ECDHE-ECDSA-AES256-CCM8',
    'AES128-GCM-SHA256',
  ];
  test('of TLS 1.2 the ciphers of the profile are taken, and no others', async () => {
    await presented(ground(), [['a.test']]);
    for (const cipher of taken) {
      const outcome = await ground().handshake('a.test', { ciphers: cipher, maxVersion: 'TLSv1.2' });
      assert.equal(outcome.done, true, `${cipher}: ${JSON.stringify(outcome)}`);
    }
    for (const cipher of refused) {
      const ciphers = `${cipher}:@SECLEVEL=0`;
      const outcome = await ground().handshake('a.test', { ciphers, maxVersion: 'TLSv1.2' });
      assert.equal(outcome.done, false, cipher);
    }
  });

  test('the client chooses among the ciphers', async () => {
    await presented(ground(), [['a.test']]);
    for (const first of taken) {
      const ciphers = [first, ...taken.filter((cipher) => cipher !== first)].join(':');
      const outcome = await ground().handshake('a.test', { ciphers, maxVersion: 'TLSv1.2' });
      const words = first.replace('ECDHE-ECDSA-', '').split('-').slice(0, 1).join('');
      assert.ok(outcome.done && outcome.cipher.replaceAll('_', '').includes(words), JSON.stringify([first, outcome]));
    }
  });

  test('HTTP/2 comes before HTTP/1.1, and without ALPN it is HTTP/1.1', async () => {
    await presented(ground(), [['a.test']]);
    const chosen = async (protocols: string[]): Promise<string | false> => {
      const outcome = await ground().handshake('a.test', { ALPNProtocols: protocols });
      return outcome.done && outcome.alpn;
    };
    assert.equal(await chosen(['http/1.1', 'h2']), 'h2');
    assert.equal(await chosen(['http/1.1']), 'http/1.1');
    assert.equal(await chosen([]), false);
    const outcome = await ground().handshake('a.test', { ALPNProtocols: ['spdy/3'] });
    assert.equal(outcome.done, false, 'a protocol that nobody speaks');
  });

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`sessions of ${version} are resumed by every worker`, async () => {
      await presented(ground(), [['a.test']]);
      const session = await sessionOf(ground(), version);
      for (let turn = 0; turn < 12; turn += 1) {
        const outcome = await ground().handshake('a.test', { session, minVersion: version, maxVersion: version });
        assert.ok(outcome.done && outcome.resumed, `connection ${turn}: ${JSON.stringify(outcome)}`);
      }
    });
  }

  test('what is no TLS ends, and honest clients are served', async () => {
    await presented(ground(), [['a.test']]);
    for (const text of [
      'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n',
      '\x16\x03\x01\xff\xff',
      '\0\0\0\0\0\0\0',
      '\x80\x2e\x01\0\x02',
    ]) {
      await endOfPlain(ground(), text);
    }
    assert.equal((await ground().handshake('a.test')).done, true);
  });
}

/** Sets of certificates that change. */
export function changeCases(ground: Ground): void {
  test('a certificate changes under requests of open connections without one that fails', async () => {
    await ground().route(['a.test']);
    const [first] = await presented(ground(), [['a.test']]);
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    try {
      let failed = 0;
      const lanes = Array.from({ length: 4 }, async () => {
        for (let count = 0; count < 50; count += 1) {
          const { status } = await ground().ask('a.test', { agent });
          if (status !== 200) failed += 1;
        }
      });
      const [second] = await presented(ground(), [['a.test']]);
      await Promise.all(lanes);
      assert.equal(failed, 0);
      assert.notEqual(fingerprintOf(first), fingerprintOf(second));
      assert.equal(shown(await ground().handshake('a.test')), fingerprintOf(second));
    } finally {
      agent.destroy();
    }
  });

  test('an open connection goes on when its certificate is gone', async () => {
    await ground().route(['a.test']);
    await presented(ground(), [['a.test']]);
    using client = ground().session('a.test');
    assert.equal((await client.ask('/')).status, 200);
    await ground().edge.present([]);
    assert.equal((await client.ask('/')).status, 200);
    assert.equal((await ground().handshake('a.test')).done, false);
  });

  test('of twenty changes each holds for the next connection', async () => {
    for (let change = 0; change < 20; change += 1) {
      const [certificate] = await presented(ground(), [['a.test']]);
      const outcomes = await Promise.all(Array.from({ length: 4 }, () => ground().handshake('a.test')));
      assert.deepEqual(new Set(outcomes.map(shown)), new Set([fingerprintOf(certificate)]), `change ${change}`);
    }
  });

  test('the same set again, and a set in another order, change nothing', async () => {
    const set = await presented(ground(), [['a.test'], ['b.test']]);
    await ground().edge.present(set);
    await ground().edge.present(set.toReversed());
    assert.equal(shown(await ground().handshake('a.test')), fingerprintOf(set[0] as EdgeCertificate));
    assert.equal(shown(await ground().handshake('b.test')), fingerprintOf(set[1] as EdgeCertificate));
  });

  test('a certificate that was taken out is presented no longer, and the others are', async () => {
    const [a, b] = await presented(ground(), [['a.test'], ['b.test']]);
    await ground().edge.present([a]);
    assert.deepEqual(await ground().handshake('b.test'), { done: false, code: unrecognized });
    assert.equal(shown(await ground().handshake('a.test')), fingerprintOf(a));
    await ground().edge.present([a, b]);
    assert.equal(shown(await ground().handshake('b.test')), fingerprintOf(b));
  });

  test('a certificate that is not sound is named, and the last set stays', async () => {
    const [a] = await presented(ground(), [['a.test']]);
    const [b, c] = await Promise.all([makeCertificate(['b.test']), makeCertificate(['c.test'])]);
    const broken: EdgeCertificate[] = [
      { ...b, key: c.key },
      { ...b, chain: 'no certificate' },
      { ...b, key: 'no key' },
      { ...b, chain: b.chain.replace(/[A-Za-z0-9+/]{40}\n/, 'AAAA\n') },
    ];
    for (const certificate of broken) {
      await assert.rejects(ground().edge.present([a, certificate]), (error: unknown) => {
        assert.ok(error instanceof KapalError && error.code === 'edge_failed');
        assert.match(error.message, /b\.test/);
        assert.ok(!error.message.includes(c.key.split('\n')[1] ?? '?'), 'the key is not told');
        return true;
      });
    }
    assert.equal(shown(await ground().handshake('a.test')), fingerprintOf(a));
    assert.equal((await ground().handshake('b.test')).done, false);
  });

  test('certificates survive a restart of the engine', async () => {
    const [a] = await presented(ground(), [['a.test']]);
    await ground().edge.stop(1000);
    await ground().under.again().ensure();
    assert.equal(shown(await ground().handshake('a.test')), fingerprintOf(a));
  });
}

/** RFC 8737. */
export function proofCases(ground: Ground): void {
  test('a certificate of a proof is presented to clients that speak acme-tls/1 alone', async () => {
    const [usual, proof] = await Promise.all([
      makeCertificate(['a.test']),
      makeCertificate(['a.test'], { purpose: 'acme-tls/1' }),
    ]);
    await ground().edge.present([usual, proof]);
    const to = (ALPNProtocols: string[]): Promise<Outcome> => ground().handshake('a.test', { ALPNProtocols });
    const asked = await to(['acme-tls/1']);
    assert.equal(shown(asked), fingerprintOf(proof));
    assert.equal(asked.done && asked.alpn, 'acme-tls/1');
    for (const protocols of [['h2', 'http/1.1'], ['http/1.1'], [], ['acme-tls/1', 'h2'], ['h2', 'acme-tls/1']]) {
      assert.equal(shown(await to(protocols)), fingerprintOf(usual), protocols.join());
    }
  });

  test('nothing else is served on the connection of a proof', async () => {
    await ground().route(['a.test']);
    await ground().edge.present([await makeCertificate(['a.test'], { purpose: 'acme-tls/1' })]);
    const socket = ground().connect('a.test', { ALPNProtocols: ['acme-tls/1'] });
    let answer = '';
    socket.on('data', (part: Buffer) => (answer += part.toString('latin1')));
    socket.on('secureConnect', () => socket.write('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n'));
    // By a reset or not: either way without an answer.
    await new Promise((resolve) => socket.once('close', resolve));
    assert.ok(!answer.includes('200'), answer.slice(0, 100));
    assert.deepEqual(await ground().handshake('a.test'), { done: false, code: unrecognized }, 'no traffic by a proof');
  });

  test('without a proof nobody gets acme-tls/1', async () => {
    await presented(ground(), [['a.test']]);
    assert.equal((await ground().handshake('a.test', { ALPNProtocols: ['acme-tls/1'] })).done, false);
  });
}

/** Makes certificates for these names and presents them, and no others. */
export async function presented<const N extends readonly (readonly string[])[]>(
  ground: TlsGround,
  names: N,
): Promise<{ [K in keyof N]: EdgeCertificate }> {
  const certificates = await Promise.all(names.map((each) => makeCertificate(each)));
  await ground.edge.present(certificates);
  return certificates as { [K in keyof N]: EdgeCertificate };
}

function shown(outcome: Outcome): string {
  return outcome.done ? outcome.fingerprint : outcome.code;
}

/** A session that a client keeps for later. TLS 1.3 sends it after the handshake. */
async function sessionOf(ground: TlsGround, version: 'TLSv1.2' | 'TLSv1.3'): Promise<Buffer> {
  const socket = ground.connect('a.test', { minVersion: version, maxVersion: version });
  try {
    const [session] = (await once(socket, 'session', { signal: AbortSignal.timeout(hang) })) as [Buffer];
    return session;
  } finally {
    socket.destroy();
  }
}

async function endOfPlain(ground: TlsGround, text: string): Promise<void> {
  const socket = connect(ground.under.https, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  socket.end(text, 'latin1');
  await once(socket, 'close', { signal: AbortSignal.timeout(hang) });
}
