import type { PathRule } from '../../src/edge/policy.ts';
import { basic, type CaseAsk, type PolicyCase, user } from './edge-policies-case.ts';

function redirect(source: string, destination: string, status: 301 | 302 | 307 | 308 = 301): PathRule {
  return { kind: 'redirect', source, destination, status };
}

function rewrite(source: string, destination: string): PathRule {
  return { kind: 'rewrite', source, destination };
}

function leads(target: string, location: string, status = 301): CaseAsk {
  return { target, expect: { status, saw: null, headers: { location } } };
}

function reaches(target: string, url = target): CaseAsk {
  return { target, expect: { status: 200, saw: { url } } };
}

export const redirectCases: readonly PolicyCase[] = [
  {
    name: 'redirects with their status, the query goes along',
    policy: {
      rules: [redirect('/a', '/b'), redirect('/c', '/d', 302), redirect('/e', '/f', 307), redirect('/g', '/h', 308)],
    },
    asks: [
      leads('/a', '/b'),
      leads('/c', '/d', 302),
      leads('/e?x=1&y', '/f?x=1&y', 307),
      leads('/g?', '/h?', 308),
      { target: '/a', method: 'POST', body: 'x', expect: { status: 301, saw: null } },
      { target: '/a', method: 'HEAD', expect: { status: 301, headers: { location: '/b' } } },
      reaches('/z'),
    ],
  },
  {
    name: 'a destination with its own query, or a fragment',
    policy: { rules: [redirect('/a', '/b?own=1'), redirect('/c', '/d#part'), redirect('/e/:x', '/f?x=:x')] },
    asks: [leads('/a?theirs=2', '/b?own=1'), leads('/c?q=1', '/d?q=1#part'), leads('/e/a&b=c', '/f?x=a%26b%3Dc')],
  },
  {
    name: 'absolute destinations',
    policy: {
      rules: [
        redirect('/a/*', 'https://new.example:8443/b/*'),
        redirect('/c', 'http://new.example'),
        redirect('/d', 'HTTPS://New.Example/X'),
      ],
    },
    asks: [
      leads('/a/x/y?q', 'https://new.example:8443/b/x/y?q'),
      leads('/c', 'http://new.example/'),
      leads('/d', 'https://new.example/X'),
    ],
  },
  {
    name: 'the first rule that matches',
    policy: { rules: [redirect('/a/:x', '/one/:x'), redirect('/a/*', '/two/*'), redirect('/*', '/three/*')] },
    asks: [
      leads('/a/b', '/one/b'),
      leads('/a/b/c', '/two/b/c'),
      leads('/a', '/two/'),
      leads('/b', '/three/b'),
      leads('/', '/three/'),
    ],
  },
  {
    name: 'a slash at the end counts',
    policy: { rules: [redirect('/a', '/without'), redirect('/b/', '/with'), redirect('/c/*', '/rest/*')] },
    asks: [
      leads('/a', '/without'),
      reaches('/a/'),
      reaches('/b'),
      leads('/b/', '/with'),
      leads('/c', '/rest/'),
      leads('/c/', '/rest/'),
      leads('/c/d/', '/rest/d/'),
    ],
  },
  {
    name: 'names take one segment, and not an empty one',
    policy: { rules: [redirect('/u/:id/posts/:post', '/p/:post/of/:id')] },
    asks: [
      leads('/u/7/posts/x', '/p/x/of/7'),
      reaches('/u/7/posts'),
      reaches('/u/7/posts/x/y'),
      reaches('/u//posts/x'),
    ],
  },
  {
    name: 'literals are compared decoded, with case',
    policy: {
      rules: [
        redirect('/caf%C3%A9/:x', '/coffee/:x'),
        redirect('/tee', '/tea'),
        redirect('/ein platz'.replace(' ', '%20'), '/place'),
      ],
    },
    asks: [
      leads('/caf%C3%A9/1', '/coffee/1'),
      leads('/caf%c3%a9/1', '/coffee/1'),
      leads('/%63af%C3%A9/1', '/coffee/1'),
      leads('/t%65e', '/tea'),
      leads('/ein%20platz', '/place'),
      reaches('/Tee'),
      reaches('/ein+platz'),
    ],
  },
  {
    name: 'literals in UTF-8',
    policy: { rules: [redirect('/größe/:x', '/size/:x'), redirect('/x', '/größe')] },
    asks: [leads('/gr%C3%B6%C3%9Fe/1', '/size/1'), leads('/x', '/gr%C3%B6%C3%9Fe')],
  },
  {
    name: 'an encoded slash is part of its segment',
    policy: { rules: [redirect('/f/:name', '/g/:name'), redirect('/r/*', '/s/*')] },
    asks: [leads('/f/a%2Fb', '/g/a%2Fb'), leads('/f/a%2fb', '/g/a%2Fb'), leads('/r/a%2Fb/c', '/s/a%2Fb/c')],
  },
  {
    name: 'dots are resolved before rules look, encoded or not',
    policy: { rules: [redirect('/a/:x', '/b/:x'), redirect('/r/*', '/s/*')] },
    asks: [
      leads('/a/y/../x', '/b/x'),
      leads('/a/y/%2e%2e/x', '/b/x'),
      leads('/a/%2E/x', '/b/x'),
      leads('/r/x/..', '/s/'),
      leads('/r//x///y', '/s/x/y'),
      leads('/a/%252e%252e', '/b/%252e%252e'),
      leads('/a/...', '/b/...'),
    ],
  },
  {
    name: 'all but plain characters are encoded again',
    policy: { rules: [redirect('/a/:x', '/b/:x')] },
    asks: [
      leads('/a/%E2%82%AC', '/b/%E2%82%AC'),
      leads('/a/x%20y', '/b/x%20y'),
      leads("/a/x+y!$&'()*,;=:@", '/b/x%2By%21%24%26%27%28%29%2A%2C%3B%3D%3A%40'),
      leads('/a/%3F%23%25', '/b/%3F%23%25'),
      leads('/a/%22%3Cb%3E', '/b/%22%3Cb%3E'),
      leads('/a/A-Z_0.9~', '/b/A-Z_0.9~'),
      leads('/a/%FF%FE', '/b/%FF%FE'),
    ],
  },
  {
    name: 'no line break gets into a header',
    policy: { rules: [redirect('/a/:x', '/b/:x'), redirect('/r/*', '/s/*')] },
    asks: [
      leads('/a/x%0d%0aSet-Cookie:%20a=b', '/b/x%0D%0ASet-Cookie%3A%20a%3Db'),
      leads('/r/x%0D%0A/y%0a', '/s/x%0D%0A/y%0A'),
      leads('/a/x%E5%98%8A%E5%98%8D', '/b/x%E5%98%8A%E5%98%8D'),
      { target: '/a/x%00', expect: { status: 400, saw: null } },
    ],
  },
  {
    name: 'no request leads to another host',
    policy: { rules: [redirect('/*', '/*')] },
    asks: [
      leads('//evil.test', '/evil.test'),
      leads('///evil.test/', '/evil.test/'),
      leads('/%2Fevil.test', '/%2Fevil.test'),
      leads('/%2f%2fevil.test', '/%2F%2Fevil.test'),
      leads('/%5Cevil.test', '/%5Cevil.test'),
      leads('/%5c%5cevil.test', '/%5C%5Cevil.test'),
      leads('/\\evil.test', '/%5Cevil.test'),
      leads('/%09/evil.test', '/%09/evil.test'),
      leads('/./evil.test', '/evil.test'),
      leads('/@evil.test', '/%40evil.test'),
      leads('/https://evil.test', '/https%3A/evil.test'),
      leads('/.evil.test', '/.evil.test'),
    ],
  },
  {
    name: 'nor by an empty rest at the beginning',
    policy: { rules: [redirect('/go/:to/*', '/*/:to')] },
    asks: [leads('/go/evil.test', '/evil.test'), leads('/go/evil.test/', '/evil.test'), leads('/go/b/a', '/a/b')],
  },
  {
    name: 'nor behind an absolute destination',
    policy: { rules: [redirect('/*', 'https://good.example/*')] },
    asks: [
      leads('/.evil.test', 'https://good.example/.evil.test'),
      leads('//@evil.test', 'https://good.example/%40evil.test'),
      leads('/:80@evil.test', 'https://good.example/%3A80%40evil.test'),
    ],
  },
  {
    name: 'redirects after passwords',
    policy: { basicAuth: { realm: 'staff', users: [user('ann', 'secret')] }, rules: [redirect('/a', '/b')] },
    asks: [
      { target: '/a', expect: { status: 401 } },
      { target: '/a', headers: [basic('ann', 'secret')], expect: { status: 301 } },
    ],
  },
];

