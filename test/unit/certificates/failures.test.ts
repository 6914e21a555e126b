import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AcmeProblem } from '../../../src/certificates/port.ts';
import { KapalError } from '../../../src/model/errors.ts';
import { afterFailure, backOff, waysToProve } from '../../../src/reconcile/certificate-failures.ts';
import type { CertificateAccountRow, CertificateOrderRow } from '../../../src/state/records.ts';

const now = 1_000_000_000_000;
const minute = 60_000;
const order: CertificateOrderRow = {
  host: 'a.example.com',
  state: 'placed',
  url: 'https://ca/order/1',
  sealedKey: 'sealed',
  failures: 0,
  nextAt: 0,
  problem: null,
};
const account: CertificateAccountRow = {
  directory: 'https://ca/dir',
  email: 'a@b.c',
  url: 'https://ca/account/1',
  sealedKey: 'sealed',
  failures: 0,
  nextAt: 0,
  problem: null,
};

function after(error: unknown, change: Partial<CertificateOrderRow> = {}) {
  return afterFailure({ error, now, fraction: 0, order: { ...order, ...change }, account });
}

describe('afterFailure', () => {
  test('a proof that failed is the matter of its name: a new order, later each time', () => {
    const refused = new AcmeProblem('404', { type: 'unauthorized', status: 403 });
    const first = after(refused);
    assert.deepEqual(first.order, {
      ...order,
      state: 'waiting',
      url: null,
      sealedKey: null,
      failures: 1,
      nextAt: now + 2 * minute,
      problem: '404 (unauthorized)',
    });
    assert.equal(first.account, account);
    assert.equal(after(refused, { failures: 2 }).order.nextAt, now + 18 * minute);
    assert.equal(after(refused, { failures: 50 }).order.nextAt, now + 720 * minute);
  });

  test('four tries in the first hour, for authorities take five failures', () => {
    const moments = [0];
    for (let failures = 1; moments.at(-1) !== undefined && failures < 8; failures += 1)
      moments.push((moments.at(-1) ?? 0) + backOff('name', failures, 0));
    assert.equal(moments.filter((moment) => moment < 60 * minute).length, 4);
  });

  test('an authority that is away or overloaded is waited for; the order stays', () => {
    for (const status of [null, 500, 503]) {
      const { order: kept, account: marked } = after(new AcmeProblem('away', { type: null, status }));
      assert.deepEqual([kept.state, kept.url, kept.failures], ['placed', order.url, 0]);
      assert.deepEqual([marked?.failures, marked?.nextAt], [1, now + 15_000]);
    }
    const told = after(new AcmeProblem('busy', { type: null, status: 503, retryAfter: 10 * minute }));
    assert.equal(told.account?.nextAt, now + 10 * minute);
  });

  test('a limit is kept to: the name for as long as it says, the others for minutes', () => {
    const limited = after(
      new AcmeProblem('too many', { type: 'rateLimited', status: 429, retryAfter: 34 * 60 * minute }),
    );
    assert.equal(limited.order.nextAt, now + 34 * 60 * minute);
    assert.deepEqual([limited.account?.nextAt, limited.account?.failures], [now + 5 * minute, 0]);
  });

  test('an account that the authority does not know is registered again', () => {
    const { account: gone, order: anew } = after(new AcmeProblem('?', { type: 'accountDoesNotExist', status: 400 }));
    assert.deepEqual([gone?.url, anew.url, anew.failures], [null, null, 0]);
    assert.ok(anew.nextAt > now);
  });

  test('the words of a program are told', () => {
    const error = new KapalError('certificate_failed', 'the hook ended with code 3', {
      log: ['first', 'no such zone'],
    });
    assert.equal(after(error).order.problem, 'the hook ended with code 3: no such zone');
  });

  test('jitter shortens by a tenth at most', () => {
    assert.ok(backOff('name', 1, 0.999999) >= 108_000);
    assert.equal(backOff('authority', 100, 0), 60 * minute);
  });
});

describe('waysToProve', () => {
  const served = { wildcard: false, httpPort: 80, httpsPort: 443, alpn: true, dns: false, failures: 0 };
  for (const [what, change, expected] of [
    ['port 80 first', {}, ['http-01', 'tls-alpn-01']],
    ['TLS where port 80 is another’s', { httpPort: 8080 }, ['tls-alpn-01', 'http-01']],
    ['ports that may be forwarded', { httpPort: 8080, httpsPort: 8443 }, ['http-01', 'tls-alpn-01']],
    ['the other way after a failure', { failures: 1 }, ['tls-alpn-01', 'http-01']],
    ['an edge without proofs over TLS', { alpn: false }, ['http-01']],
    ['wildcards by DNS alone', { wildcard: true, dns: true }, ['dns-01']],
    ['DNS last', { dns: true }, ['http-01', 'tls-alpn-01', 'dns-01']],
  ] as const) {
    test(what, () => assert.deepEqual(waysToProve({ ...served, ...change }), expected));
  }
});
