import { crashpoint } from '../lib/crashpoint.ts';
import { KapalError } from '../model/errors.ts';
import { type ServiceId, serviceKey } from '../model/service.ts';
import type { RunSpec, ServiceAccount } from '../runtime/port.ts';
import type { DiskSpec, ServiceSpec, Spec } from '../spec/spec.ts';
import type { ReleaseRow, ServiceRow } from '../state/records.ts';
import type { Dependencies } from './dependencies.ts';

/** A disk that is ready for runs of a release. */
export interface AttachedDisk {
  /** Where it really is. */
  readonly folder: string;
  /** How a run comes to see it elsewhere too; null where a link of its artifact leads there. */
  readonly mount: { readonly folder: string; readonly path: string } | null;
}

type Needs = Pick<Dependencies, 'store' | 'disks' | 'clock'>;

/**
 * Makes the disk of a release ready: on record, there, its service's, and seen where it was declared. Repeatable; null for a release without one. Throws
 * `disk_failed` for a disk that was there and is not: its service would begin anew with an empty one, and nobody would notice what is lost.
 */
export async function attachDisk(
  needs: Needs,
  input: { service: ServiceId; spec: ServiceSpec; artifact: string | null; account: ServiceAccount },
): Promise<AttachedDisk | null> {
  const { service, spec, artifact, account } = input;
  const { disk } = spec;
  if (disk === undefined) return null;
  const { store, disks, clock } = needs;
  const owner = account.uid === null || account.gid === null ? null : { uid: account.uid, gid: account.gid };
  if (store.disks.get(service, disk.name)?.removing === true)
    throw new KapalError('conflict', `the disk ${disk.name} of ${service} is being removed`, {
      hint: 'Deploy again when it is gone.',
    });
  store.disks.declare(service, disk.name, { size: disk.size, at: clock.now() });
  crashpoint('disk.recorded');
  await requireThere(needs, service, disk);
  await disks.ensure(service, disk.name, owner);
  crashpoint('disk.made');
  const isNew = store.disks.get(service, disk.name)?.made === false;
  const isElsewhere = disk.mountPath.startsWith('/');
  if (artifact !== null && !isElsewhere) {
    const files = disk.shared !== true ? 'refuse' : isNew ? 'move' : 'drop';
    await disks.link({ service, name: disk.name, artifact, path: disk.mountPath, owner, files });
  }
  crashpoint('disk.linked');
  // Only now: as long as it is new, what a daemon that died has not moved to it is moved again.
  if (isNew) store.disks.update(service, disk.name, { made: true });
  const folder = disks.path(service, disk.name);
  return { folder, mount: isElsewhere ? { folder, path: disk.mountPath } : null };
}

async function requireThere({ store, disks }: Needs, service: ServiceId, { name }: DiskSpec): Promise<void> {
  if (store.disks.get(service, name)?.made !== true || (await disks.exists(service, name))) return;
  throw new KapalError('disk_failed', `the disk ${name} of ${service} is gone: ${disks.path(service, name)}`, {
    hint: 'Bring the folder back (mount what holds it, or restore it). To begin anew with an empty disk, make an empty folder there.',
  });
}

/** The disk of a release, ready for its instances, its preDeployCommand and its jobs; null for one without. */
export function diskOfRelease(
  needs: Needs,
  { service, spec, artifact }: ReleaseRow,
  account: ServiceAccount,
): Promise<AttachedDisk | null> {
  return attachDisk(needs, { service, spec, artifact: artifact?.path ?? null, account });
}

/** What a disk adds to a run. */
export function seenByRun(disk: AttachedDisk | null): {
  readonly environment: Readonly<Record<string, string>>;
  readonly mount: Pick<RunSpec, 'mount'>;
} {
  if (disk === null) return { environment: {}, mount: {} };
  return { environment: { KAPAL_DISK: disk.folder }, mount: disk.mount === null ? {} : { mount: disk.mount } };
}

/** Throws `mount_refused` for a disk that this machine cannot bring to where it is declared. Changes nothing. */
export async function admitDisks(needs: Pick<Dependencies, 'runtime'>, spec: Spec): Promise<void> {
  for (const { name, disk } of spec.services) {
    if (disk?.mountPath.startsWith('/') !== true) continue;
    try {
      await needs.runtime.admitMount(disk.mountPath);
    } catch (error) {
      if (!(error instanceof KapalError)) throw error;
      throw new KapalError(error.code, `${name}: disk.mountPath: ${error.message}`, {
        hint: error.hint ?? undefined,
        cause: error,
      });
    }
  }
}

/**
 * The disks that the service has: as its release has it that serves, and as those have it that are to serve or to be built. What an instance still holds is
 * among them.
 */
export function currentDisks({ store }: Pick<Dependencies, 'store'>, row: ServiceRow): readonly DiskSpec[] {
  const target = store.rollouts.active(row.id)?.to;
  const numbers = [target, ...store.instances.of(row.id).map(({ release }) => release)];
  const specs = [
    ...(row.current === null && store.operations.openTasks(row.id).length === 0 ? [] : [row.spec]),
    ...numbers.flatMap((number) => (number === undefined ? [] : (store.releases.get(row.id, number)?.spec ?? []))),
  ];
  return specs.flatMap(({ disk }) => disk ?? []);
}

/** In words: how long nothing answered while the disk, or the port, changed hands. `why`: `it has a disk`. */
export function gapText(service: ServiceId, milliseconds: number, why: string): string {
  const seconds = Math.max(0.1, Math.round(milliseconds / 100) / 10);
  return `${serviceKey(service).service} answered nothing for ${seconds} s: ${why}, so what ran was stopped before its successor started`;
}

/** In words: what a deploy does not begin anew. */
export function keptText({ name, mountPath }: DiskSpec): string {
  return `${mountPath} is kept across deploys, the same for all instances: the disk ${name}`;
}