export const rewriteCases: readonly PolicyCase[] = [
  {
    name: 'rewrites are asked of the same pool',
    policy: { rules: [rewrite('/a/:x', '/b?id=:x'), rewrite('/old/*', '/new/*'), redirect('/new/x', '/never')] },
    asks: [
      reaches('/a/7', '/b?id=7'),
      reaches('/a/7?q=1', '/b?id=7'),
      reaches('/a/x%26y', '/b?id=x%26y'),
      reaches('/old/x', '/new/x'),
      reaches('/old/x/y/?q=1', '/new/x/y/?q=1'),
      reaches('/old', '/new/'),
      {
        target: '/old/x',
        method: 'POST',
        body: 'hello',
        expect: { status: 200, saw: { url: '/new/x', method: 'POST', body: 'hello' } },
      },
      reaches('/a/%2e%2e%2fetc', '/b?id=..%2Fetc'),
    ],
  },
  {
    name: 'what matches no rule goes on as it was sent',
    policy: { rules: [rewrite('/x', '/y')] },
    asks: [reaches('/a%2Fb/../c//d?x=%20'), reaches('/%78%78'), reaches('/?/x')],
  },
];

export const stripCases: readonly PolicyCase[] = [
  {
    name: 'the path of the route is taken off, and told',
    routes: [{ path: '/api', stripPath: true }],
    asks: [
      {
        target: '/api/users?x=1',
        expect: { status: 200, saw: { url: '/users?x=1', headers: { 'x-forwarded-prefix': '/api' } } },
      },
      reaches('/api', '/'),
      reaches('/api/', '/'),
      reaches('/api?x=1', '/?x=1'),
      reaches('/api/a/', '/a/'),
      reaches('/api/a%2Fb', '/a%2Fb'),
      reaches('/api/a%20b', '/a%20b'),
      reaches('/%61pi/x', '/x'),
      reaches('/x/../api/y', '/y'),
      reaches('//api//y', '/y'),
      reaches('/api/api/y', '/api/y'),
      reaches('/api//evil.test', '/evil.test'),
      { target: '/apis', expect: { status: 404, saw: null } },
      { target: '/api/../x', expect: { status: 404, saw: null } },
    ],
  },
  {
    name: 'a prefix from outside is not believed',
    routes: [{ path: '/api', stripPath: true }, { path: '/' }],
    asks: [
      {
        target: '/api/x',
        headers: [['X-Forwarded-Prefix', '/evil']],
        expect: { status: 200, saw: { headers: { 'x-forwarded-prefix': '/api' } } },
      },
      {
        target: '/x',
        headers: [['X-Forwarded-Prefix', '/evil']],
        expect: { status: 200, saw: { headers: { 'x-forwarded-prefix': null } } },
      },
    ],
  },
  {
    name: 'a prefix of several segments',
    routes: [{ path: '/a/b/', stripPath: true }],
    asks: [
      reaches('/a/b/c/d', '/c/d'),
      { target: '/a/x', expect: { status: 404 } },
      { target: '/a/b', expect: { status: 200, saw: { url: '/', headers: { 'x-forwarded-prefix': '/a/b' } } } },
    ],
  },
  {
    name: 'rules look at the path as it was sent, and nothing is taken off where they lead',
    routes: [{ path: '/api', stripPath: true }],
    policy: {
      rules: [rewrite('/api/old', '/api/new'), redirect('/api/gone', '/api/here'), redirect('/old', '/never')],
    },
    asks: [
      reaches('/api/old', '/api/new'),
      leads('/api/gone', '/api/here'),
      reaches('/api/x', '/x'),
      { target: '/old', expect: { status: 404 } },
    ],
  },
  {
    name: 'files below a path',
    routes: [{ path: '/site', stripPath: true, pool: 'files' }],
    asks: [
      { target: '/site/about.html', expect: { status: 200, body: /about/ } },
      { target: '/site', expect: { status: 200, body: /welcome/ } },
      { target: '/site/docs', expect: { status: 301, headers: { location: '/site/docs/' } } },
      { target: '/site/docs/', expect: { status: 200, body: /documents/ } },
      { target: '/about.html', expect: { status: 404 } },
    ],
  },
  {
    name: 'several pools under one host, the longest path at the border of a segment wins',
    routes: [
      { path: '/', pool: 'app' },
      { path: '/api', pool: 'other' },
      { path: '/api/files', pool: 'files' },
      { path: '/api/gone', pool: 'gone' },
    ],
    asks: [
      { target: '/', expect: { status: 200, saw: { backend: 'app' } } },
      { target: '/api', expect: { status: 200, saw: { backend: 'other', url: '/api' } } },
      { target: '/api/x', expect: { status: 200, saw: { backend: 'other' } } },
      { target: '/apis', expect: { status: 200, saw: { backend: 'app' } } },
      { target: '/api.json', expect: { status: 200, saw: { backend: 'app' } } },
      { target: '/api/files/none', expect: { status: 404, saw: null } },
      { target: '/api/filesystem', expect: { status: 200, saw: { backend: 'other' } } },
      { target: '/api/gone/x', expect: { status: 503, saw: null } },
      { target: '/%61pi/x', expect: { status: 200, saw: { backend: 'other' } } },
      { target: '/x/../api', expect: { status: 200, saw: { backend: 'other' } } },
      { target: '/api%2Ffiles', expect: { status: 200, saw: { backend: 'app' } } },
      { target: '/API', expect: { status: 200, saw: { backend: 'app' } } },
    ],
  },
];

