import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { TreeLimits } from '../../src/lib/tree/paths.ts';
import { isDigest, parseTree } from '../../src/lib/tree/tree.ts';
import { KapalError } from '../../src/model/errors.ts';
import { listAll, openSources, temporaryFolder } from './source-fixtures.ts';
import { inPieces, pax, rawTar } from './source-tar.ts';

/** No tree has it: an archive that is otherwise sound fails by its digest alone, and the message says which it would be. */
const NO_DIGEST = `sha256-${'0'.repeat(64)}`;
const small: TreeLimits = { files: 50, bytes: 100_000, depth: 8 };

interface Hostile {
  readonly name: string;
  readonly tar: () => Buffer;
  readonly limits?: TreeLimits;
}

const file = (name: string | Uint8Array, content = 'x') => ({ name, content });
const link = (name: string, target: string) => ({ name, type: '2', target });
/** Beyond limits that a test can reach. All else that an archive can do goes through the daemon's door: test/hostile/. */
const hostile: readonly Hostile[] = [
  {
    name: 'more files than the limit',
    tar: () => rawTar(...Array.from({ length: 60 }, (_, at) => file(`f${at}`))),
  },
  {
    name: 'more folders than the limit',
    tar: () => rawTar(...Array.from({ length: 60 }, (_, at) => ({ name: `d${at}/`, type: '5' }))),
  },
  {
    name: 'more folders in paths than the limit',
    tar: () => rawTar(...Array.from({ length: 30 }, (_, at) => file(`${at}/${at}/f`))),
  },
  {
    name: 'more bytes than the limit',
    tar: () => rawTar(...Array.from({ length: 3 }, (_, at) => file(`f${at}`, 'x'.repeat(40_000)))),
  },
  {
    name: 'headers without end',
    limits: { files: 2, bytes: 1_000, depth: 8 },
    tar: () => rawTar(...Array.from({ length: 4 }, () => pax({ comment: 'x'.repeat(700_000) }))),
  },
];

describe('an archive beyond the limits', () => {
  for (const { name, tar, limits = small } of hostile) {
    test(`is refused: ${name}`, async (t) => {
      const folder = await temporaryFolder(t);
      const data = join(folder, 'a', 'b', 'data');
      await mkdir(data, { recursive: true });
      const before = await listAll(folder);
      await assert.rejects(openSources(data, limits).put(NO_DIGEST, inPieces(tar())), (error) => {
        assert.ok(error instanceof KapalError, String(error));
        assert.equal(error.code, 'source_too_large', error.message);
        return true;
      });
      // Nothing outside, nothing half done inside.
      assert.deepEqual(
        (await listAll(folder)).filter((path) => path !== 'a/b/data/sources'),
        before,
      );
    });
  }
});

describe('an archive with odd but honest names', () => {
  const honest = [
    'new\nline',
    '-rf',
    '--',
    ' ',
    '~',
    '$(touch owned)',
    '`touch owned`',
    "'",
    '"',
    '*',
    '...',
    '..a',
    'é',
    'e\u0301',
    '\u202Etxt.js',
    '‥/‥/a',
    '\uFF0E\uFF0E/a',
    '__proto__',
    'constructor/prototype',
    '.gitignore',
    '.github/a',
    'CON',
    'a'.repeat(255),
  ];
  test('is kept under those names, and nowhere else', async (t) => {
    const folder = await temporaryFolder(t);
    const sources = openSources(folder);
    const digest = await put(sources, () =>
      rawTar(...honest.flatMap((name) => [pax({ path: name }), file('fine', name)])),
    );
    for (const name of honest) assert.equal(await readFile(join(sources.read(digest), name), 'utf8'), name);
    assert.deepEqual((await readdir(folder)).toSorted(), ['sources']);
    assert.deepEqual(await readdir(join(folder, 'sources')), [digest]);
  });

  test('keeps links that stay inside, in whatever order they come', async (t) => {
    const sources = openSources(await temporaryFolder(t));
    const links = [
      link('d/up', '../top'),
      link('dangling', 'gone'),
      link('loop', 'loop'),
      link('self', '.'),
      link('chain', 'd/up'),
    ];
    const digest = await put(sources, () => rawTar(...links, file('top', 'here'), { name: 'd/', type: '5' }));
    assert.equal(await readFile(join(sources.read(digest), 'chain'), 'utf8'), 'here');
    assert.equal(await readlink(join(sources.read(digest), 'loop')), 'loop');
  });

  test('has its modes made plain: no set-user-id, no write for others', async (t) => {
    const sources = openSources(await temporaryFolder(t));
    const digest = await put(sources, () =>
      rawTar({ ...file('root'), mode: 0o6777 }, { ...file('open'), mode: 0o666 }, { ...file('shut/in'), mode: 0 }),
    );
    const mode = async (path: string) => ((await stat(join(sources.read(digest), path))).mode & 0o7777).toString(8);
    assert.deepEqual(await Promise.all(['root', 'open', 'shut/in', 'shut'].map(mode)), ['755', '644', '644', '755']);
  });
});

