import type { Report } from '../report.ts';
import { defaults, type DiskSpec } from '../spec.ts';
import type { MountPath } from '../table/disk.ts';
import type { FoundService } from '../table/service.ts';

const GB = 1024 ** 3;

/** The disk of a service, and what it rules out. Undefined where none is declared, or something of it is missing (and was reported). */
export function readDisk(entry: FoundService, rootDir: string, report: Report): DiskSpec | undefined {
  const { disk } = entry.fields;
  if (disk === undefined) return undefined;
  const { name, mountPath, sizeGB, shared } = disk.value.fields;
  if (shared?.value !== true) refuseSeveral(entry, report);
  if (name === undefined || mountPath === undefined) return undefined;
  return {
    name: name.value,
    mountPath: placeOf(mountPath.value, rootDir),
    size: (sizeGB?.value ?? defaults.disk.sizeGB) * GB,
    ...(shared?.value === true ? { shared: true } : {}),
  };
}

function refuseSeveral({ fields: { numInstances, rollout } }: FoundService, report: Report): void {
  const why =
    'a service with a disk has one instance, which is stopped before the next one starts (disk.shared: true lets several write to it)';
  if (numInstances !== undefined && numInstances.value > 1) report.refuse(numInstances.place, `must be 1: ${why}`);
  for (const field of [rollout?.value.fields.strategy, rollout?.value.fields.maxSurge])
    if (field !== undefined && field.value !== 'rolling' && field.value !== 1)
      report.refuse(field.place, `has no meaning here: ${why}`);
}

function placeOf({ from, path }: MountPath, rootDir: string): string {
  return from === 'root-dir' && rootDir !== '.' ? `${rootDir}/${path}` : path;
}
