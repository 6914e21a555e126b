import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { problemsOf, read } from './source.ts';

const web = 'services:\n  - type: web\n    name: api\n    startCommand: npm start\n';
const pserv = web.replace('type: web', 'type: pserv');
const site = 'services:\n  - type: static\n    name: api\n    staticPublishPath: dist\n';
const proxy = 'services:\n  - type: proxy\n    name: api\n    upstreams: [{address: "https://10.0.0.5"}]\n';

/** `edge: {` ends at column 12 of line 5. */
const BEGIN = 12;

describe('what edge does not take, with its place', () => {
  const wrong: readonly (readonly [base: string, edge: string, offset: number, problem: string])[] = [
    [
      web,
      'balance: rendom-two',
      9,
      'balance: expected one of round-robin, least-connections, ip-hash, random-two, found "rendom-two", did you mean random-two?',
    ],
    [web, 'stiky: cookie', 0, 'stiky: unknown field, did you mean sticky?'],
    [web, 'sticky: session', 8, 'sticky: expected cookie, or a mapping (name: value), found text'],
    [web, 'sticky: {cookie: "a b"}', 17, 'sticky.cookie: expected the name of a cookie, found "a b"'],
    [
      web,
      'sticky: {cookie: __Host-a}',
      17,
      'sticky.cookie: a name that begins with __Host- or __Secure- works over HTTPS only',
    ],
    [
      web,
      'slowStartSeconds: 0',
      18,
      'slowStartSeconds: expected a whole number of seconds from 1 to 3600, found the number 0',
    ],
    [web, 'queue: {size: 5}', 0, 'queue: needs maxConnections: without it nothing waits'],
    [web, 'maxConnections: 5, queue: {timeoutSeconds: 1}', 26, 'queue.size: is missing'],
    [
      web,
      'rateLimit: {requestsPerSecond: 0}',
      31,
      'rateLimit.requestsPerSecond: expected a number from 0.01 to 1000000, found the number 0',
    ],
    [
      web,
      'rateLimit: {requestsPerSecond: "5"}',
      31,
      'rateLimit.requestsPerSecond: expected a number from 0.01 to 1000000, found text: remove the quotes around 5',
    ],
    [web, 'rateLimit: {burst: 5}', 11, 'rateLimit.requestsPerSecond: is missing'],
    [
      web,
      'rateLimit: {requestsPerSecond: 1, burst: 0}',
      41,
      'rateLimit.burst: expected a whole number from 1 to 1000000, found the number 0',
    ],
    [
      web,
      'rateLimit: [{requestsPerSecond: 1, key: cookie}]',
      40,
      'rateLimit[0].key: expected ip, or header:NAME, such as header:X-Api-Key, found "cookie"',
    ],
    [
      web,
      'connectionLimit: {connections: 1, key: "header:Host"}',
      39,
      'connectionLimit.key: expected ip, or header:NAME, such as header:X-Api-Key, found "header:Host"',
    ],
    [web, 'allow: []', 0, 'allow: is empty: nobody would get in; kapal stop takes a service off'],
    [
      web,
      'allow: [10.0.0.0/33]',
      8,
      'allow[0]: expected an address or a network such as 10.0.0.0/8, found "10.0.0.0/33"',
    ],
    [web, 'deny: [10.0.0.5/8]', 7, 'deny[0]: "10.0.0.5/8" has bits beyond its prefix, did you mean 10.0.0.0/8?'],
    [
      web,
      'deny: [example.com]',
      7,
      'deny[0]: expected an address or a network such as 10.0.0.0/8, found "example.com"',
    ],
    [web, 'deny: [010.0.0.1]', 7, 'deny[0]: expected an address or a network such as 10.0.0.0/8, found "010.0.0.1"'],
    [
      web,
      'trustedProxies: [1::2::3]',
      17,
      'trustedProxies[0]: expected an address or a network such as 10.0.0.0/8, found "1::2::3"',
    ],
    [web, 'basicAuth: {users: []}', 12, 'basicAuth.users: is empty: nobody would get in'],
    [web, 'basicAuth: {realm: x}', 11, 'basicAuth.users: is missing'],
    [
      web,
      'basicAuth: {users: [{name: "a:b", passwordVariable: A}]}',
      27,
      'basicAuth.users[0].name: expected a name of 100 characters at most without a colon, found "a:b"',
    ],
    [
      web,
      'basicAuth: {users: [{name: a, passwordVariable: 1A}]}',
      48,
      'basicAuth.users[0].passwordVariable: "1A" is not the name of a variable',
    ],
    [
      web,
      'basicAuth: {users: [{name: a, password: x}]}',
      30,
      'basicAuth.users[0].password: unknown field, did you mean passwordVariable?',
    ],
    [
      web,
      'basicAuth: {users: [{name: a, passwordVariable: A}, {name: a, passwordVariable: B}]}',
      52,
      'basicAuth.users[1]: a stands here twice',
    ],
    [
      web,
      'requestHeaders: {set: {Host: x}}',
      23,
      'requestHeaders.set.Host: Host belongs to the connection or to the edge itself: nobody else sets or removes it',
    ],
    [
      web,
      'requestHeaders: {remove: [X-Forwarded-For]}',
      26,
      'requestHeaders.remove[0]: X-Forwarded-For belongs to the connection or to the edge itself: nobody else sets or removes it',
    ],
    [
      web,
      'responseHeaders: {set: {"X A": x}}',
      24,
      'responseHeaders.set."X A": expected the name of a header, found "X A"',
    ],
    [
      web,
      'responseHeaders: {set: {X-A: "a\\r\\nb"}}',
      29,
      'responseHeaders.set.X-A: expected visible ASCII on one line, of 4096 characters at most, without blanks around it',
    ],
    [web, 'responseHeaders: {set: {X-A: 1, x-a: 2}}', 32, 'responseHeaders.set.x-a: is set twice'],
    [
      web,
      'responseHeaders: {set: {X-A: 1}, remove: [x-a]}',
      33,
      'responseHeaders.remove: x-a is set here too: keep one',
    ],
    [
      web,
      'redirects: [{source: a, destination: /b}]',
      21,
      'redirects[0].source: expected a path such as /blog/* or /users/:id: "a" is no path that begins with / and is soundly encoded',
    ],
    [
      web,
      'redirects: [{source: /*.css, destination: /b}]',
      21,
      'redirects[0].source: expected a path such as /blog/* or /users/:id: "/*.css" has a * that is not its last segment (write %2A for a star)',
    ],
    [
      web,
      'redirects: [{source: /a, destination: //evil.example.com}]',
      25,
      'redirects[0].destination: "//evil.example.com" holds //',
    ],
    [
      web,
      'redirects: [{source: /a, destination: "javascript:alert(1)"}]',
      25,
      'redirects[0].destination: "javascript:alert(1)" is neither a path nor an http or https address',
    ],
    [
      web,
      'redirects: [{source: "/:h", destination: "https://:h/x"}]',
      28,
      'redirects[0].destination: "https://:h/x" has a host that is no plain host name with or without a port',
    ],
    [
      web,
      'redirects: [{source: /a/:id, destination: "/b/:name"}]',
      29,
      'redirects[0].destination: "/b/:name" uses :name, which its source does not capture',
    ],
    [web, 'redirects: [{source: /a, destination: /a}]', 25, 'redirects[0].destination: leads to itself, for ever'],
    [web, 'redirects: [{source: /*, destination: /home}]', 25, 'redirects[0].destination: leads to itself, for ever'],
    [
      web,
      'redirects: [{source: /a, destination: /b, status: 200}]',
      50,
      'redirects[0].status: expected one of 301, 302, 307, 308, found "200"',
    ],
    [
      web,
      'rewrites: [{source: /a, destination: "https://b.example.com"}]',
      24,
      'rewrites[0].destination: a rewrite stays in its service: for another address declare a service of type proxy, with this path in its domains',
    ],
    [
      web,
      'rewrites: [{source: /a, destination: "/b#c"}]',
      24,
      'rewrites[0].destination: "/b#c" holds a fragment, which is for browsers alone',
    ],
    [web, 'https: {redirect: sometimes}', 18, 'https.redirect: expected one of auto, always, never, found "sometimes"'],
    [web, 'gzip: yes', 6, 'gzip: expected true or false: in YAML 1.2 yes is text'],
    [web, 'preserveHost: false', 0, 'preserveHost: has no meaning for a service of type web, only for proxy'],
    [
      pserv,
      'rateLimit: {requestsPerSecond: 1}',
      0,
      'rateLimit: has no meaning for a service of type pserv, only for web, static, proxy',
    ],
    [site, 'sticky: cookie', 0, 'sticky: has no meaning for a service of type static, only for web, proxy'],
  ];
  for (const [base, edge, offset, problem] of wrong)
    test(edge, () => {
      assert.deepEqual(problemsOf(`${base}    edge: {${edge}}\n`), [
        `kapal.yaml:5:${BEGIN + offset}: services[0].edge.${problem}`,
      ]);
    });

  test('TLS for upstreams that are declared without it', () => {
    assert.deepEqual(
      problemsOf(`${proxy.replace('https://10.0.0.5', '10.0.0.5:80')}    edge: {upstreamTls: {verify: false}}\n`),
      [
        'kapal.yaml:5:12: services[0].edge.upstreamTls: no upstream is spoken to over TLS: write https:// before their addresses',
      ],
    );
  });

  test('two lists of who gets in', () => {
    assert.deepEqual(problemsOf(`${web}    ipAllowList: [{source: 10.0.0.1}]\n    edge: {allow: [10.0.0.2]}\n`), [
      'kapal.yaml:6:12: services[0].edge.allow: says the same as ipAllowList, which stands here too: keep one',
    ]);
  });

  test('a page of its own for maintenance', () => {
    assert.deepEqual(problemsOf(`${web}    maintenanceMode: {enabled: true, uri: "https://a.example.com"}\n`), [
      'kapal.yaml:5:38: services[0].maintenanceMode.uri: a page of your own comes in a later version of Kapal, which answers with its own',
    ]);
  });

  test('a rule that none reaches is warned about', () => {
    const { warnings } = read({
      'kapal.yaml': `${site}    routes: [{type: rewrite, source: /*, destination: /a.html}, {type: redirect, source: /x, destination: /y}]\n`,
    });
    assert.deepEqual(
      warnings.map(({ line, message }) => [line, message]),
      [[5, 'services[0].routes[1].destination: is never reached: a rule for /* stands before it']],
    );
  });
});

describe('domains with a path', () => {
  test('are refused where the same stands twice, with its holder', () => {
    const text =
      'services:\n  - {type: web, name: a, startCommand: x, domains: [x.example.com, x.example.com/api]}\n  - {type: web, name: b, startCommand: x, domains: [X.example.com/api/]}\n';
    assert.deepEqual(problemsOf(text), [
      'kapal.yaml:3:53: services[1].domains[0]: x.example.com/api is a domain of a too',
    ]);
  });

  for (const domain of [
    'x.example.com//a',
    'x.example.com/a?b',
    'x.example.com/../a',
    'x.example.com/%61',
    'x.example.com:80/a',
    '/a',
  ])
    test(`are no ${domain}`, () => {
      assert.deepEqual(problemsOf(`${web}    domains: ["${domain}"]\n`), [
        `kapal.yaml:5:15: services[0].domains[0]: expected a host name such as shop.example.com, or with a path: shop.example.com/api, without scheme or port, found "${domain}"`,
      ]);
    });
});
