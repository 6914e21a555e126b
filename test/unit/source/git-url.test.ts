import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { KapalError } from '../../../src/model/errors.ts';
import { branchRefs } from '../../../src/source/git-refs.ts';
import { parseGitUrl, redactUrl } from '../../../src/source/git-url.ts';

const refused = (error: unknown) => error instanceof KapalError && error.code === 'source_refused';

describe('URLs of remotes', () => {
  const accepted: readonly [string, string][] = [
    ['https://example.com/a/b.git', 'https://example.com/a/b.git'],
    ['HTTPS://Example.COM:443/a', 'https://example.com/a'],
    ['http://127.0.0.1:3000/a', 'http://127.0.0.1:3000/a'],
    ['http://[::1]:3000/a', 'http://[::1]:3000/a'],
    ['ssh://git@example.com:2222/a/b.git', 'ssh://git@example.com:2222/a/b.git'],
    ['ssh://example.com/~me/b', 'ssh://example.com/~me/b'],
    ['git://example.com/a', 'git://example.com/a'],
    ['git@example.com:a/b.git', 'git@example.com:a/b.git'],
    ['deploy@10.0.0.1:/srv/a.git', 'deploy@10.0.0.1:/srv/a.git'],
  ];
  for (const [text, shown] of accepted) test(`${text} is fetched`, () => assert.equal(parseGitUrl(text).shown, shown));

  const hostile = [
    'ext::sh -c "touch /tmp/owned"',
    'ext::sh%20-c%20touch%20owned',
    'EXT::sh',
    'fd::17/foo',
    'https::https://example.com/a',
    'git@ext::sh:a',
    '-uhttps://example.com/a',
    '--upload-pack=touch owned',
    '--upload-pack=touch\towned',
    '-c core.sshCommand=x',
    'ssh://-oProxyCommand=touch%20owned/a',
    'ssh://-oProxyCommand=x@example.com/a',
    'ssh://git@-oProxyCommand=x/a',
    'ssh://%2doProxyCommand=x/a',
    'ssh://example.com/-a',
    'ssh://git:password@example.com/a',
    '-oProxyCommand=x@example.com:a',
    'git@-oProxyCommand=x:a',
    'git@example.com:-a',
    'git@example.com::a',
    'git://example.com:9418/a\nhost=evil',
    'git://example.com/%0ahost=evil',
    'git://example.com%0d%0a/a',
    'https://example.com/a%00b',
    'https://user%0aname:password@example.com/a',
    'https://example.com/a b',
    'https://example.com/a?token=1',
    'https://example.com/a#main',
    'https://',
    'https:///a',
    'ftp://example.com/a',
    'rsync://example.com/a',
    'sftp://example.com/a',
    'javascript:alert(1)',
    'file:///etc',
    'FILE:///etc',
    '/srv/repository.git',
    './repository',
    '../repository',
    'repository',
    'C:\\repository',
    'example.com:a',
    '',
    `https://example.com/${'a'.repeat(3000)}`,
    'https://example.com/\u0000',
    'https://ex\u202Eample.com:x/a',
  ];
  for (const text of hostile)
    test(`${JSON.stringify(text.slice(0, 60))} is refused`, () => assert.throws(() => parseGitUrl(text), refused));

  test('a path of this machine is refused with what to do instead', () => {
    const refusal = (text: string) => {
      try {
        parseGitUrl(text);
      } catch (error) {
        return error instanceof KapalError ? error.hint : null;
      }
      return null;
    };
    for (const text of ['file:///srv/a', '/srv/a', './a']) assert.match(refusal(text) ?? '', /kapal deploy FOLDER/);
  });

  test('whatever is accepted is one word for git that is no option', () => {
    const piece = fc.constantFrom(
      'https://',
      'ssh://',
      'git://',
      'git@',
      ':',
      '-',
      '::',
      '/',
      'a',
      'b.c',
      '%0a',
      '@',
      '\n',
      '?',
      '#',
      ' ',
      'ext',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        try {
          const { shown } = parseGitUrl(pieces.join(''));
          assert.match(shown, /^(?:https?|ssh|git):\/\/[^-]|^[^-][^@]*@[^-]/);
          assert.doesNotMatch(shown, /[\p{Cc}\s]|^[a-z]*::|%0a/iu);
        } catch (error) {
          assert.ok(refused(error), String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('credentials in a URL', () => {
  test('are taken out and kept for their own origin', () => {
    const url = parseGitUrl('https://me:pa%40ss@example.com:8443/a.git');
    assert.deepEqual(url, {
      shown: 'https://example.com:8443/a.git',
      credentials: 'me:pa@ss',
      origin: 'https://example.com:8443',
    });
    assert.equal(parseGitUrl('https://token@example.com/a').credentials, 'token:');
  });

  test('never survive redaction, in whatever text they stand', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9%_.~-]{1,20}$/);
    fc.assert(
      fc.property(word, word, (user, password) => {
        const secret = `${user}:secret-${password}`;
        const text = redactUrl(`fatal: unable to access 'https://${secret}@example.com/a/': no`);
        assert.ok(!text.includes('secret-'));
        assert.equal(text, "fatal: unable to access 'https://***@example.com/a/': no");
      }),
    );
    assert.equal(redactUrl('https://example.com/a'), 'https://example.com/a');
    assert.equal(redactUrl('https://a@b:c@example.com/'), 'https://***@example.com/');
  });
});

describe('names of branches', () => {
  for (const name of ['main', 'feature/x', 'v1.0', 'a-b', 'é', 'release/2024.1']) {
    test(`${name} is asked for as a branch, then as a tag`, () => {
      assert.deepEqual(branchRefs(name), [`refs/heads/${name}`, `refs/tags/${name}`]);
    });
  }
  test('none asks for the default branch', () => assert.deepEqual(branchRefs(null), []));

  const hostile = [
    '',
    '-x',
    '--upload-pack=touch owned',
    '--output=/etc/x',
    'a b',
    'a..b',
    'a~1',
    'a^{tree}',
    'a:b',
    '+main',
    'ma*n',
    'a?',
    '[a',
    'a\\b',
    'a@{1}',
    '@',
    '/a',
    'a/',
    'a//b',
    '.a',
    'a/.b',
    'a.lock',
    'a.lock/b',
    'a.',
    'a\nb',
    'a\0b',
    'a'.repeat(300),
  ];
  for (const name of hostile.filter((one) => one !== '+main')) {
    test(`${JSON.stringify(name.slice(0, 40))} is refused`, () => assert.throws(() => branchRefs(name), refused));
  }
});
