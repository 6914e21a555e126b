import { chmod } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder, writeDurably } from '../lib/files.ts';
import type { BootService } from './boot-service.ts';
import { initPath, renderInitScript } from './init-script.ts';
import { renderUnit, unitPath } from './unit.ts';

export interface InstallOptions extends BootService {
  /** Prefix of every path that is written: `/`, or a folder in tests and images. Absolute. */
  readonly root: string;
  /** Whether systemd starts this machine: `/run/systemd/system` is there (sd_booted(3)). */
  readonly systemd: boolean;
}

export interface Installed {
  /** What was written, absolute, with the root before it. */
  readonly files: readonly string[];
  /** What the user runs next, in order, as argument lists. */
  readonly commands: readonly (readonly string[])[];
}

/**
 * Writes what starts the daemon at boot; repeating it replaces the file by one of the same name. It starts nothing: the commands that it
 * returns do. System errors (EACCES without root) are thrown as they are.
 */
export async function installService(options: InstallOptions): Promise<Installed> {
  const { root, systemd } = options;
  const path = join(root, systemd ? unitPath(options.name) : initPath(options.name));
  const mode = systemd ? 0o644 : 0o755;
  await makeFolder(dirname(path));
  await writeDurably(path, systemd ? renderUnit(options) : renderInitScript(options), mode);
  // writeDurably's mode is cut by the umask, and a script that only root may read still has to be executable.
  await chmod(path, mode);
  return { files: [path], commands: systemd ? systemdCommands(options.name) : initCommands(options.name) };
}

function systemdCommands(name: string): string[][] {
  return [
    ['systemctl', 'daemon-reload'],
    ['systemctl', 'enable', '--now', `${name}.service`],
  ];
}

function initCommands(name: string): string[][] {
  return [
    ['update-rc.d', name, 'defaults'],
    [initPath(name), 'start'],
  ];
}
