import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { linksOf, pathFault, resolve } from '../../../src/lib/tree/paths.ts';
import { isDigest, parseTree, type TreeEntry, treeDigest, treeText } from '../../../src/lib/tree/tree.ts';

const path = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 });
const entry: fc.Arbitrary<TreeEntry> = fc.oneof(
  fc.record({ path, mode: fc.constant('link' as const), target: path }),
  fc.record({
    path,
    mode: fc.constantFrom('file' as const, 'executable' as const),
    size: fc.nat(),
    sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
  }),
);
const tree = fc.uniqueArray(entry, { selector: (one) => one.path, maxLength: 12 });

describe('a tree', () => {
  test('has one digest in whatever order its entries come, and another for every other tree', () => {
    fc.assert(
      fc.property(tree, tree, fc.nat(), (one, other, turn) => {
        const turned = one.map((_, at) => one[(at + turn) % one.length]).filter((found) => found !== undefined);
        assert.equal(treeDigest(turned), treeDigest(one));
        assert.ok(isDigest(treeDigest(one)));
        if (treeText(one) !== treeText(other)) assert.notEqual(treeDigest(one), treeDigest(other));
      }),
    );
  });

  test('is read back from its canonical text', () => {
    fc.assert(fc.property(tree, (entries) => assert.equal(treeText(parseTree(treeText(entries))), treeText(entries))));
  });

  test('has a digest that stays the same from version to version, because the record keeps it', () => {
    const entries: TreeEntry[] = [
      { path: 'b', mode: 'link', target: 'a' },
      { path: 'a', mode: 'file', size: 0, sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
    ];
    const text = `kapal-tree 1\n["a","file",0,"${entries[1]?.mode === 'file' ? entries[1].sha256 : ''}"]\n["b","link","a"]\n`;
    assert.equal(treeText(entries), text);
    assert.equal(treeDigest(entries), 'sha256-4554a7ae094564728a869b8f312b4b454a5d1528608ea90a868cf0ed007a6b51');
  });

  test('is not read from other texts', () => {
    for (const text of [
      '',
      'kapal-tree 2\n',
      'kapal-tree 1',
      'kapal-tree 1\n{}\n',
      'kapal-tree 1\n["a","file","0","x"]\n',
    ]) {
      assert.throws(() => parseTree(text), SyntaxError, text);
    }
  });
});

describe('a path of a tree', () => {
  const fine = [
    'a',
    'a/b',
    '-rf',
    'new\nline',
    ' ',
    '...',
    '..a',
    'a..',
    '.gitignore',
    '.github/x',
    'é',
    '\u202Etxt.exe',
    '‥',
    'CON',
    'a:b',
    '~',
  ];
  for (const one of fine) test(`${JSON.stringify(one)} is a name`, () => assert.equal(pathFault(one), null));

  const wrong = [
    '',
    '/',
    '/etc/passwd',
    '..',
    '../a',
    'a/../b',
    'a/..',
    './a',
    'a/.',
    '.',
    'a//b',
    'a/',
    'a\0b',
    'a\\b',
    '..\\a',
    '.git',
    '.git/config',
    'a/.GIT/hooks',
    '\uD800',
  ];
  for (const one of wrong)
    test(`${JSON.stringify(one)} is refused`, () => assert.equal(typeof pathFault(one), 'string'));

  test('is refused when it is too long or too deep', () => {
    assert.equal(pathFault('a'.repeat(255)), null);
    assert.ok(pathFault('a'.repeat(256)));
    assert.ok(pathFault('é'.repeat(128)));
    assert.ok(pathFault(`${'a/'.repeat(64)}a`));
    assert.ok(pathFault(Array.from({ length: 20 }, () => 'a'.repeat(200)).join('/')));
  });

  test('that is accepted stays below any folder that it is joined to', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('..', '.', '', 'a', '-', '\n', '\\', '\0', '.git', 'é')), (parts) => {
        const joined = parts.join('/');
        if (pathFault(joined) !== null) return;
        assert.equal(
          new URL(`file:///top/${parts.map(encodeURIComponent).join('/')}`).pathname.startsWith('/top/'),
          true,
        );
        assert.ok(!parts.includes('..') && !joined.startsWith('/'));
      }),
    );
  });
});

describe('links of a tree', () => {
  const at = (links: Record<string, string>, path: string) => resolve(new Map(Object.entries(links)), path);

  test('lead to what they name, one after the other', () => {
    assert.deepEqual(at({ a: 'b/c', 'b/c': '../d' }, 'a'), { path: 'd' });
    assert.deepEqual(at({ 'x/up': '..' }, 'x/up/y'), { path: 'y' });
    assert.deepEqual(at({ a: 'gone/for/good' }, 'a'), { path: 'gone/for/good' });
  });

  test('that leave the tree are found, however they do it', () => {
    for (const links of [{ a: '..' }, { a: '/etc' }, { a: './../..' }, { a: 'b/../..' }]) {
      assert.deepEqual(at(links, 'a'), { fault: 'outside' });
    }
    // Each is inside by its letters; together they are not.
    assert.deepEqual(at({ 'sub/top': '..', out: 'sub/top/../secret' }, 'out'), { fault: 'outside' });
  });

  test('that never end are found', () => {
    assert.deepEqual(at({ a: 'b', b: 'a' }, 'a'), { fault: 'loop' });
    assert.deepEqual(at({ a: 'a/a' }, 'a'), { fault: 'loop' });
  });

  test('are taken from entries', () => {
    assert.deepEqual([...linksOf([{ path: 'a', mode: 'link', target: 'b' }])], [['a', 'b']]);
  });
});
