import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { CertificatesKapal, site } from './certificates-kapal.ts';
import { Pebble } from './certificates-pebble.ts';

describe('certificates by ACME, with nonces refused', () => {
  test('a name under localhost gets a leaf of its own without an authority', async () => {
    await using kapal = await CertificatesKapal.start();
    await kapal.begin(null);
    const [shown] = kapal.edge.presented();
    assert.deepEqual(shown?.names, ['web.localhost']);
    const leaf = new X509Certificate(shown.chain);
    const root = new X509Certificate(kapal.store.facts.get('local-authority') ?? '');
    assert.ok(leaf.verify(root.publicKey) && leaf.checkIssued(root));
    assert.equal(leaf.checkHost('web.localhost'), 'web.localhost');
    assert.equal(leaf.validToDate.getTime() - Date.now() < 91 * 86_400_000, true);
    assert.deepEqual(kapal.loop.trust('web.localhost'), { https: true, trusted: false });
    assert.deepEqual(kapal.complaints, []);
  });

  test('HTTP-01: issued, presented, trusted, and told', async () => {
    await using kapal = await CertificatesKapal.start();
    await using pebble = await Pebble.start({ httpPort: kapal.httpPort, tlsPort: 1, badNonces: 50 });
    kapal.addDomain('shop.example.com');
    await kapal.begin(pebble);
    await kapal.loop.idle();
    await kapal.loop.pass();
    const shown = kapal.edge.presented().find(({ names }) => names.includes('shop.example.com'));
    assert.ok(shown, `${kapal.events().join('\n')}\n${kapal.complaints.join('\n')}`);
    const leaf = new X509Certificate(shown.chain);
    assert.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
    assert.deepEqual(kapal.loop.trust('shop.example.com'), { https: true, trusted: true });
    assert.equal(kapal.store.certificates.order('shop.example.com')?.state, 'waiting');
    assert.match(kapal.events().join('\n'), /certificate\.issued .* issued a certificate for shop\.example\.com/);
    assert.equal(kapal.store.events.last(1)[0]?.service, site);
  });
});
