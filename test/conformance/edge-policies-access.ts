import { basic, type CaseAsk, type Expected, forwardedFor, here, type PolicyCase, user } from './edge-policies-case.ts';

const fine: Expected = { status: 200 };
const refused: Expected = {
  status: 403,
  saw: null,
  headers: { 'content-type': /^text\/html/, 'cache-control': 'no-store' },
};
export const unauthorized: Expected = {
  status: 401,
  saw: null,
  headers: { 'www-authenticate': 'Basic realm="staff", charset="UTF-8"' },
};

function from(address: string, expect: Expected): CaseAsk {
  return { headers: [forwardedFor(address)], expect };
}

/** The client's address is what the application is told, alone. */
function client(address: string): Expected {
  return { status: 200, saw: { headers: { 'x-forwarded-for': address, 'x-real-ip': address } } };
}

export const addressCases: readonly PolicyCase[] = [
  {
    name: 'without trusted proxies X-Forwarded-For is replaced',
    policy: { gzip: true },
    asks: [from('203.0.113.9', client('127.0.0.1')), from('127.0.0.1, 10.0.0.1', client('127.0.0.1'))],
  },
  {
    name: 'without trusted proxies X-Forwarded-Proto is replaced',
    policy: { gzip: true },
    asks: [
      {
        headers: [['X-Forwarded-Proto', 'https']],
        expect: { status: 200, saw: { headers: { 'x-forwarded-proto': 'http', forwarded: /proto=http$/ } } },
      },
    ],
  },
  {
    name: 'loopback is trusted only where it is declared',
    policy: { trustedProxies: ['10.0.0.0/8'] },
    asks: [from('203.0.113.9', client('127.0.0.1'))],
  },
  {
    name: 'the client behind one trusted proxy',
    policy: { trustedProxies: [here] },
    asks: [
      from('203.0.113.9', client('203.0.113.9')),
      { expect: client('127.0.0.1') },
      from('2001:DB8:0:0::9', client('2001:db8::9')),
      from('::ffff:203.0.113.9', client('203.0.113.9')),
    ],
  },
  {
    name: 'the walk from the right end stops at the first that is not trusted',
    policy: { trustedProxies: [here, '10.0.0.0/8', '2001:db8:1::/48'] },
    asks: [
      from('192.0.2.66, 203.0.113.9, 10.1.2.3', client('203.0.113.9')),
      from('192.0.2.66,203.0.113.9', client('203.0.113.9')),
      from('10.9.9.9, 10.1.2.3', client('10.9.9.9')),
      from('192.0.2.66, 2001:db8:1::5,10.0.0.1', client('192.0.2.66')),
      from('192.0.2.66, 2001:db8:2::5, 10.0.0.1', client('2001:db8:2::5')),
    ],
  },
  {
    name: 'several fields are one list',
    policy: { trustedProxies: [here, '10.0.0.0/8'] },
    asks: [
      { headers: [forwardedFor('198.51.100.1'), forwardedFor('203.0.113.9, 10.0.0.2')], expect: client('203.0.113.9') },
    ],
  },
  {
    name: 'what is no address stops the walk',
    policy: { trustedProxies: [here, '10.0.0.0/8'] },
    asks: [
      from('203.0.113.9, unknown', client('127.0.0.1')),
      from('203.0.113.9, , 10.0.0.1', client('10.0.0.1')),
      from('203.0.113.9, 10.0.0.1:8080', client('127.0.0.1')),
      from('203.0.113.9, 010.0.0.1', client('127.0.0.1')),
      from('203.0.113.9, 10.0.0.256', client('127.0.0.1')),
      from('203.0.113.9, [2001:db8::1]', client('127.0.0.1')),
      from('203.0.113.9, 2001:db8::1::2', client('127.0.0.1')),
      from('203.0.113.9, 10.0.0.1/8', client('127.0.0.1')),
      from('', client('127.0.0.1')),
    ],
  },
  {
    name: 'X-Forwarded-Proto of a trusted proxy',
    policy: { trustedProxies: [here] },
    asks: [
      {
        headers: [['X-Forwarded-Proto', 'https']],
        expect: { status: 200, saw: { headers: { 'x-forwarded-proto': 'https', 'x-forwarded-port': '443' } } },
      },
      {
        headers: [['X-Forwarded-Proto', 'HTTPS']],
        expect: { status: 200, saw: { headers: { 'x-forwarded-proto': 'https' } } },
      },
      {
        headers: [['X-Forwarded-Proto', 'https, http']],
        expect: { status: 200, saw: { headers: { 'x-forwarded-proto': 'http' } } },
      },
      {
        headers: [['X-Forwarded-Proto', 'gopher']],
        expect: { status: 200, saw: { headers: { 'x-forwarded-proto': 'http' } } },
      },
    ],
  },
  {
    name: 'X-Forwarded-Host, X-Real-IP and Forwarded of a trusted proxy are replaced too',
    policy: { trustedProxies: [here] },
    asks: [
      {
        headers: [
          forwardedFor('203.0.113.9'),
          ['X-Forwarded-Host', 'evil.test'],
          ['X-Real-IP', '1.1.1.1'],
          ['Forwarded', 'for=1.1.1.1'],
        ],
        expect: {
          status: 200,
          saw: {
            headers: { 'x-forwarded-host': 'HOST', 'x-real-ip': '203.0.113.9', forwarded: /^for=203\.0\.113\.9;/ },
          },
        },
      },
    ],
  },
];

