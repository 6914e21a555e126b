import type { ErrorCode } from '../../src/model/errors.ts';
import { pax, type RawEntry, rawEntry, rawTar } from '../integration/source-tar.ts';
import type { Group, HostileCase } from './run.ts';
import { deployTree, put } from './upload.ts';
import { staticSite, type World } from './world.ts';

/** `x` is the name of a file that must lie nowhere. */
type Archive = readonly [name: string, tar: (x: string) => Uint8Array, code?: ErrorCode];

const file = (name: string | Uint8Array, content = 'x'): RawEntry => ({ name, content });
const link = (name: string, target: string): RawEntry => ({ name, type: '2', target });
const of = (...entries: readonly RawEntry[]) => rawTar(...entries);

const paths: readonly ((x: string) => string)[] = [
  (x) => `../${x}`,
  (x) => `../../${x}`,
  (x) => `../../../../../../../../tmp/${x}`,
  (x) => `/${x}`,
  (x) => `//${x}`,
  (x) => `a/../../${x}`,
  () => 'a/..',
  () => '..',
  () => '.',
  (x) => `./${x}`,
  () => 'a/./b',
  () => 'a//b',
  (x) => `a\\..\\..\\${x}`,
  (x) => `..\\${x}`,
  (x) => `C:\\${x}`,
  () => '.git/hooks/post-checkout',
  () => '.git',
  () => 'sub/.git/config',
  () => '.GIT/config',
  () => `${'d/'.repeat(45)}${'d/'.repeat(45)}x`,
  () => '',
];

const headers: readonly Archive[] = [
  ['a way out in the prefix field', (x) => of({ ...file(x), prefix: '../..' })],
  ['an absolute prefix field', (x) => of({ ...file(x), prefix: '/tmp' })],
  ['a way out in a pax path', (x) => of(pax({ path: `../${x}` }), file('fine'))],
  ['a NUL in a pax path', (x) => of(pax({ path: `fine\0/../../${x}` }), file('fine'))],
  ['a way out in a global pax path', (x) => of(pax({ path: `../${x}` }, 'g'), pax({}), file('fine'))],
  ['a way out in a GNU long name', (x) => of({ name: '././@LongLink', type: 'L', content: `../${x}\0` }, file('fine'))],
  ['a name of 300 bytes', () => of(pax({ path: 'a'.repeat(300) }), file('fine'))],
  ['a path of 5,000 bytes', () => of(pax({ path: `${'a'.repeat(200)}/`.repeat(25) + 'x' }), file('fine'))],
  ['a name that is no UTF-8 and leads out', (x) => of(file(Buffer.from(`\xff/../../../${x}`, 'latin1')))],
  ['a file that says it has 8 GB', () => of({ ...file('a'), size: 8 * 1024 ** 3 - 1 }), 'source_too_large'],
  ['a pax size of 10^18', () => of(pax({ size: '1000000000000000000' }), file('a')), 'source_too_large'],
  ['a pax size that is no number', () => of(pax({ size: 'x' }), file('a'))],
  ['a negative pax size', () => of(pax({ size: '-5' }), file('a'))],
  ['a header of more than 4 MB', () => of(pax({ comment: 'x'.repeat(5_000_000) }), file('a'))],
  ['an archive that is cut short', () => of(file('a', 'x'.repeat(2_000))).subarray(0, 1_100)],
  ['a header that is cut short', () => Buffer.concat(rawEntry(file('a'))).subarray(0, 300)],
  ['noise', () => Buffer.alloc(2_048, 'noise')],
  ['a wrong checksum', () => Buffer.from(of(file('a'))).fill('9', 0, 1)],
  ['a compressed archive', () => Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.alloc(1_024)])],
  ['a sound archive of another digest', () => of(file('a'))],
];

