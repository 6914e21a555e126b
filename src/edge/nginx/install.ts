import { rm, writeFile } from 'node:fs/promises';
import { exec, type ExecOptions, type ExecResult, plainEnvironment } from '../../lib/exec.ts';
import { errorCode, readIfThere } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';

/** What the engine needs of Debian and Ubuntu. */
export const packages: readonly string[] = [
  'nginx',
  'libnginx-mod-http-lua',
  'lua-resty-core',
  'lua-resty-lrucache',
  'lua-cjson',
];

/** The machine, as far as installing touches it. */
export interface InstallGround {
  readonly root: boolean;
  readonly osRelease: string;
  /** Where Debian asks whether a service may be started during an installation (invoke-rc.d(8)). */
  readonly policyFile: string;
  run(program: string, args: readonly string[], options?: ExecOptions): Promise<ExecResult>;
}

export const thisMachine: InstallGround = {
  root: process.getuid?.() === 0,
  osRelease: '/etc/os-release',
  policyFile: '/usr/sbin/policy-rc.d',
  run: exec,
};

/** Refuses nginx alone: should this ever be left behind, every other service still starts. */
const policy = `#!/bin/sh
# Written by \`kapal edge install\` and removed by it: the nginx of Debian is not to start, Kapal runs its own.
[ "$1" = nginx ] && exit 101
exit 0
`;

/** The packages that are not installed here. Throws `not_supported` where packages of Debian cannot be installed. */
export async function missingPackages(ground: InstallGround = thisMachine): Promise<readonly string[]> {
  await requireDebian(ground);
  const states = await Promise.all(packages.map((name) => isInstalled(ground, name)));
  return packages.filter((_, index) => states[index] === false);
}

/**
 * Installs them from the machine's package sources, without starting Debian's nginx service, now or at boot. Resolves with what was done besides, a sentence
 * each. Throws `not_supported`, `forbidden` without root, and `edge_failed` with apt's words.
 */
export async function installPackages(ground: InstallGround = thisMachine): Promise<readonly string[]> {
  await requireDebian(ground);
  if (!ground.root)
    throw new KapalError('forbidden', 'Installing packages needs root', {
      hint: `As root: apt-get install --no-install-recommends ${packages.join(' ')}`,
    });
  const wasThere = await isInstalled(ground, 'nginx');
  const placed = await forbidStart(ground);
  try {
    await aptInstall(ground);
  } finally {
    if (placed) await rm(ground.policyFile, { force: true });
  }
  if (wasThere) return ['nginx was installed before: its own service is left as it was.'];
  return [await disableService(ground)];
}

async function requireDebian({ osRelease }: InstallGround): Promise<void> {
  const text = (await readIfThere(osRelease)) ?? '';
  const families = [...text.matchAll(/^(?:ID|ID_LIKE)=(.*)$/gm)].flatMap((match) =>
    (match[1] ?? '').replaceAll('"', '').split(' '),
  );
  if (families.includes('debian') || families.includes('ubuntu')) return;
  throw new KapalError('not_supported', 'Kapal installs nginx on Debian and Ubuntu only', {
    hint: 'Install nginx with the Lua module (ngx_http_lua_module), lua-resty-core, lua-resty-lrucache and lua-cjson by hand; Kapal finds them by itself.',
  });
}

async function isInstalled(ground: InstallGround, name: string): Promise<boolean> {
  const { ok, stdout } = await ground.run('dpkg-query', ['-W', '-f', '${db:Status-Status}', '--', name], {
    timeout: 30_000,
  });
  return ok && stdout.trim() === 'installed';
}

/** Whether the policy is ours to remove: one that is there already stays, and is obeyed. */
async function forbidStart({ policyFile }: InstallGround): Promise<boolean> {
  try {
    await writeFile(policyFile, policy, { mode: 0o755, flag: 'wx' });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** A machine whose lists of packages are missing or old is told to fetch them, once. */
async function aptInstall(ground: InstallGround): Promise<void> {
  const install = (): Promise<ExecResult> =>
    ground.run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], {
      env: aptEnvironment(),
      timeout: 600_000,
    });
  let result = await install();
  if (!result.ok) {
    await ground.run('apt-get', ['update'], { env: aptEnvironment(), timeout: 300_000 });
    result = await install();
  }
  if (result.ok) return;
  const words = `${result.stdout}\n${result.stderr}`.split('\n').filter((line) => line.trim() !== '');
  throw new KapalError('edge_failed', 'The packages of nginx could not be installed', {
    hint: 'Run it by hand to see more: apt-get install --no-install-recommends ' + packages.join(' '),
    log: words.slice(-20),
  });
}

/** A package's service is enabled when it is installed, and would take port 80 at the next boot. */
async function disableService(ground: InstallGround): Promise<string> {
  for (const [program, args] of [
    ['systemctl', ['disable', 'nginx.service']],
    ['update-rc.d', ['nginx', 'disable']],
  ] as const) {
    const { ok } = await ground.run(program, args, { timeout: 60_000 });
    if (ok) return "Debian's own nginx service was not started, and is disabled: Kapal runs its nginx itself.";
  }
  return "Debian's own nginx service was not started; it could not be disabled: look whether it starts at boot.";
}

function aptEnvironment(): Record<string, string> {
  const kept = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'HOME'];
  const given = kept.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return plainEnvironment({ DEBIAN_FRONTEND: 'noninteractive', ...Object.fromEntries(given) });
}