describe('a stored tree', () => {
  test('is copied without following a link that stands in the way', async (t) => {
    const folder = await temporaryFolder(t);
    const sources = openSources(folder);
    const digest = await put(sources, () => rawTar(file('a', 'mine')));
    await mkdir(join(folder, 'elsewhere'));
    await writeFile(join(folder, 'elsewhere', 'kept'), '');
    for (const name of ['copy', 'copy.part']) await symlink(join(folder, 'elsewhere'), join(folder, name));
    await sources.copyTo(digest, join(folder, 'copy'), null);
    assert.deepEqual(await readdir(join(folder, 'elsewhere')), ['kept']);
    assert.equal(await readFile(join(folder, 'copy', 'a'), 'utf8'), 'mine');
    // Again, over a folder that a build has changed.
    await writeFile(join(folder, 'copy', 'left'), '');
    await sources.copyTo(digest, join(folder, 'copy'), null);
    assert.deepEqual(await readdir(join(folder, 'copy')), ['a']);
  });

  test('belongs to the given user when it is copied as root, and others cannot read it', {
    skip: process.getuid?.() !== 0,
  }, async (t) => {
    const folder = await temporaryFolder(t);
    const sources = openSources(folder);
    const digest = await put(sources, () => rawTar(file('d/a'), link('l', 'd/a')));
    await sources.copyTo(digest, join(folder, 'copy'), { uid: 12_345, gid: 12_346 });
    for (const path of ['', 'd', 'd/a']) {
      const { uid, gid } = await stat(join(folder, 'copy', path));
      assert.deepEqual([uid, gid], [12_345, 12_346], path);
    }
    assert.equal((await stat(join(folder, 'copy'))).mode & 0o007, 0);
  });

  test('shows its declaration files, and nothing that a link hides outside', async (t) => {
    const sources = openSources(await temporaryFolder(t));
    const big = { name: 'big.yaml', content: 'x'.repeat(1024 * 1024 + 1) };
    const digest = await put(sources, () =>
      rawTar(
        file('deploy/kapal.yaml', 'services: []'),
        link('kapal.yaml', 'deploy/kapal.yaml'),
        link('lost', 'gone'),
        link('deploy/self', 'self'),
        big,
      ),
    );
    const files = await sources.files(digest);
    assert.equal(files.read('kapal.yaml'), 'services: []');
    for (const path of ['lost', 'deploy/self', 'big.yaml', 'deploy', '.', '../tree', '/etc/passwd', ''])
      assert.equal(files.read(path), null, path);
    assert.deepEqual(files.list('.'), ['big.yaml', 'deploy', 'kapal.yaml', 'lost']);
    assert.deepEqual(files.list('deploy'), ['kapal.yaml', 'self']);
    assert.deepEqual(files.list('..'), []);
    await assert.rejects(sources.files(NO_DIGEST), { code: 'not_found' });
  });

  test('may be put twice at the same moment', async (t) => {
    const folder = await temporaryFolder(t);
    const sources = openSources(folder);
    const tar = rawTar(...Array.from({ length: 40 }, (_, at) => file(`f${at}`, String(at))));
    const digest = await digestOf(sources, tar);
    await Promise.all([1, 2, 3].map(() => sources.put(digest, inPieces(tar))));
    assert.deepEqual(await readdir(join(folder, 'sources')), [digest]);
    const text = await readFile(join(folder, 'sources', digest, 'tree'), 'utf8');
    assert.equal(parseTree(text).length, 40);
  });
});

/** Puts an archive under the digest that it turns out to have. */
async function put(sources: ReturnType<typeof openSources>, tar: () => Buffer): Promise<string> {
  const bytes = tar();
  const digest = await digestOf(sources, bytes);
  await sources.put(digest, inPieces(bytes));
  return digest;
}

async function digestOf(sources: ReturnType<typeof openSources>, tar: Buffer): Promise<string> {
  const refusal = await sources.put(NO_DIGEST, inPieces(tar)).then(
    () => '',
    (error: unknown) => (error instanceof Error ? error.message : ''),
  );
  const digest = refusal.split(' ').at(-1) ?? '';
  assert.ok(isDigest(digest), refusal);
  return digest;
}