export const listCases: readonly PolicyCase[] = [
  { name: 'allow with here in it', policy: { allow: [here] }, asks: [{ expect: fine }] },
  {
    name: 'allow without here',
    policy: { allow: ['10.0.0.0/8'] },
    asks: [{ expect: refused }, { method: 'POST', body: 'x', expect: refused }],
  },
  { name: 'an empty allow list lets nobody in', policy: { allow: [] }, asks: [{ expect: refused }] },
  { name: 'deny with here in it', policy: { deny: ['127.0.0.0/8'] }, asks: [{ expect: refused }] },
  { name: 'deny without here', policy: { deny: ['10.0.0.0/8', '::/0'] }, asks: [{ expect: fine }] },
  { name: 'deny wins over allow', policy: { allow: ['127.0.0.0/8'], deny: [here] }, asks: [{ expect: refused }] },
  {
    name: 'a spoofed address does not get in',
    policy: { allow: ['203.0.113.0/24'] },
    asks: [from('203.0.113.9', refused), { headers: [['X-Real-IP', '203.0.113.9']], expect: refused }],
  },
  {
    name: 'edges of networks of IPv4',
    policy: { trustedProxies: [here], allow: ['10.0.0.0/8', '192.0.2.128/25', '198.51.100.7/32'] },
    asks: [
      from('10.0.0.0', fine),
      from('10.255.255.255', fine),
      from('9.255.255.255', refused),
      from('11.0.0.0', refused),
      from('192.0.2.127', refused),
      from('192.0.2.128', fine),
      from('192.0.2.255', fine),
      from('192.0.3.0', refused),
      from('198.51.100.7', fine),
      from('198.51.100.6', refused),
    ],
  },
  {
    name: 'edges of networks of IPv6',
    policy: { trustedProxies: [here], allow: ['2001:db8::/33', 'fe80::/10', '::1/128'] },
    asks: [
      from('2001:db8::1', fine),
      from('2001:db8:7fff:ffff:ffff:ffff:ffff:ffff', fine),
      from('2001:db8:8000::', refused),
      from('2001:db7:ffff::', refused),
      from('febf::1', fine),
      from('fec0::1', refused),
      from('::1', fine),
      from('::2', refused),
    ],
  },
  {
    name: 'all of one family is nothing of the other',
    policy: { trustedProxies: [here], deny: ['0.0.0.0/0'] },
    asks: [from('203.0.113.9', refused), from('2001:db8::1', fine), from('::ffff:203.0.113.9', refused)],
  },
  {
    name: 'all of IPv6',
    policy: { trustedProxies: [here], allow: ['::/0'] },
    asks: [from('2001:db8::1', fine), from('203.0.113.9', refused)],
  },
];

