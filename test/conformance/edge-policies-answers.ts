import { type CaseAsk, type Expected, here, type PolicyCase, user } from './edge-policies-case.ts';
import type { Want } from './edge-policies-backend.ts';

const takesGzip = ['Accept-Encoding', 'gzip, deflate'] as const;

function answer(want: Want, headers: Expected['headers'], more: Partial<CaseAsk> = {}): CaseAsk {
  const { expect = { status: want.status ?? 200 }, ...rest } = more;
  return { ...rest, want, headers: more.headers ?? [takesGzip], expect: { ...expect, headers: { ...headers } } };
}

const coded = { 'content-encoding': 'gzip', vary: /accept-encoding/i, 'content-type': /./ };
const plain = { 'content-encoding': null };

export const headerCases: readonly PolicyCase[] = [
  {
    name: 'request headers are set, replaced and removed',
    policy: {
      requestHeaders: [
        { name: 'x-set', value: 'one' },
        { name: 'user-agent', value: 'edge' },
        { name: 'cookie', value: null },
        { name: 'authorization', value: null },
        { name: 'x-empty', value: '' },
      ],
    },
    asks: [
      {
        headers: [
          ['X-Set', 'theirs'],
          ['x-set', 'again'],
          ['User-Agent', 'curl'],
          ['Cookie', 'a=b'],
          ['Authorization', 'Bearer x'],
          ['X-Other', 'stays'],
        ],
        expect: {
          status: 200,
          saw: {
            headers: {
              'x-set': 'one',
              'user-agent': 'edge',
              cookie: null,
              authorization: null,
              'x-other': 'stays',
              'x-empty': '',
            },
          },
        },
      },
    ],
  },
  {
    name: 'the id of the request can be replaced, and there is one',
    policy: { requestHeaders: [{ name: 'x-request-id', value: 'fixed-id' }] },
    asks: [
      {
        headers: [['X-Request-Id', 'theirs-12345']],
        expect: { status: 200, saw: { headers: { 'x-request-id': 'fixed-id' } } },
      },
    ],
  },
  {
    name: 'of several changes of one name the last holds',
    policy: {
      requestHeaders: [
        { name: 'x-a', value: '1' },
        { name: 'x-a', value: '2' },
      ],
      responseHeaders: [
        { name: 'x-b', value: '1' },
        { name: 'x-b', value: '2' },
      ],
    },
    asks: [{ expect: { status: 200, headers: { 'x-b': '2' }, saw: { headers: { 'x-a': '2' } } } }],
  },
  {
    name: 'response headers of an application',
    policy: {
      responseHeaders: [
        { name: 'x-frame-options', value: 'DENY' },
        { name: 'x-powered-by', value: null },
        { name: 'cache-control', value: 'no-store' },
      ],
    },
    asks: [
      answer(
        { headers: { 'x-powered-by': 'Express', 'cache-control': 'public', 'x-own': 'stays' } },
        { 'x-frame-options': 'DENY', 'x-powered-by': null, 'cache-control': 'no-store', 'x-own': 'stays' },
      ),
      answer({ status: 404 }, { 'x-frame-options': 'DENY' }),
      answer({ status: 500 }, { 'x-frame-options': 'DENY' }),
      answer({ status: 304 }, { 'x-frame-options': 'DENY' }),
      answer({ status: 302, headers: { location: '/x' } }, { 'x-frame-options': 'DENY', location: '/x' }),
      answer({}, { 'x-frame-options': 'DENY' }, { method: 'HEAD' }),
    ],
  },
  {
    name: 'response headers of files',
    routes: [{ pool: 'files' }],
    policy: {
      responseHeaders: [
        { name: 'x-frame-options', value: 'DENY' },
        { name: 'cache-control', value: 'max-age=7' },
      ],
    },
    asks: [
      {
        target: '/about.html',
        expect: { status: 200, headers: { 'x-frame-options': 'DENY', 'cache-control': 'max-age=7' } },
      },
      { target: '/none', expect: { status: 404, headers: { 'x-frame-options': 'DENY' } } },
      { target: '/docs', expect: { status: 301, headers: { 'x-frame-options': 'DENY' } } },
    ],
  },
  {
    name: 'response headers of refusals: deny',
    policy: { deny: [here], responseHeaders: [{ name: 'x-frame-options', value: 'DENY' }] },
    asks: [{ expect: { status: 403, headers: { 'x-frame-options': 'DENY' } } }],
  },
  {
    name: 'response headers of refusals: password, and its challenge stays',
    policy: {
      basicAuth: { realm: 'staff', users: [user('ann', 'secret')] },
      responseHeaders: [{ name: 'x-frame-options', value: 'DENY' }],
    },
    asks: [{ expect: { status: 401, headers: { 'x-frame-options': 'DENY', 'www-authenticate': /^Basic/ } } }],
  },
  {
    name: 'response headers of refusals: maintenance',
    policy: { maintenance: { retryAfter: 9 }, responseHeaders: [{ name: 'x-frame-options', value: 'DENY' }] },
    asks: [{ expect: { status: 503, headers: { 'x-frame-options': 'DENY', 'retry-after': '9' } } }],
  },
  {
    name: 'response headers of redirects',
    policy: {
      rules: [{ kind: 'redirect', source: '/a', destination: '/b', status: 302 }],
      responseHeaders: [{ name: 'cache-control', value: 'no-cache' }],
    },
    asks: [{ target: '/a', expect: { status: 302, headers: { 'cache-control': 'no-cache', location: '/b' } } }],
  },
  {
    name: 'response headers where nobody answers',
    routes: [{ pool: 'gone' }],
    policy: { responseHeaders: [{ name: 'x-frame-options', value: 'DENY' }] },
    asks: [{ expect: { status: 503, headers: { 'x-frame-options': 'DENY' } } }],
  },
  {
    name: 'response headers where the body is too large',
    policy: { responseHeaders: [{ name: 'x-frame-options', value: 'DENY' }] },
    asks: [
      {
        method: 'POST',
        body: 'x'.repeat(70_000),
        expect: { status: 413, saw: null, headers: { 'x-frame-options': 'DENY' } },
      },
    ],
  },
  {
    name: 'response headers by path',
    policy: {
      responseHeaders: [
        { name: 'x-all', value: '1' },
        { name: 'x-assets', value: '1', path: '/assets/*' },
        { name: 'x-one', value: '1', path: '/a/:b' },
        { name: 'x-root', value: '1', path: '/' },
        { name: 'x-star', value: '1', path: '/*' },
      ],
    },
    asks: [
      {
        expect: {
          status: 200,
          headers: { 'x-all': '1', 'x-root': '1', 'x-star': '1', 'x-assets': null, 'x-one': null },
        },
      },
      { target: '/assets', expect: { status: 200, headers: { 'x-assets': '1', 'x-root': null } } },
      { target: '/assets/a/b.js', expect: { status: 200, headers: { 'x-assets': '1' } } },
      { target: '/assetsx', expect: { status: 200, headers: { 'x-assets': null, 'x-star': '1' } } },
      { target: '/%61ssets/x', expect: { status: 200, headers: { 'x-assets': '1' } } },
      { target: '/a/b', expect: { status: 200, headers: { 'x-one': '1' } } },
      { target: '/a/b/c', expect: { status: 200, headers: { 'x-one': null } } },
    ],
  },
  {
    name: 'response headers go by the path as it was sent, not where a rule leads',
    policy: {
      rules: [{ kind: 'rewrite', source: '/a', destination: '/b' }],
      responseHeaders: [
        { name: 'x-a', value: '1', path: '/a' },
        { name: 'x-b', value: '1', path: '/b' },
      ],
    },
    asks: [{ target: '/a', expect: { status: 200, saw: { url: '/b' }, headers: { 'x-a': '1', 'x-b': null } } }],
  },
  {
    name: 'response headers of a stripped path',
    routes: [{ path: '/api', stripPath: true }],
    policy: { responseHeaders: [{ name: 'x-a', value: '1', path: '/api/*' }] },
    asks: [{ target: '/api/x', expect: { status: 200, saw: { url: '/x' }, headers: { 'x-a': '1' } } }],
  },
];

