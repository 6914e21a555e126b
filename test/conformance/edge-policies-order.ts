import { basic, forwardedFor, here, type PolicyCase, user } from './edge-policies-case.ts';
import { unauthorized } from './edge-policies-access.ts';

/** What comes before what: challenges, HTTPS, maintenance and the rest. */
export const orderCases: readonly PolicyCase[] = [
  {
    name: 'maintenance',
    policy: { maintenance: { retryAfter: 120 } },
    asks: [
      {
        expect: {
          status: 503,
          saw: null,
          headers: { 'retry-after': '120', 'content-type': /^text\/html/, 'cache-control': 'no-store' },
          body: /<h1>/,
        },
      },
      { method: 'POST', body: 'x', expect: { status: 503, saw: null, headers: { 'retry-after': '120' } } },
      { method: 'HEAD', expect: { status: 503, saw: null, headers: { 'retry-after': '120' }, body: '' } },
      {
        headers: [['Accept', 'application/json']],
        expect: { status: 503, headers: { 'content-type': /^application\/json/ }, body: /"status":503/ },
      },
    ],
  },
  {
    name: 'maintenance of files',
    routes: [{ pool: 'files' }],
    policy: { maintenance: { retryAfter: 5 } },
    asks: [{ target: '/about.html', expect: { status: 503, headers: { 'retry-after': '5' } } }],
  },
  {
    name: 'maintenance of one path',
    routes: [{ path: '/shop' }],
    policy: { maintenance: { retryAfter: 5 } },
    asks: [
      { target: '/shop/1', expect: { status: 503 } },
      { target: '/other', expect: { status: 404 } },
    ],
  },
  {
    name: 'order: maintenance before deny',
    policy: { maintenance: { retryAfter: 5 }, deny: ['0.0.0.0/0'] },
    asks: [{ expect: { status: 503 } }],
  },
  {
    name: 'order: deny before rates, rates before passwords, passwords before rules',
    policy: {
      trustedProxies: [here],
      deny: ['203.0.113.0/24'],
      rateLimits: [{ requestsPerSecond: 0.001, burst: 1, key: { kind: 'header', name: 'x-client' } }],
      basicAuth: { realm: 'staff', users: [user('ann', 'secret')] },
      rules: [{ kind: 'redirect', source: '/old', destination: '/new', status: 301 }],
    },
    asks: [
      { target: '/old', headers: [forwardedFor('203.0.113.1'), ['X-Client', 'a']], expect: { status: 403 } },
      { target: '/old', headers: [['X-Client', 'a']], expect: unauthorized },
      {
        target: '/old',
        headers: [['X-Client', 'b'], basic('ann', 'secret')],
        expect: { status: 301, headers: { location: '/new' } },
      },
    ],
  },
  {
    name: 'challenges before maintenance, deny and passwords',
    challenges: { 'tok-EN_1': 'tok-EN_1.thumb_print' },
    policy: {
      maintenance: { retryAfter: 5 },
      deny: ['0.0.0.0/0'],
      basicAuth: { realm: 'staff', users: [user('ann', 'secret')] },
    },
    asks: [
      {
        target: '/.well-known/acme-challenge/tok-EN_1',
        expect: { status: 200, saw: null, headers: { 'content-type': /^text\/plain/ }, body: 'tok-EN_1.thumb_print' },
      },
      { target: '/.well-known/acme-challenge/tok-EN_2', expect: { status: 503 } },
      { target: '/.well-known/acme-challenge/', expect: { status: 503 } },
    ],
  },
  {
    name: 'challenges before the redirect to HTTPS',
    challenges: { abc: 'abc.def' },
    routes: [{ redirectToHttps: true }],
    asks: [
      { target: '/.well-known/acme-challenge/abc', expect: { status: 200, body: 'abc.def' } },
      { target: '/.well-known/acme-challenge/abc', method: 'HEAD', expect: { status: 200, body: '' } },
      {
        target: '/.well-known/acme-challenge/other',
        expect: { status: 301, headers: { location: 'https://HOST:HTTPS/.well-known/acme-challenge/other' } },
      },
    ],
  },
  {
    name: 'challenges of hosts without a route',
    routes: [],
    challenges: { abc: 'abc.def' },
    asks: [
      { target: '/.well-known/acme-challenge/abc', expect: { status: 200, body: 'abc.def' } },
      { target: '/', expect: { status: 404 } },
    ],
  },
  {
    name: 'the redirect to HTTPS',
    routes: [{ redirectToHttps: true }],
    asks: [
      {
        target: '/a%20b?c=d&e',
        expect: { status: 301, saw: null, headers: { location: 'https://HOST:HTTPS/a%20b?c=d&e' } },
      },
      { method: 'HEAD', expect: { status: 301, headers: { location: 'https://HOST:HTTPS/' } } },
      {
        method: 'POST',
        body: 'x',
        target: '/form',
        expect: { status: 308, saw: null, headers: { location: 'https://HOST:HTTPS/form' } },
      },
      { method: 'PUT', body: 'x', expect: { status: 308 } },
      { target: '//evil.test/', expect: { status: 301, headers: { location: 'https://HOST:HTTPS//evil.test/' } } },
    ],
  },
  {
    name: 'the redirect comes before the policy',
    routes: [{ redirectToHttps: true }],
    policy: { maintenance: { retryAfter: 5 } },
    asks: [{ expect: { status: 301 } }],
  },
  {
    name: 'a trusted proxy in front that speaks HTTPS is not redirected, and gets HSTS',
    routes: [{ redirectToHttps: true, hsts: 31_536_000 }],
    policy: { trustedProxies: [here] },
    asks: [
      {
        headers: [['X-Forwarded-Proto', 'https']],
        expect: { status: 200, headers: { 'strict-transport-security': 'max-age=31536000' } },
      },
      { headers: [['X-Forwarded-Proto', 'http']], expect: { status: 301 } },
    ],
  },
  {
    name: 'no HSTS over plain HTTP, and nobody is believed without trust',
    routes: [{ hsts: 100 }],
    policy: { gzip: true },
    asks: [
      { expect: { status: 200, headers: { 'strict-transport-security': null } } },
      {
        headers: [['X-Forwarded-Proto', 'https']],
        expect: { status: 200, headers: { 'strict-transport-security': null } },
      },
    ],
  },
];
