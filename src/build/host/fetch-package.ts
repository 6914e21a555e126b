import { join } from 'node:path';
import { exec } from '../../lib/exec.ts';
import { makeFolder } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';
import { npmFailure, runNpm } from './npm.ts';
import type { RegistrySettings } from './registry.ts';
import type { Toolchain } from './toolchain.ts';

export interface FetchedPackage {
  /** In `part`, as its archive. */
  readonly folder: string;
  readonly archive: string;
  readonly version: string;
}

/**
 * One package of the npm registry, unpacked and nothing of it run; npm checks what came against the registry's digest. Throws KapalError
 * `toolchain_missing`, with the hint where there is one.
 */
export async function fetchPackage(
  spec: string,
  at: { part: string; toolchain: Toolchain; settings: RegistrySettings; hint?: string },
): Promise<FetchedPackage> {
  const { part, toolchain, settings, hint } = at;
  await makeFolder(part);
  const place = { part, toolchain, environment: settings.environment };
  const packed = await runNpm(place, ['pack', '--json', '--pack-destination', part, '--', spec]);
  const [found] = packed.ok ? packedIn(packed.stdout) : [];
  if (found === undefined) {
    const { reason, log } = npmFailure(packed);
    throw new KapalError('toolchain_missing', `${spec} could not be brought from the npm registry: ${reason}`, {
      hint,
      log,
    });
  }
  const archive = join(part, found.filename);
  const unpacked = await exec('tar', ['-xzf', archive, '--no-same-owner', '-C', part]);
  if (!unpacked.ok)
    throw new KapalError('toolchain_missing', `${spec} could not be unpacked: ${unpacked.stderr.trim()}`);
  return { folder: join(part, 'package'), archive, version: found.version };
}

interface Packed {
  readonly filename: string;
  readonly version: string;
}

/** What `npm pack --json` prints: a list, in other releases of npm an object by name. */
function packedIn(stdout: string): readonly Packed[] {
  const value: unknown = JSON.parse(stdout);
  const list: readonly unknown[] = Array.isArray(value) ? value : Object.values(value ?? {});
  return list.flatMap((one) =>
    typeof one === 'object' && one !== null && 'filename' in one && 'version' in one
      ? [{ filename: String(one.filename).replaceAll('/', '-'), version: String(one.version) }]
      : [],
  );
}