const text = (type: string): Want => ({ size: 4000, headers: { 'content-type': type } });

export const gzipCases: readonly PolicyCase[] = [
  {
    name: 'gzip of text',
    policy: { gzip: true },
    asks: [
      'text/html',
      'text/html; charset=utf-8',
      'TEXT/CSS',
      'text/plain',
      'application/json',
      'application/javascript',
      'text/javascript',
      'application/xml',
      'image/svg+xml',
      'application/manifest+json',
      'application/ld+json',
    ].map((type) => answer(text(type), coded, { expect: { status: 200, body: /^lorem ipsum .{3988}$/ } })),
  },
  {
    name: 'no gzip of what is no text, or a stream of events',
    policy: { gzip: true },
    asks: [
      'image/png',
      'application/octet-stream',
      'font/woff2',
      'video/mp4',
      'application/zip',
      'text/event-stream',
      'text/event-stream; charset=utf-8',
    ].map((type) => answer(text(type), { ...plain, 'content-length': '4000' })),
  },
  {
    name: 'gzip from 1 KiB on',
    policy: { gzip: true },
    asks: [
      answer({ size: 1023, headers: { 'content-type': 'text/html' } }, { ...plain, 'content-length': '1023' }),
      answer({ size: 1024, headers: { 'content-type': 'text/html' } }, coded),
      answer({ size: 10, chunked: true, headers: { 'content-type': 'text/html' } }, coded, {
        expect: { status: 200, body: 'lorem ipsu' },
      }),
      answer({ size: 300_000, headers: { 'content-type': 'text/html' } }, coded, {
        expect: { status: 200, body: /^(?:lorem ipsum ){25000}$/ },
      }),
    ],
  },
  {
    name: 'gzip for those who take it; Vary for all',
    policy: { gzip: true },
    asks: [
      ...['gzip', 'gzip;q=0.5', 'br, gzip', 'GZIP', '*', 'identity, gzip;q=0.1'].map((value) =>
        answer(text('text/html'), coded, { headers: [['Accept-Encoding', value]] }),
      ),
      ...['identity', 'br', 'gzip;q=0', 'gzip;q=0.0', '*;q=0', ''].map((value) =>
        answer(
          text('text/html'),
          { ...plain, vary: /accept-encoding/i, 'content-length': '4000' },
          { headers: [['Accept-Encoding', value]] },
        ),
      ),
      answer(text('text/html'), { ...plain, vary: /accept-encoding/i }, { headers: [] }),
    ],
  },
  {
    name: 'an old client gets no chunks',
    policy: { gzip: true },
    asks: [
      answer(text('text/html'), { ...plain, 'transfer-encoding': null, 'content-length': '4000' }, { version: '1.0' }),
    ],
  },
  {
    name: 'what is encoded, or is not to be changed, stays as it is',
    policy: { gzip: true },
    asks: [
      answer(
        { size: 4000, headers: { 'content-type': 'text/html', 'content-encoding': 'br' } },
        { 'content-encoding': 'br', 'content-length': '4000' },
      ),
      answer(
        { size: 4000, headers: { 'content-type': 'text/html', 'cache-control': 'public, no-transform' } },
        { ...plain, 'content-length': '4000' },
      ),
      answer(
        { status: 206, size: 4000, headers: { 'content-type': 'text/html', 'content-range': 'bytes 0-3999/9000' } },
        { ...plain, 'content-length': '4000' },
      ),
      answer({ status: 304, headers: { 'content-type': 'text/html', etag: '"x"' } }, { ...plain, etag: /"x"/ }),
    ],
  },
  {
    name: 'the tag of a coded answer is weak, parts of it cannot be asked for',
    policy: { gzip: true },
    asks: [
      answer(
        { size: 4000, headers: { 'content-type': 'text/html', etag: '"abc"', 'accept-ranges': 'bytes' } },
        { ...coded, etag: 'W/"abc"', 'accept-ranges': null },
      ),
      answer({ size: 4000, headers: { 'content-type': 'text/html', etag: 'W/"abc"' } }, { ...coded, etag: 'W/"abc"' }),
      answer(
        { size: 4000, headers: { 'content-type': 'text/html', etag: '"abc"' } },
        { ...plain, etag: '"abc"' },
        { headers: [] },
      ),
    ],
  },
  {
    name: 'HEAD is told what GET is',
    policy: { gzip: true },
    asks: [
      answer(text('text/html'), { ...coded, 'content-length': null }, { method: 'HEAD' }),
      answer(text('image/png'), { ...plain, 'content-length': '4000' }, { method: 'HEAD' }),
      answer(
        { size: 500, headers: { 'content-type': 'text/html' } },
        { ...plain, 'content-length': '500' },
        { method: 'HEAD' },
      ),
    ],
  },
  {
    name: 'Vary that is there stays',
    policy: { gzip: true },
    asks: [
      answer(
        { size: 4000, headers: { 'content-type': 'text/html', vary: 'Accept-Encoding, Cookie' } },
        { ...coded, vary: /cookie/i },
      ),
      answer(
        { size: 4000, chunked: true, headers: { 'content-type': 'text/html', vary: 'Cookie' } },
        { 'content-encoding': 'gzip', vary: /cookie|accept-encoding/i },
      ),
    ],
  },
  {
    name: 'without gzip nothing is coded',
    policy: { responseHeaders: [{ name: 'x-a', value: '1' }] },
    asks: [answer(text('text/html'), { ...plain, vary: null, 'content-length': '4000', 'x-a': '1' })],
  },
  {
    name: 'gzip of files',
    routes: [{ pool: 'files' }],
    policy: { gzip: true },
    asks: [
      {
        target: '/big.html',
        headers: [takesGzip],
        expect: {
          status: 200,
          headers: { ...coded, etag: /^W\/"/, 'accept-ranges': null },
          body: /^<p>(?:lorem ipsum ){500}<\/p>$/,
        },
      },
      {
        target: '/big.html',
        method: 'HEAD',
        headers: [takesGzip],
        expect: { status: 200, headers: { ...coded, 'content-length': null } },
      },
      { target: '/big.html', expect: { status: 200, headers: { ...plain, etag: /^"/, vary: /accept-encoding/i } } },
      { target: '/about.html', headers: [takesGzip], expect: { status: 200, headers: plain } },
      {
        target: '/big.html',
        headers: [takesGzip, ['Range', 'bytes=0-9']],
        expect: { status: 206, headers: { ...plain, 'content-length': '10' }, body: '<p>lorem i' },
      },
    ],
  },
];
