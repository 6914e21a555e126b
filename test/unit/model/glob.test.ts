import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { globFault, matchesGlob } from '../../../src/model/glob.ts';

describe('globs of build filters', () => {
  for (const [glob, yes, no] of [
    ['apps/web/**', ['apps/web/a', 'apps/web/a/b.ts'], ['apps/web', 'apps/website/a', 'x/apps/web/a']],
    ['**/*.md', ['README.md', 'a/b/c.md'], ['README.mdx', 'a/b.md/c']],
    ['*.ts', ['a.ts', '.ts'], ['a/b.ts', 'a.tsx']],
    ['docs/?.txt', ['docs/a.txt'], ['docs/ab.txt', 'docs//.txt', 'docs/.txt']],
    ['v[0-9]/x', ['v3/x'], ['v10/x', 'va/x']],
    ['v[^0-9]/x', ['va/x'], ['v3/x', 'v//x']],
    ['a.b+(c)|d$', ['a.b+(c)|d$'], ['axb+(c)|d$', 'd$']],
    ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z'], ['az', 'a/bz']],
    ['package.json', ['package.json'], ['packageXjson', 'a/package.json']],
  ] as const) {
    test(glob, () => {
      for (const path of yes) assert.equal(matchesGlob(path, glob), true, path);
      for (const path of no) assert.equal(matchesGlob(path, glob), false, path);
    });
  }

  test('what is none says why', () => {
    for (const glob of ['', '/a', '../a', 'a/./b', 'a\\b', 'a[b']) assert.notEqual(globFault(glob), null, glob);
    assert.equal(globFault('apps/web/**'), null);
  });

  test('a long path is no burden to many stars', () => {
    const began = performance.now();
    assert.equal(matchesGlob('a'.repeat(2_000), `${'*a'.repeat(60)}b`), false);
    assert.ok(performance.now() - began < 2_000);
  });
});
