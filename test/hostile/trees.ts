import type { Entry, Objects } from './objects.ts';
import type { Expected } from './run.ts';
import { staticSite, type Trap, type World } from './world.ts';

/** A commit that means harm, whichever way it comes. */
export interface HostileTree {
  readonly name: string;
  /** `taken` or `source_refused`: a push of it is stored and not deployed where it is refused. */
  readonly expects: readonly Expected[];
  readonly commit: (objects: Objects, trap: Trap, world: World) => string;
  /** It takes seconds, in a place that all ways share: it comes by one of them. */
  readonly isLong?: boolean;
}

const site = (): readonly Entry[] => [
  ['100644', 'index.html', 'x'],
  ['100644', 'kapal.yaml', staticSite('trap')],
];
const no = '1'.repeat(40);

/** Beside an honest site. */
const beside = (
  name: string,
  entries: (trap: Trap, world: World) => readonly Entry[],
  expects: readonly Expected[] = ['source_refused'],
): HostileTree => ({
  name,
  expects,
  commit: (objects, trap, world) => objects.commit([...entries(trap, world), ...site()]),
});

const modules = (text: (trap: Trap) => string, path = 'lib'): HostileTree['commit'] => {
  return (objects, trap) =>
    objects.commit([
      ['100644', '.gitmodules', `[submodule "${path}"]\n\tpath = ${path}\n${text(trap)}`],
      ...site(),
      ['160000', 'lib', no],
    ]);
};

