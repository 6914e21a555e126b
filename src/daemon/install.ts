import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { installService } from '../boot/install.ts';
import type { InstalledService, ServiceInstallOptions } from '../cli/host.ts';
import { daemonArguments } from '../cli/launch/options.ts';
import { KapalError } from '../model/errors.ts';

/** The file whose presence says that systemd is the init of this machine (sd_booted(3)). */
const systemdRuns = '/run/systemd/system';

/** What reaches the registry has to reach builds of a daemon that was started at boot, too. */
const carried = [
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
];

/** `kapal service install`: writes the unit, or the init script where systemd is absent. Needs root, except to show what it would write. */
export async function installAtBoot(
  options: ServiceInstallOptions & { readonly launcher: string },
): Promise<InstalledService> {
  if (process.getuid?.() !== 0 && !options.dryRun) {
    throw new KapalError('forbidden', 'what starts at boot is written by root', {
      hint: 'Run it with sudo, or see what it would write: kapal service install --dry-run',
    });
  }
  const systemd = existsSync(systemdRuns);
  const root = options.dryRun ? await mkdtemp(join(tmpdir(), 'kapal-boot-')) : '/';
  try {
    const installed = await installService({ ...bootService(options), root, systemd });
    const [file = ''] = installed.files;
    const notes = installed.commands.map((command) => command.join(' '));
    const path = options.dryRun ? file.slice(root.length) : file;
    return { kind: systemd ? 'systemd' : 'init', path, content: await readFile(file, 'utf8'), enabled: false, notes };
  } finally {
    if (options.dryRun) await rm(root, { recursive: true, force: true });
  }
}

function bootService(
  options: ServiceInstallOptions & { readonly launcher: string },
): Parameters<typeof installService>[0] {
  const environment = Object.fromEntries(
    carried.flatMap((key) => (process.env[key] === undefined ? [] : [[key, process.env[key]]])),
  );
  return {
    name: 'kapal',
    description: 'Kapal: deploys and runs backends',
    launcher: options.launcher,
    args: ['up', ...daemonArguments(options)],
    data: options.data,
    user: userInfo().username,
    environment,
    root: '/',
    systemd: true,
  };
}
