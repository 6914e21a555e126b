import { mkdirSync, symlinkSync, writeFileSync, chmodSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Objects } from './objects.ts';
import type { Group, HostileCase } from './run.ts';
import { staticSite, type Outcome, type Trap, type World } from './world.ts';

/** A folder that somebody got from elsewhere, with the repository in it, and deploys: `kapal deploy FOLDER` asks git what is in it. */
const folders: readonly (readonly [
  name: string,
  arm: (folder: string, trap: Trap) => void,
  expects?: HostileCase['expects'],
])[] = [
  [
    'programs in the configuration of its repository',
    (folder, { program }) => {
      const objects = new Objects(folder);
      for (const key of [
        'core.fsmonitor',
        'core.sshCommand',
        'core.pager',
        'core.editor',
        'core.askPass',
        'gpg.program',
        'diff.external',
        'core.gitProxy',
        'core.alternateRefsCommand',
        'filter.x.clean',
        'filter.x.smudge',
        'filter.x.process',
        'diff.x.textconv',
        'credential.helper',
        'log.showSignature',
      ])
        objects.git(['config', key, key === 'log.showSignature' ? 'true' : program]);
      writeFileSync(join(folder, '.gitattributes'), '* filter=x diff=x\n');
    },
  ],
  [
    'hooks of its repository',
    (folder, { program }) => {
      for (const hook of ['post-index-change', 'fsmonitor-watchman', 'reference-transaction', 'post-checkout'])
        write(join(folder, '.git', 'hooks', hook), `#!/bin/sh\n${program}\n`);
      new Objects(folder).git(['config', 'core.fsmonitor', '.git/hooks/fsmonitor-watchman']);
    },
  ],
  [
    'a configuration that includes others',
    (folder, { program }) => {
      write(join(folder, 'more'), `[core]\n\tfsmonitor = ${program}\n\thooksPath = ${dirname(program)}\n`);
      new Objects(folder).git(['config', 'include.path', '../more']);
    },
  ],
  [
    'a repository that fetches what is missing by a program',
    (folder, { program }) => {
      const objects = new Objects(folder);
      for (const [key, value] of [
        ['remote.origin.url', `ext::${program}`],
        ['remote.origin.promisor', 'true'],
        ['extensions.partialClone', 'origin'],
        ['core.repositoryFormatVersion', '1'],
        ['protocol.ext.allow', 'always'],
      ] as const)
        objects.git(['config', key, value]);
      write(join(folder, '.git', 'refs', 'heads', 'main'), `${'1'.repeat(40)}\n`);
    },
    ['taken', 'source_failed', 'source_refused'],
  ],
  [
    'a .git that is a file and leads elsewhere',
    (folder) => {
      write(join(folder, '.git-file'), 'gitdir: /etc\n');
      new Objects(folder).git(['config', 'core.worktree', '/etc']);
    },
    ['taken', 'source_failed', 'source_refused'],
  ],
  [
    'an index with a path that leads out',
    (folder) => {
      const objects = new Objects(folder);
      objects.git(['update-index', '--add', '--cacheinfo', `120000,${objects.blob('/etc/passwd')},out`]);
      symlinkSync('/etc/passwd', join(folder, 'out'));
    },
    ['taken', 'source_refused'],
  ],
];

export const givenFolders: Group = {
  door: 'folder on the command line',
  prepare: async (world) =>
    folders.map(([name, arm, expects = ['taken']], at) => ({
      name,
      expects,
      send: (trap) => {
        const folder = join(world.cases, `folder-${at}`);
        write(join(folder, 'index.html'), 'x');
        write(join(folder, 'kapal.yaml'), staticSite('trap'));
        const objects = new Objects(folder);
        objects.git(['init', '--quiet', '--initial-branch=main']);
        objects.git(['add', '--all']);
        objects.git(['-c', 'user.name=M', '-c', 'user.email=m@example.com', 'commit', '--quiet', '-m', 'x']);
        arm(folder, trap);
        return deployed(world, folder);
      },
    })),
};

async function deployed(world: World, folder: string): Promise<Outcome> {
  const { code, stdout, stderr } = await world.kapal.runWith(
    { env: { ...world.kapal.more } },
    'deploy',
    folder,
    '--json',
  );
  const said = `${stdout}${stderr}`;
  if (code === 0) return { code: null, said };
  return { code: /"code":\s?"([a-z_]+)"/.exec(stdout)?.[1] ?? `exit code ${code}`, said };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}
