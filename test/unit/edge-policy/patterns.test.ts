import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type Destination,
  expand,
  matchSource,
  parseDestination,
  parseSource,
  pathParts,
  type SourcePattern,
} from '../../../src/model/path-pattern.ts';

function sourceOf(text: string): SourcePattern {
  const source = parseSource(text);
  if ('problem' in source) throw new Error(`${text} ${source.problem}`);
  return source;
}

function destinationOf(text: string, source: SourcePattern): Destination {
  const destination = parseDestination(text, source);
  if ('problem' in destination) throw new Error(`${text} ${destination.problem}`);
  return destination;
}

function led(rule: { readonly source: string; readonly destination: string }, path: string, query = ''): string | null {
  const source = sourceOf(rule.source);
  const parts = pathParts(path);
  const captures = parts === null ? null : matchSource(source, parts);
  return captures === null ? null : expand(destinationOf(rule.destination, source), captures, query);
}

/** Any bytes, as clients send them: plain, or as escapes of either case. */
const rawSegment = fc
  .array(
    fc.oneof(
      fc.constantFrom(...'abcXYZ019.-_~!$&\'()*+,;=:@\\|"<>'.split('')),
      fc.integer({ min: 1, max: 255 }).map((byte) => `%${byte.toString(16).padStart(2, '0')}`),
      fc.constantFrom('%2F', '%2f', '%2e', '%2E', '%5C', '%0d%0a', '%09', '%25', '%3F', '%23', '..', '.'),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.join(''));
const rawPath = fc
  .array(fc.oneof(rawSegment, fc.constant('')), { maxLength: 5 })
  .map((segments) => `/${segments.join('/')}`);

describe('what is captured never leaves its place', () => {
  const destinations = [
    '/*',
    '/to/*',
    '/*/to',
    '/x-*',
    '/*?q=*',
    '/a?b=*#*',
    'https://good.example/*',
    'https://good.example:8443/a/*?b=*',
  ];

  test('no line break, blank or control character comes out, and no other host', () => {
    fc.assert(
      fc.property(rawPath, fc.constantFrom(...destinations), (path, destination) => {
        const location = led({ source: '/*', destination }, path);
        if (location === null) {
          assert.equal(pathParts(path), null, `${path} is a path and matched nothing`);
          return;
        }
        assert.match(location, /^[\x21-\x7e]+$/);
        assert.doesNotMatch(location, /\\/);
        assert.doesNotMatch(location, /^\/\//);
        const url = new URL(location, 'http://here.example/');
        const host = destination.startsWith('https:') ? /\/\/([^/]+)/.exec(destination)?.[1] : 'here.example';
        assert.equal(url.host, host);
        assert.equal(url.username + url.password, '');
      }),
      { numRuns: 500 },
    );
  });

  test('one segment stays one segment, with the same bytes', () => {
    fc.assert(
      fc.property(rawSegment, rawSegment, (first, second) => {
        const parts = pathParts(`/x/${first}/${second}`);
        const location = led({ source: '/x/:a/:b', destination: '/y/:b/:a/end' }, `/x/${first}/${second}`);
        if (parts === null || parts.segments.length !== 3) return;
        const again = pathParts(location ?? '');
        assert.deepEqual(again?.segments, ['y', parts.segments[2], parts.segments[1], 'end']);
      }),
      { numRuns: 500 },
    );
  });

  test('in a query it is one value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 10 }), (text) => {
        if (!text.isWellFormed() || text.includes('\0') || text === '.' || text === '..') return;
        const location = led({ source: '/:a', destination: '/s?own=1&q=:a&end=2' }, `/${encodeURIComponent(text)}`);
        const found = new URL(location ?? '', 'http://here.example/').searchParams;
        assert.deepEqual([...found.keys()], ['own', 'q', 'end']);
        assert.equal(found.get('q'), text);
      }),
    );
  });

  test('a rest keeps its segments', () => {
    fc.assert(
      fc.property(rawPath, (path) => {
        const parts = pathParts(path);
        const location = led({ source: '/*', destination: '/new/*' }, path);
        if (parts === null || location === null) return;
        assert.deepEqual(pathParts(location)?.segments, ['new', ...parts.segments]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('paths', () => {
  test('are resolved, then decoded', () => {
    const forms: Record<string, readonly [string[], boolean]> = {
      '/': [[], true],
      '/a': [['a'], false],
      '/a/': [['a'], true],
      '//a///b': [['a', 'b'], false],
      '/a/./b/../c': [['a', 'c'], false],
      '/a/..': [[], true],
      '/a/%2e%2e/b': [['b'], false],
      '/a%2Fb': [['a/b'], false],
      '/%252e%252e': [['%2e%2e'], false],
      '/%C3%A9': [['\xc3\xa9'], false],
    };
    for (const [path, [segments, slash]] of Object.entries(forms)) {
      const parts = pathParts(path);
      assert.deepEqual([parts?.segments, parts?.slash], [segments, slash], path);
    }
  });

  test('nobody acts on broken ones', () => {
    for (const path of ['', 'a', '*', '/%', '/%2', '/%zz', '/%00', '/..', '/a/../..', '/%2e%2e'])
      assert.equal(pathParts(path), null, path);
  });
});

describe('sources', () => {
  test('what is none is said', () => {
    const none: Record<string, RegExp> = {
      '': /no path/,
      a: /no path/,
      '/a?b': /query/,
      '/a#b': /query/,
      '/a b': /query/,
      '/a\\b': /backslash/,
      '/a\nb': /backslash/,
      '/*/a': /not its last/,
      '/a*': /not its last/,
      '/*/': /not its last/,
      '/:': /no :name/,
      '/:1': /no :name/,
      '/:a-b': /no :name/,
      '/:a/:a': /twice/,
      '/%': /encoded/,
      '/../a': /encoded/,
      '/%00': /encoded/,
    };
    for (const [text, problem] of Object.entries(none)) {
      const source = parseSource(text);
      assert.ok('problem' in source, text);
      assert.match('problem' in source ? source.problem : '', problem, text);
    }
  });

  test('escaped stars and colons are themselves', () => {
    assert.equal(led({ source: '/%2A', destination: '/x' }, '/*'), '/x');
    assert.equal(led({ source: '/%2A', destination: '/x' }, '/a'), null);
    assert.equal(led({ source: '/%3Aa', destination: '/x' }, '/:a'), '/x');
    assert.equal(led({ source: '/%3Aa', destination: '/x' }, '/b'), null);
    assert.equal(led({ source: '/a:b', destination: '/x' }, '/a:b'), '/x');
  });
});

describe('destinations', () => {
  test('what is none is said', () => {
    const none: Record<string, RegExp> = {
      '': /neither/,
      b: /neither/,
      '//evil.test': /\/\//,
      '/\\evil.test': /backslash/,
      '/a//b': /\/\//,
      'javascript:alert(1)': /neither/,
      'ftp://a/': /neither/,
      'https:///a': /host/,
      'https://a b/': /blank/,
      'https://:x/': /host/,
      'https://*/': /host/,
      'https://user@host/': /host/,
      'https://host:99999/': /host/,
      'https://höst/': /host/,
      '/a%': /encoded/,
      '/a?b=%zz': /encoded/,
      '/../a': /encoded/,
      '/./a': /dots/,
      '/.:x': /dots/,
      '/.*': /dots/,
      '/%2e*': /dots/,
      '/:unknown': /does not capture/,
      '/a?b=:unknown': /does not capture/,
      '/a\r\nSet-Cookie: a=b': /blank/,
    };
    for (const [text, problem] of Object.entries(none)) {
      const destination = parseDestination(text, sourceOf('/:x/*'));
      assert.ok('problem' in destination, text);
      assert.match('problem' in destination ? destination.problem : '', problem, text);
    }
    assert.ok('problem' in parseDestination('/*', sourceOf('/:x')));
  });

  test('a port is no name', () => {
    assert.equal(led({ source: '/a', destination: 'http://[::1]:8080/:' }, '/a'), 'http://[::1]:8080/:');
    assert.equal(led({ source: '/a', destination: '/b?t=12:30' }, '/a'), '/b?t=12:30');
  });
});
