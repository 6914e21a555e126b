import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../patience.ts';
import { CertificatesKapal } from './certificates-kapal.ts';
import { Pebble } from './certificates-pebble.ts';

const host = 'shop.example.com';
const minute = 60_000;

/** Resolves when nothing is under way any more. */
async function settle(kapal: CertificatesKapal): Promise<void> {
  await kapal.loop.pass();
  await kapal.loop.idle();
  await kapal.loop.pass();
}

function held(kapal: CertificatesKapal): boolean {
  return kapal.store.certificates.get(host)?.source === 'acme';
}

describe('certificates that do not come at once', () => {
  test('failing proofs: told, backed off, and issued when the cause is gone', async () => {
    await using kapal = await CertificatesKapal.start();
    await using pebble = await Pebble.start({ httpPort: kapal.httpPort, tlsPort: 1 });
    kapal.isDeaf = true;
    kapal.takesProofs = false;
    kapal.addDomain(host);
    await kapal.begin(pebble);
    await settle(kapal);
    const first = kapal.store.certificates.order(host);
    assert.equal(first?.failures, 1);
    assert.match(first?.problem ?? '', /404|nothing here|unauthorized/i);
    const orders = pebble.count('Added order');
    // Before its time nothing is asked.
    kapal.clock.jump(1.5 * minute);
    await settle(kapal);
    assert.equal(kapal.store.certificates.order(host)?.failures, 1);
    assert.equal(pebble.count('Added order'), orders);
    kapal.clock.jump(minute);
    await settle(kapal);
    assert.equal(kapal.store.certificates.order(host)?.failures, 2);
    kapal.isDeaf = false;
    kapal.clock.jump(7 * minute);
    await settle(kapal);
    assert.ok(held(kapal), kapal.events().join('\n'));
    assert.deepEqual(
      kapal.events().map((event) => event.split(' ')[0]),
      ['certificate.failed', 'certificate.failed', 'certificate.issued'],
    );
  });

  test('an authority that is away is tried again, without blame for the name', async () => {
    await using kapal = await CertificatesKapal.start();
    await using pebble = await Pebble.start({ httpPort: kapal.httpPort, tlsPort: 1 });
    await pebble.end();
    kapal.addDomain(host);
    await kapal.begin(pebble);
    await settle(kapal);
    const account = kapal.store.certificates.account(pebble.directory);
    assert.equal(account?.failures, 1);
    assert.match(account?.problem ?? '', /ECONNREFUSED/);
    assert.equal(kapal.store.certificates.order(host)?.failures, 0);
    kapal.clock.jump(minute);
    await settle(kapal);
    assert.equal(kapal.store.certificates.account(pebble.directory)?.failures, 2);
    await pebble.begin();
    kapal.clock.jump(minute);
    await settle(kapal);
    assert.ok(held(kapal), kapal.events().join('\n'));
    assert.equal(kapal.store.certificates.account(pebble.directory)?.failures, 0);
  });

  test('a daemon that dies between order and certificate: the next one goes on with the same order and key', async () => {
    await using kapal = await CertificatesKapal.start();
    await using pebble = await Pebble.start({ httpPort: kapal.httpPort, tlsPort: 1 });
    kapal.isDeaf = true;
    kapal.addDomain(host);
    // The order is placed, and this daemon ends before it has gone on.
    const placed = new Promise<void>((resolve) => {
      const { certificates } = kapal.store;
      const put = certificates.putOrder.bind(certificates);
      Object.assign(certificates, {
        putOrder: (row: Parameters<typeof put>[0]) => {
          put(row);
          if (row.state === 'placed') {
            void kapal.loop.close();
            resolve();
          }
        },
      });
    });
    await kapal.begin(pebble);
    await placed;
    await kapal.loop.close();
    const before = kapal.store.certificates.order(host);
    assert.equal(before?.state, 'placed');
    kapal.isDeaf = false;
    await kapal.begin(pebble);
    await settle(kapal);
    assert.ok(held(kapal), kapal.events().join('\n'));
    assert.equal(pebble.count('Added order'), 1);
  });

  test('an authority that has forgotten the account and the order is asked anew', async () => {
    await using kapal = await CertificatesKapal.start();
    await using pebble = await Pebble.start({ httpPort: kapal.httpPort, tlsPort: 1 });
    kapal.addDomain(host);
    await kapal.begin(pebble);
    await settle(kapal);
    assert.ok(held(kapal));
    await pebble.end();
    await pebble.begin();
    kapal.store.certificates.remove(host);
    await until('a second certificate', async () => {
      kapal.clock.jump(6 * 60 * minute);
      await settle(kapal);
      return held(kapal);
    });
  });

  test('a domain that is removed stops its order; nothing of it stays', async () => {
    await using kapal = await CertificatesKapal.start();
    await using pebble = await Pebble.start({ httpPort: kapal.httpPort, tlsPort: 1 });
    const { certificates } = kapal.store;
    const put = certificates.putOrder.bind(certificates);
    Object.assign(certificates, {
      putOrder: (row: Parameters<typeof put>[0]) => {
        put(row);
        if (row.state !== 'placed') return;
        kapal.store.domains.remove(host);
        kapal.loop.wake();
      },
    });
    kapal.addDomain(host);
    await kapal.begin(pebble);
    await settle(kapal);
    assert.equal(held(kapal), false);
    assert.equal(kapal.store.certificates.order(host), null);
    assert.deepEqual(kapal.events(), []);
  });
});

describe('renewal', () => {
  test('at two thirds of the life, beside the certificate that is still good', async () => {
    await using kapal = await CertificatesKapal.start();
    await using pebble = await Pebble.start({ httpPort: kapal.httpPort, tlsPort: 1, validity: 90 * 86_400 });
    kapal.addDomain(host);
    await kapal.begin(pebble);
    await settle(kapal);
    const first = kapal.store.certificates.get(host);
    kapal.clock.jump(50 * 86_400_000);
    await settle(kapal);
    assert.equal(kapal.store.certificates.get(host)?.digest, first?.digest);
    await pebble.end();
    kapal.clock.jump(11 * 86_400_000);
    await settle(kapal);
    // The authority is away: what is held is presented on.
    assert.ok(kapal.edge.presented().some(({ id }) => id === first?.digest));
    assert.equal(kapal.loop.trust(host).trusted, true);
    await pebble.begin();
    await until('the renewal', async () => {
      kapal.clock.jump(minute);
      await settle(kapal);
      return kapal.store.certificates.get(host)?.digest !== first?.digest;
    });
    assert.match(kapal.events().at(-1) ?? '', /certificate\.renewed/);
    // The authority's clock did not jump: what it issues is due again at once, and yet it is not asked again.
    await settle(kapal);
    assert.equal(kapal.events().filter((event) => event.startsWith('certificate.renewed')).length, 1);
  });
});
