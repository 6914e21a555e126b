import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type CertificateView,
  decideCertificates,
  type Held,
  obstacleOf,
  renewalOf,
} from '../../../src/reconcile/certificate-decision.ts';

const day = 86_400_000;
const now = Date.UTC(2026, 5, 1);
const host = 'shop.example.com';

const authority = { directory: 'https://ca/dir', isPublic: true, wildcards: false, nextAt: 0, problem: null };

function view(change: Partial<CertificateView> = {}): CertificateView {
  return { now, https: true, hosts: [host], held: [], orders: [], underWay: new Set(), authority, limit: 3, ...change };
}

function held(change: Partial<Held> = {}): Held {
  const name = change.host ?? host;
  return {
    host: name,
    source: 'acme',
    digest: '00000000000000000000000000000000',
    authority: authority.directory,
    names: [name],
    issuer: 'CA',
    notBefore: now - 10 * day,
    notAfter: now + 80 * day,
    superseded: false,
    warnedAt: null,
    trusted: true,
    ...change,
  };
}

function actions(change: Partial<CertificateView>): string[] {
  return decideCertificates(view(change)).actions.map(({ kind, host: name }) => `${kind} ${name}`);
}

describe('decideCertificates', () => {
  const order = { host, failures: 0, nextAt: 0, problem: null };
  const cases: readonly (readonly [what: string, change: Partial<CertificateView>, expected: readonly string[]])[] = [
    ['asks for a name without a certificate', {}, [`order ${host}`]],
    ['asks nobody without consent', { authority: null }, []],
    ['does nothing where HTTPS is not served', { https: false, hosts: [host, 'web.localhost'] }, []],
    ['issues for names under localhost itself', { hosts: ['web.localhost'], authority: null }, ['issue web.localhost']],
    ['leaves a fresh certificate', { held: [held()] }, []],
    [
      'renews after two thirds of the life',
      { held: [held({ notBefore: now - 60 * day, notAfter: now + 30 * day })] },
      [`order ${host}`],
    ],
    [
      'renews a local leaf too',
      {
        hosts: ['a.localhost'],
        held: [held({ host: 'a.localhost', source: 'local', notBefore: now - 61 * day, notAfter: now + 29 * day })],
      },
      ['issue a.localhost'],
    ],
    ['waits for the back-off of the name', { orders: [{ ...order, failures: 1, nextAt: now + 1 }] }, []],
    ['tries again when it is over', { orders: [{ ...order, failures: 1, nextAt: now }] }, [`order ${host}`]],
    ['waits for the back-off of the authority', { authority: { ...authority, nextAt: now + 1 } }, []],
    ['asks for one name once', { underWay: new Set([host]), orders: [order] }, []],
    [
      'asks for a few at a time',
      { hosts: ['a.example.com', 'b.example.com'], underWay: new Set(['x.example.com', host]), limit: 2 },
      ['stop x.example.com', `stop ${host}`],
    ],
    ['never replaces an own certificate', { held: [held({ source: 'own', notAfter: now + 40 * day })] }, []],
    ['replaces it when asked', { held: [held({ source: 'own', superseded: true })] }, [`order ${host}`]],
    ['warns of the end of an own one', { held: [held({ source: 'own', notAfter: now + 29 * day })] }, [`warn ${host}`]],
    [
      'warns once of each step',
      { held: [held({ source: 'own', notAfter: now + 29 * day, warnedAt: now - 1000 })] },
      [],
    ],
    [
      'warns again at the next',
      { held: [held({ source: 'own', notAfter: now + 13 * day, warnedAt: now - 2 * day })] },
      [`warn ${host}`],
    ],
    ['asks again after a change of authority', { held: [held({ authority: 'https://other/dir' })] }, [`order ${host}`]],
    ['needs none where a wildcard covers', { held: [held({ host: '*.example.com' })] }, []],
    [
      'but does where that has expired',
      { held: [held({ host: '*.example.com', notAfter: now })] },
      ['forget *.example.com', `order ${host}`],
    ],
    [
      'stops an order of a name that is gone',
      { hosts: [], underWay: new Set([host]), orders: [order] },
      [`stop ${host}`],
    ],
    ['forgets what waited for it', { hosts: [], orders: [order] }, [`forget-order ${host}`]],
    ['keeps its certificate while it is good', { hosts: [], held: [held()] }, []],
    ['and forgets it after', { hosts: [], held: [held({ notAfter: now })] }, [`forget ${host}`]],
    ['asks for no wildcard without a program for DNS', { hosts: ['*.example.com'] }, []],
    [
      'asks with one',
      { hosts: ['*.example.com'], authority: { ...authority, wildcards: true } },
      ['order *.example.com'],
    ],
    ['asks no public authority for private names', { hosts: ['intranet', 'a.internal', 'b.test'] }, []],
    [
      'asks a private authority for them',
      { hosts: ['a.internal'], authority: { ...authority, isPublic: false } },
      ['order a.internal'],
    ],
  ];
  for (const [what, change, expected] of cases) test(what, () => assert.deepEqual(actions(change), expected));

  test('looks again when something is due', () => {
    assert.equal(decideCertificates(view({ orders: [{ ...order, nextAt: now + 5 }] })).wakeAt, now + 5);
    assert.equal(decideCertificates(view({ held: [held()] })).wakeAt, renewalOf(held()));
    assert.equal(decideCertificates(view({ hosts: [] })).wakeAt, null);
    const own = held({ source: 'own', notAfter: now + 40 * day });
    assert.equal(decideCertificates(view({ held: [own] })).wakeAt, now + 10 * day);
  });

  test('spreads renewals, by the certificate itself', () => {
    const early = renewalOf(held({ digest: 'ffffffff000000000000000000000000' }));
    const late = renewalOf(held());
    assert.equal(late, now - 10 * day + 60 * day);
    assert.ok(early < late && late - early <= 3 * day);
  });

  test('every action has its reason', () => {
    for (const { reason } of decideCertificates(view()).actions) assert.match(reason, /shop\.example\.com/);
  });
});

describe('obstacleOf says what to do', () => {
  for (const [change, name, hint] of [
    [{ https: false }, host, /--https/],
    [{ authority: null }, host, /--acme-email/],
    [{}, '*.example.com', /--acme-hook/],
    [{}, 'a.internal', /--certificate/],
  ] as const) {
    test(`${name} ${JSON.stringify(change)}`, () => assert.match(obstacleOf(name, view(change))?.hint ?? '', hint));
  }
  test('and nothing where all is well', () => {
    assert.equal(obstacleOf(host, view()), null);
    assert.equal(obstacleOf('web.localhost', view({ authority: null })), null);
    assert.equal(obstacleOf(host, view({ authority: null, held: [held({ source: 'own' })] })), null);
  });
});
