import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exec, plainEnvironment } from '../../lib/exec.ts';

/** The example that the demo deploys. */
const toko = fileURLToPath(new URL('../../../examples/toko', import.meta.url));

interface Version {
  readonly branch: string;
  readonly subject: string;
  /** Replacements in the example's files; each must be found. */
  readonly edits: readonly { readonly file: string; readonly from: RegExp; readonly to: string }[];
}

const numbered = (number: number) => ({
  file: 'package.json',
  from: /"version": "[^"]+"/,
  to: `"version": "${number}.0.0"`,
});

/** Four versions of one shop, as its developer might have written them. */
const versions: readonly Version[] = [
  { branch: 'v1', subject: 'Open the shop', edits: [numbered(1)] },
  { branch: 'v2', subject: 'Count products faster', edits: [numbered(2)] },
  {
    branch: 'v3',
    subject: 'Read the price list (forgets to ship it)',
    edits: [numbered(3), { file: 'server.js', from: /^/, to: "throw new Error('prices.csv is missing');\n" }],
  },
  {
    branch: 'v4',
    subject: 'Check the warehouse in /healthz',
    edits: [numbered(4), { file: 'health.js', from: /status: 200/, to: 'status: 500' }],
  },
];

/** Makes a git repository with one branch a version in `folder`. */
export async function makeShopRepository(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await git(folder, ['init', '--quiet', '--initial-branch=main']);
  for (const version of versions) {
    await git(folder, ['checkout', '--quiet', '--orphan', version.branch]);
    await cp(toko, folder, { recursive: true, filter: (path) => !/(^|\/)(node_modules|toko\.db)$/.test(path) });
    for (const { file, from, to } of version.edits) await edit(join(folder, file), from, to);
    await git(folder, ['add', '--all']);
    await git(folder, ['commit', '--quiet', '--message', version.subject]);
  }
}

async function edit(path: string, from: RegExp, to: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  if (!from.test(text)) throw new Error(`${path} is not as the demo expects it`);
  await writeFile(path, text.replace(from, to));
}

async function git(folder: string, args: readonly string[]): Promise<void> {
  const identity = {
    GIT_AUTHOR_NAME: 'Sari',
    GIT_AUTHOR_EMAIL: 'sari@example.com',
    GIT_COMMITTER_NAME: 'Sari',
    GIT_COMMITTER_EMAIL: 'sari@example.com',
  };
  const quiet = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', HOME: folder };
  const result = await exec('git', ['-C', folder, '-c', 'core.hooksPath=/dev/null', ...args], {
    env: plainEnvironment({ ...identity, ...quiet }),
    timeout: 30_000,
  });
  if (result.missing)
    throw new Error('git is not installed; the demo deploys from a git repository (Debian: apt-get install git)');
  if (!result.ok) throw new Error(`git ${args[0]} failed: ${result.stderr.trim()}`);
}