export const authCases: readonly PolicyCase[] = [
  {
    name: 'a name and a password',
    policy: { basicAuth: { realm: 'staff', users: [user('ann', 'secret'), user('bob', 'x:y')] } },
    asks: [
      { expect: unauthorized },
      { headers: [basic('ann', 'secret')], expect: { status: 200, saw: { headers: { authorization: null } } } },
      { headers: [basic('ann', 'secret')], expect: fine },
      { headers: [basic('bob', 'x:y')], expect: fine },
      { headers: [basic('ann', 'Secret')], expect: unauthorized },
      { headers: [basic('ann', '')], expect: unauthorized },
      { headers: [basic('bob', 'secret')], expect: unauthorized },
      { headers: [basic('Ann', 'secret')], expect: unauthorized },
      { headers: [basic('', '')], expect: unauthorized },
      { headers: [basic('nobody', 'secret')], expect: unauthorized },
      {
        method: 'POST',
        body: 'hello',
        headers: [basic('ann', 'secret')],
        expect: { status: 200, saw: { method: 'POST', body: 'hello' } },
      },
      { method: 'POST', body: 'hello', expect: unauthorized },
      { method: 'HEAD', expect: unauthorized },
    ],
  },
  {
    name: 'forms of the field',
    policy: { basicAuth: { realm: 'staff', users: [user('ann', 'secret')] } },
    asks: [
      { headers: [['Authorization', 'basic YW5uOnNlY3JldA==']], expect: fine },
      { headers: [['Authorization', 'BASIC  YW5uOnNlY3JldA==']], expect: fine },
      { headers: [['Authorization', 'Basic YW5uOnNlY3JldA== x']], expect: unauthorized },
      { headers: [['Authorization', 'Basic']], expect: unauthorized },
      { headers: [['Authorization', 'Basic ']], expect: unauthorized },
      { headers: [['Authorization', 'Basic !!!!']], expect: unauthorized },
      { headers: [['Authorization', 'Basic YW5u']], expect: unauthorized },
      { headers: [['Authorization', 'Bearer YW5uOnNlY3JldA==']], expect: unauthorized },
      { headers: [['Proxy-Authorization', 'Basic YW5uOnNlY3JldA==']], expect: unauthorized },
    ],
  },
  {
    name: 'names and passwords in UTF-8',
    policy: { basicAuth: { realm: 'staff', users: [user('jörg', 'päss wörd €'), user('admin', '密码')] } },
    asks: [
      { headers: [basic('jörg', 'päss wörd €')], expect: fine },
      { headers: [basic('admin', '密码')], expect: fine },
      {
        headers: [['Authorization', `Basic ${Buffer.from('jörg:päss', 'latin1').toString('base64')}`]],
        expect: unauthorized,
      },
    ],
  },
  {
    name: 'without basic auth Authorization goes on',
    policy: { gzip: true },
    asks: [
      {
        headers: [['Authorization', 'Bearer t']],
        expect: { status: 200, saw: { headers: { authorization: 'Bearer t' } } },
      },
    ],
  },
  {
    name: 'files behind a password',
    routes: [{ pool: 'files' }],
    policy: { basicAuth: { realm: 'staff', users: [user('ann', 'secret')] } },
    asks: [
      { target: '/about.html', expect: unauthorized },
      { target: '/about.html', headers: [basic('ann', 'secret')], expect: { status: 200, body: /about/ } },
    ],
  },
];