const links: readonly Archive[] = [
  ['an absolute link', () => of(link('a', '/etc/passwd'))],
  ['a link out', (x) => of(link('a', `../${x}`))],
  ['a link out of a folder', (x) => of(link('d/a', `../../${x}`))],
  ['a link to the folder above', () => of(link('a', '..'))],
  ['a link out in a pax link path', (x) => of(pax({ linkpath: `../../${x}` }), link('a', 'fine'))],
  [
    'a link out in a GNU long link',
    (x) => of({ name: '././@LongLink', type: 'K', content: `../${x}\0` }, link('a', 'fine')),
  ],
  ['two links that are out only together', (x) => of(link('d/up', '..'), link('a', `d/up/../${x}`))],
  ['the same in the other order', (x) => of(link('a', `d/up/../${x}`), link('d/up', '..'))],
  ['a link with an empty target', () => of(link('a', ''))],
  ['a file through a link', () => of(link('a', '.'), file('a/b'))],
  ['a file through a link out', (x) => of(link('a', '/tmp'), file(`a/${x}`))],
  ['a file in the place of a link', (x) => of(link('a', `/tmp/${x}`), file('a'))],
  ['a link in the place of a file', () => of(file('a'), link('a', 'b'))],
  ['a link in the place of a folder', () => of(file('a/b'), link('a', 'c'))],
  ['a hard link to outside', () => of({ name: 'a', type: '1', target: '/etc/passwd' })],
  ['a hard link inside', () => of(file('b'), { name: 'a', type: '1', target: 'b' })],
];

const kinds: readonly Archive[] = [
  ['a character device', () => of({ name: 'a', type: '3' })],
  ['a block device', () => of({ name: 'a', type: '4' })],
  ['a named pipe', () => of({ name: 'a', type: '6' })],
  ['a contiguous file', () => of({ name: 'a', type: '7' })],
  ['an entry of an unknown type', () => of({ name: 'a', type: 'Z' })],
  ['a GNU sparse file', () => of({ name: 'a', type: 'S', content: 'x' })],
  ['a pax sparse file', () => of(pax({ 'GNU.sparse.major': '1', 'GNU.sparse.realsize': '999999999999' }), file('a'))],
  ['one name twice', () => of(file('a'), file('a', 'y'))],
  ['a file and a folder of one name', () => of(file('a'), file('a/b'))],
  ['a folder and a file of one name', () => of(file('a/b'), file('a'))],
];

const digests = [
  '../x',
  'sha256-../../x',
  `sha256-${'0'.repeat(64)}/..`,
  `sha256-${'0'.repeat(64)}\n`,
  `sha256-${'g'.repeat(64)}`,
];

/** Odd, and honest: kept under those names and nowhere else. A name holds no slash: `git-lfs` is bait on the daemon's path. */
const names = [
  'new\nline',
  '-rf',
  '--upload-pack=git-lfs',
  '$(git-lfs)',
  '`git-lfs`',
  "'; git-lfs; '",
  '*',
  '\u202Etxt.js',
  '__proto__',
  '.gitattributes',
];

export const archives: Group = {
  door: 'archive sent as a folder',
  async prepare(world) {
    return [
      ...paths.map((path) =>
        asCase(world, [`a file named ${JSON.stringify(path('escaped'))}`, (x) => of(file(path(x)))]),
      ),
      ...[...headers, ...links, ...kinds].map((one) => asCase(world, one)),
      ...digests.map(
        (digest): HostileCase => ({
          name: `the digest ${JSON.stringify(digest.slice(0, 20))}`,
          expects: ['usage', 'not_found'],
          send: () => put(world, rawTar(file('a')), encodeURIComponent(digest)),
        }),
      ),
      ...names.map(
        (name): HostileCase => ({
          name: `a site with a file named ${JSON.stringify(name)}`,
          expects: ['taken'],
          send: () => deployTree(world, siteWith(name)),
        }),
      ),
    ];
  },
};

function asCase(world: World, [name, tar, code = 'source_refused']: Archive): HostileCase {
  return { name, expects: [code], send: ({ escaped }) => put(world, tar(escaped)) };
}

function siteWith(name: string): RawEntry[] {
  return [
    file('index.html', 'x'),
    file('kapal.yaml', staticSite('trap')),
    pax({ path: name }),
    file('fine', '* filter=x'),
  ];
}