export const hostileTrees: readonly HostileTree[] = [
  beside(
    'content filters, and their configuration',
    ({ program }) => [
      [
        '100644',
        '.gitattributes',
        '* filter=trap diff=trap merge=trap text eol=crlf ident working-tree-encoding=UTF-16\n',
      ],
      [
        '100644',
        '.gitconfig',
        `[filter "trap"]\n\tsmudge = ${program}\n\tprocess = ${program}\n\trequired\n[core]\n\tfsmonitor = ${program}\n`,
      ],
    ],
    ['taken'],
  ),
  beside(
    'Git LFS pointers, and their configuration',
    ({ program }) => [
      ['100644', '.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n'],
      ['100644', '.lfsconfig', `[lfs]\n\turl = ext::${program}\n[lfs "customtransfer.x"]\n\tpath = ${program}\n`],
      ['100644', 'a.bin', 'version https://git-lfs.github.com/spec/v1\noid sha256:x\nsize 9999999999999\n'],
    ],
    ['taken'],
  ),
  beside(
    'hooks as files',
    ({ program }) => [
      ['100755', 'post-checkout', `#!/bin/sh\n${program}\n`],
      ['40000', 'hooks', [['100755', 'pre-receive', `#!/bin/sh\n${program}\n`]]],
      ['100755', 'post-receive', `#!/bin/sh\n${program}\n`],
    ],
    ['taken'],
  ),
  {
    name: 'a submodule whose URL is a program',
    expects: ['taken'],
    commit: modules(({ program }) => `\turl = ext::${program}\n\tupdate = !${program}\n`),
  },
  { name: 'a submodule whose URL is a file', expects: ['taken'], commit: modules(() => '\turl = file:///etc\n') },
  {
    name: 'a submodule whose URL is an option',
    expects: ['taken'],
    commit: modules(({ program }) => `\turl = --upload-pack=${program}\n`),
  },
  {
    name: 'a submodule whose path lies in .git',
    expects: ['taken'],
    commit: modules(() => '\turl = x\n', '.git/hooks'),
  },
  { name: 'a submodule whose name leads out', expects: ['taken'], commit: modules(() => '\turl = x\n', '../../hooks') },
  beside('.gitmodules that is a link out', () => [['120000', '.gitmodules', '../../../etc/passwd']]),
  beside('a submodule named .git', () => [['160000', '.git', no]], ['taken', 'source_refused']),
  beside('a link out of the tree', () => [['120000', 'out', '../../../../keys/api-token']]),
  beside('an absolute link', () => [['120000', 'out', '/etc/passwd']]),
  beside('two links that are out only together', ({ escaped }) => [
    ['120000', 'a', 'd/up/..'],
    ['40000', 'd', [['120000', 'up', `../../${escaped}`]]],
  ]),
  beside('a link whose target is 1 MB long', () => [['120000', 'a', 'x'.repeat(1_000_000)]]),
  beside('a link whose target has a NUL', () => [['120000', 'a', 'x\0/etc/passwd']]),
  beside(
    'a file through a link',
    ({ escaped }, { open }) => [
      ['120000', 'a', open],
      ['40000', 'a', [['100644', escaped, 'x']]],
    ],
    ['source_refused', 'source_failed'],
  ),
  beside('a file named ".."', () => [['100644', '..', 'x']]),
  beside('a folder named ".."', ({ escaped }) => [['40000', '..', [['100644', escaped, 'x']]]]),
  beside('a name with a path in it', ({ escaped }) => [['100644', `../../../${escaped}`, 'x']]),
  beside('an absolute name', ({ escaped }, { open }) => [['100644', `${open}/${escaped}`, 'x']]),
  beside('a name with a backslash', ({ escaped }) => [['100644', `..\\${escaped}`, 'x']]),
  beside('a file named .git', ({ program }) => [['100644', '.git', `gitdir: ${program}\n`]]),
  beside('a folder named .git', ({ program }) => [
    ['40000', '.git', [['100644', 'config', `[core]\n\tfsmonitor = ${program}\n`]]],
  ]),
  beside('a folder named .GIT', ({ program }) => [['40000', '.GIT', [['100755', 'hooks', program]]]]),
  beside('a name that is no UTF-8', () => [['100644', Buffer.from([0x61, 0xff]), 'x']]),
  beside(
    'names with newlines, and of options',
    () => [
      ['100644', '-rf', 'x'],
      ['100644', 'a\nb', 'x'],
    ],
    ['taken'],
  ),
  beside(
    'one name twice',
    () => [
      ['100644', 'a', 'x'],
      ['100644', 'a', 'y'],
    ],
    ['source_refused', 'source_failed'],
  ),
  beside(
    'modes that no file has',
    () => [
      ['104777', 'root', 'x'],
      ['100666', 'open', 'x'],
      ['60000', 'device', 'x'],
    ],
    ['taken', 'source_refused', 'source_failed'],
  ),
  {
    name: '120 folders in one another',
    isLong: true,
    expects: ['source_refused', 'source_failed', 'source_too_large'],
    commit: (objects) => objects.commit(objects.deep(120)),
  },
  {
    name: 'trees that name 10^12 files',
    isLong: true,
    expects: ['source_too_large'],
    commit: (objects) => objects.commit(objects.bomb(12, [['100644', 'x', 'x']])),
  },
  {
    name: 'trees that name 10^12 empty trees',
    expects: ['source_too_large'],
    commit: (objects) => objects.commit(objects.bomb(12, [])),
  },
  {
    name: 'trees that name 10^12 submodules',
    isLong: true,
    expects: ['source_too_large'],
    commit: (objects) => objects.commit(objects.bomb(12, [['160000', 'x', no]])),
  },
  {
    name: 'trees that name files by 10^9 paths of 3,000 bytes',
    isLong: true,
    expects: ['source_too_large', 'source_refused'],
    commit: (objects) => objects.commit(longPaths(objects)),
  },
  {
    name: 'a message of 16 MB',
    expects: ['taken'],
    commit: (objects) => objects.commit(site(), 'x'.repeat(16 * 1024 * 1024)),
  },
  beside('a tree that is not there', () => [['40000', 'gone', no]], ['source_failed', 'refused']),
  {
    name: 'a kapal.yaml that is an LFS pointer',
    expects: ['declaration_invalid'],
    commit: (objects) =>
      objects.commit([['100644', 'kapal.yaml', 'version https://git-lfs.github.com/spec/v1\noid sha256:x\n']]),
  },
];

function longPaths(objects: Objects): string {
  const name = 'n'.repeat(240);
  let tree = objects.tree([['100644', name, 'x']]);
  for (let level = 0; level < 11; level += 1)
    tree = objects.tree(Array.from({ length: 9 }, (_, at): Entry => ['40000', `${at}${name}`, tree]));
  return tree;
}