export const fileCases: readonly PolicyCase[] = [
  {
    name: 'files that exist come before rules',
    routes: [{ pool: 'files' }],
    policy: {
      rules: [redirect('/about.html', '/never'), redirect('/docs/*', '/moved/*'), redirect('/*', '/lost?at=*', 302)],
    },
    asks: [
      { target: '/about.html', expect: { status: 200, body: /about/ } },
      { target: '/docs/', expect: { status: 200, body: /documents/ } },
      { target: '/docs', expect: { status: 301, headers: { location: '/docs/' } } },
      { target: '/docs/none', expect: { status: 301, headers: { location: '/moved/none' } } },
      { target: '/none/here', expect: { status: 302, headers: { location: '/lost?at=none/here' } } },
      { target: '/', expect: { status: 200, body: /welcome/ } },
      { target: '/none', method: 'POST', body: 'x', expect: { status: 302 } },
    ],
  },
  {
    name: 'rewrites among files',
    routes: [{ pool: 'files' }],
    policy: {
      rules: [
        rewrite('/about', '/about.html'),
        rewrite('/p/:page', '/:page.html'),
        rewrite('/n/*', '/none/*'),
        rewrite('/s/*', '/index.html'),
      ],
    },
    asks: [
      { target: '/about', expect: { status: 200, body: /about/, headers: { 'content-type': /^text\/html/ } } },
      { target: '/about', method: 'HEAD', expect: { status: 200, body: '' } },
      { target: '/p/about', expect: { status: 200, body: /about/ } },
      { target: '/n/x', expect: { status: 404 } },
      { target: '/s/deep/link', expect: { status: 200, body: /welcome/ } },
      { target: '/about', method: 'POST', body: 'x', expect: { status: 405, headers: { allow: 'GET, HEAD' } } },
      { target: '/p/%2e%2e%2f%2e%2e%2fetc%2fpasswd', expect: { status: 400 } },
      { target: '/p/.hidden', expect: { status: 404 } },
    ],
  },
  {
    name: 'rules come before the fallback',
    routes: [{ pool: 'spa' }],
    policy: { rules: [redirect('/old', '/new')] },
    asks: [leads('/old', '/new'), { target: '/deep/link', expect: { status: 200, body: /welcome/ } }],
  },
  {
    name: 'without rules other methods are refused',
    routes: [{ pool: 'files' }],
    policy: { gzip: true },
    asks: [{ target: '/about.html', method: 'DELETE', expect: { status: 405, headers: { allow: 'GET, HEAD' } } }],
  },
];
