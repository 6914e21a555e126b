import type { Trap } from './world.ts';
import type { Group } from './run.ts';

/** URLs of remotes; most name a program in one of the ways in which git can be told to start one. */
const urls: readonly ((trap: Trap, own: string) => string)[] = [
  ({ program }) => `ext::${program}`,
  ({ program }) => `ext::sh -c ${program.replaceAll(' ', '% ')}`,
  ({ program }) => `EXT::${program}`,
  () => 'fd::3',
  () => 'trap::anything',
  () => 'trap://host/path',
  ({ program }) => `--upload-pack=${program}`,
  () => '-u',
  ({ program }) => `-u${program}`,
  ({ program }) => `--config=core.sshCommand=${program}`,
  ({ program }) => `ssh://-oProxyCommand=${program}/a`,
  ({ program }) => `ssh://-oProxyCommand=${encodeURIComponent(program)}/a`,
  ({ program }) => `ssh://x@-oProxyCommand=${encodeURIComponent(program)}/a`,
  ({ program }) => `ssh://-oProxyCommand=x@127.0.0.1:1/${program}`,
  ({ program }) => `git@-oProxyCommand=${program.replaceAll('/', '\\/')}:a`,
  ({ program }) => `-oProxyCommand=x@127.0.0.1:${program}`,
  ({ program }) => `git@127.0.0.1:-${program}`,
  ({ program }) => `ssh://git@127.0.0.1:1/-oProxyCommand=${program}`,
  ({ program }) => `ssh+git://-oProxyCommand=${program}/a`,
  ({ program }) => `git+ssh://127.0.0.1/\`${program}\``,
  () => 'git://-h/x',
  () => 'http://user@-x/y.git',
  () => 'https:///etc/passwd',
  () => 'file:///etc',
  (_trap, own) => `file://${own}`,
  (_trap, own) => own,
  () => '../../..',
  () => 'C:\\repository',
  () => 'http://127.0.0.1:1/a\nb.git',
  () => 'http://127.0.0.1:1/a%0a%0dHost:%20x/b.git',
  () => 'http://127.0.0.1:1/a.git?service=x',
  () => 'http://127.0.0.1:1/a.git#x',
  ({ command }) => `http://127.0.0.1:1/$(${command})`,
  () => `http://127.0.0.1:1/${'a'.repeat(1_980)}`,
];

const branches: readonly ((trap: Trap) => string)[] = [
  ({ program }) => `--upload-pack=${program}`,
  ({ program }) => `--exec=${program}`,
  () => '-b',
  ({ escaped }) => `../../${escaped}`,
  ({ escaped }) => `a:refs/heads/${escaped}`,
  () => '+main:main',
  ({ command }) => `$(${command})`,
  () => 'a b',
  () => 'a..b',
  () => 'x\n',
  () => 'x.lock',
  () => '@{-1}',
  () => 'main^{commit}',
];

const asked: Trap = { program: 'PROGRAM', command: 'COMMAND', escaped: 'escaped' };

export const remoteUrls: Group = {
  door: 'URL and branch of a deploy',
  prepare: async (world) => [
    ...urls.map((url) => ({
      name: JSON.stringify(url(asked, 'FOLDER')).slice(0, 60),
      // Two of them are sound URLs of a host that does not answer.
      expects: ['source_refused', 'usage', 'source_failed'] as const,
      send: (trap: Trap) => world.deploy({ kind: 'git', url: url(trap, world.kapal.folder), branch: null }),
    })),
    ...branches.map((branch) => ({
      name: `branch ${JSON.stringify(branch(asked))}`,
      expects: ['source_refused', 'usage'] as const,
      send: (trap: Trap) => world.deploy({ kind: 'git', url: 'http://127.0.0.1:1/a.git', branch: branch(trap) }),
    })),
  ],
};
