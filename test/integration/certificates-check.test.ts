import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createNetworkView } from '../../src/certificates/network/view.ts';
import { findingsOf, type Observations } from '../../src/certificates/findings.ts';
import { CertificatesKapal } from './certificates-kapal.ts';
import { Pebble } from './certificates-pebble.ts';

const host = 'shop.example.com';

describe('what kapal domain check looks at', () => {
  test('addresses, aliases and CAA as the resolver has them', async () => {
    await using pebble = await Pebble.start({ httpPort: 1, tlsPort: 1 });
    const network = createNetworkView({ servers: [pebble.dns] });
    await pebble.tellDns('set-default-ipv4', { ip: '' });
    const missing = await network.records(host);
    assert.deepEqual([missing.addresses, missing.resolvers], [[], [pebble.dns]]);
    assert.match(missing.error ?? '', /ENODATA|ENOTFOUND/);
    await pebble.tellDns('add-a', { host: `${host}.`, addresses: ['127.0.0.1'] });
    await pebble.tellDns('add-caa', {
      host: 'example.com.',
      policies: [{ tag: 'issue', value: 'ca.example.net; policy=ev' }],
    });
    assert.deepEqual((await network.records(host)).addresses, ['127.0.0.1']);
    assert.deepEqual(await network.caa(host), {
      at: 'example.com',
      issue: ['ca.example.net'],
      issueWildcard: [],
      error: null,
    });
    await pebble.tellDns('set-cname', { host: 'www.example.com.', target: `${host}.` });
    assert.deepEqual((await network.records('www.example.com')).aliases, [host]);
    await pebble.tellDns('set-servfail', { host: `${host}.` });
    assert.match((await network.records(host)).error ?? '', /ESERVFAIL/);
    assert.match((await network.caa(host)).error ?? '', /ESERVFAIL/);
  });

  test('ports, a trial challenge, and the certificate that is presented', async () => {
    await using kapal = await CertificatesKapal.start();
    await using pebble = await Pebble.start({ httpPort: kapal.httpPort, tlsPort: kapal.tlsPort });
    kapal.addDomain(host);
    await kapal.begin(pebble);
    await kapal.loop.idle();
    await kapal.loop.pass();
    const network = createNetworkView({ servers: [pebble.dns] });
    const path = '/.well-known/acme-challenge/token';
    const ask = () => network.get({ address: '127.0.0.1', port: kapal.httpPort, host, path });
    const answered = await kapal.loop.showing({ host, token: 'token', answer: 'answer' }, ask);
    assert.deepEqual([answered.kind, 'body' in answered && answered.body], ['answer', 'answer']);
    const after = await ask();
    assert.equal('status' in after && after.status, 404);
    assert.deepEqual(await network.get({ address: '127.0.0.1', port: 1, host, path }), {
      kind: 'failed',
      error: 'ECONNREFUSED',
    });
    const presented = await network.handshake({ address: '127.0.0.1', port: kapal.tlsPort, host });
    assert.ok(presented.kind === 'certificate', JSON.stringify(presented));
    assert.deepEqual(presented.names, [host]);
    // Nobody trusts the authority of a test.
    assert.notEqual(presented.refusal, null);
    assert.ok(Math.abs((await network.clockSkew(pebble.directory)) ?? Number.NaN) < 60_000);
    assert.equal(await network.clockSkew('https://127.0.0.1:1/'), null);
  });
});

describe('what it means', () => {
  const good: Observations = {
    host,
    dns: { addresses: ['192.0.2.1'], aliases: [], error: null, resolvers: ['192.0.2.53'] },
    ownAddresses: ['192.0.2.1', '10.0.0.1'],
    reached: [
      {
        address: '192.0.2.1',
        http: { kind: 'answer', status: 200, body: 'answer', date: null },
        https: { kind: 'certificate', names: [host], issuer: 'CA', notAfter: Date.UTC(2026, 5, 1), refusal: null },
      },
    ],
    answer: 'answer',
    caa: { at: null, issue: [], issueWildcard: [], error: null },
    identities: ['ca.example.org'],
    skew: 100,
    expectsCertificate: true,
  };
  const [reached] = good.reached;
  assert.ok(reached);
  const cases: readonly (readonly [what: string, change: Partial<Observations>, code: string, result: string])[] = [
    ['no record', { dns: { ...good.dns, addresses: [], error: 'ENOTFOUND' } }, 'dns-missing', 'problem'],
    ['a dead resolver', { dns: { ...good.dns, addresses: [], error: 'ETIMEOUT' } }, 'dns-unanswered', 'unknown'],
    ['another machine', { dns: { ...good.dns, addresses: ['198.51.100.7'] } }, 'address-elsewhere', 'warning'],
    ['perhaps behind NAT', { ownAddresses: ['10.0.0.1'] }, 'address-unknown', 'unknown'],
    [
      'port 80 shut',
      { reached: [{ ...reached, http: { kind: 'failed', error: 'ETIMEDOUT' } }] },
      'http-closed',
      'problem',
    ],
    [
      'another server',
      { reached: [{ ...reached, http: { kind: 'answer', status: 404, body: '', date: null } }] },
      'challenge-other',
      'problem',
    ],
    [
      'port 443 shut',
      { reached: [{ ...reached, https: { kind: 'failed', error: 'ECONNREFUSED' } }] },
      'https-closed',
      'problem',
    ],
    ['CAA of another', { caa: { ...good.caa, at: 'example.com', issue: ['other.example'] } }, 'caa-forbids', 'problem'],
    ['CAA of ours', { caa: { ...good.caa, at: 'example.com', issue: ['ca.example.org'] } }, 'caa-allows', 'ok'],
    ['CAA that allows nobody', { caa: { ...good.caa, at: 'example.com', issue: [''] } }, 'caa-forbids', 'problem'],
    [
      'CAA for wildcards alone',
      {
        host: '*.example.com',
        caa: { ...good.caa, at: 'example.com', issue: ['ca.example.org'], issueWildcard: [''] },
      },
      'caa-forbids',
      'problem',
    ],
    ['CAA that cannot be asked', { caa: { ...good.caa, error: 'ESERVFAIL' } }, 'caa-unanswered', 'warning'],
    ['a wrong clock', { skew: -3_600_000 }, 'clock-wrong', 'problem'],
  ];

  test('all is well', () => {
    const results = new Set(findingsOf(good).map(({ result }) => result));
    assert.deepEqual([...results], ['ok']);
  });

  for (const [what, change, code, result] of cases) {
    test(what, () => {
      const found = findingsOf({ ...good, ...change }).find((finding) => finding.code === code);
      assert.equal(found?.result, result, JSON.stringify(findingsOf({ ...good, ...change })));
      assert.ok(result === 'ok' || found?.advice !== null);
    });
  }
});
