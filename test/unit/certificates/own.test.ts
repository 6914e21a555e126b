import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { digestOf, factsOf, readOwnCertificate } from '../../../src/certificates/inspect.ts';
import { createLocalAuthority } from '../../../src/certificates/local/authority.ts';
import { createRootStore } from '../../../src/certificates/local/trust.ts';
import { KapalError } from '../../../src/model/errors.ts';
import { makeCertificate } from '../../e2e/own-certificate.ts';

const now = Date.now();
const host = 'shop.example.com';

function refusal(input: Parameters<typeof readOwnCertificate>[0]): string {
  try {
    readOwnCertificate(input);
  } catch (error) {
    assert.ok(error instanceof KapalError && error.code === 'certificate_invalid');
    return `${error.message} ${error.hint ?? ''}`;
  }
  return 'taken';
}

describe('own certificates', () => {
  test('are put in order, whatever order the file has, without the root', async () => {
    const made = await makeCertificate({ names: [host, '*.example.com'], days: 30 });
    const [leaf, middle] = made.chain.split(/(?<=-----END CERTIFICATE-----\n)/);
    const read = readOwnCertificate({ chain: `${made.root}${middle}${leaf}`, key: made.key, host, now });
    const subjects = read.chain
      .split(/(?<=-----END CERTIFICATE-----\n)/)
      .map((pem) => new X509Certificate(pem).subject);
    assert.deepEqual(
      subjects.map((subject) => /CN=([^\n]*)/.exec(subject)?.[1]),
      [host, 'Test Intermediate'],
    );
    assert.deepEqual(factsOf(read.chain).names, [host, '*.example.com']);
    assert.equal(factsOf(read.chain).issuer, 'Test Authority Test Intermediate');
    assert.match(digestOf(read), /^[0-9a-f]{32}$/);
  });

  test('in an old form of the key are taken; the key is kept as PKCS #8', async () => {
    const made = await makeCertificate({ names: [host], days: 30 });
    const old = createPrivateKey(made.key).export({ type: 'sec1', format: 'pem' }).toString();
    assert.match(readOwnCertificate({ chain: made.chain, key: old, host, now }).key, /^-----BEGIN PRIVATE KEY-----/);
  });

  test('that cannot be used are refused with the reason', async () => {
    const made = await makeCertificate({ names: [host], days: 30 });
    const expired = await makeCertificate({ names: [host], days: -1 });
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const other = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const locked = privateKey
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
      .toString();
    const good = { chain: made.chain, key: made.key, host, now };
    assert.match(refusal({ ...good, key: other }), /the key belongs to none/);
    assert.match(refusal({ ...good, key: locked }), /encrypted.*openssl pkey/);
    assert.match(refusal({ ...good, key: 'nothing' }), /the key cannot be read/);
    assert.match(refusal({ ...good, chain: 'nothing' }), /no certificate in the file/);
    assert.match(refusal({ ...good, host: 'a.b.example.com' }), /is not for a\.b\.example\.com.*It is for shop/);
    assert.match(refusal({ ...good, chain: expired.chain, key: expired.key }), /expired on 20/);
    assert.match(refusal({ ...good, now: now - 400 * 86_400_000 }), /is valid from 20/);
    assert.match(
      refusal({ ...good, chain: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' }),
      /cannot be read/,
    );
    assert.equal(refusal(good), 'taken');
  });
});

describe('trust', () => {
  test('is what a handshake with the machine’s roots says', async () => {
    const made = await makeCertificate({ names: [host], days: 30 });
    const strangers = createRootStore({ roots: [] });
    assert.match((await strangers.refuses(made, host)) ?? '', /unable to (?:verify|get)|self.signed/i);
    const trusting = createRootStore({ roots: [made.root] });
    assert.equal(await trusting.refuses(made, host), null);
    assert.match((await trusting.refuses(made, 'other.example.com')) ?? '', /does not match|altnames/i);
    assert.match((await createRootStore().refuses(made, host)) ?? '', /unable to|self.signed/i);
  });

  test('the local root is believed for names under localhost alone', async () => {
    const authority = createLocalAuthority({ folder: '/nowhere' });
    const root = await authority.makeRoot(now);
    const trusting = createRootStore({ roots: [root.chain] });
    const good = await authority.issue(root, { name: 'web.localhost', now });
    assert.equal(await trusting.refuses(good, 'web.localhost'), null);
    const evil = await authority.issue(root, { name: 'bank.example.com', now });
    assert.match((await trusting.refuses(evil, 'bank.example.com')) ?? '', /permitted subtree/i);
  });
});
