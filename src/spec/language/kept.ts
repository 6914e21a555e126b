import { defaults, type DiskSpec, type ServiceSpec } from '../spec.ts';
import type { ServerPlan } from './language.ts';

/** The disk of a service that nobody declared: the folder that its framework writes to; null where none is known. */
export function keptDisk({ keeps, rootDir }: ServerPlan): DiskSpec | null {
  if (keeps === undefined || keeps === null) return null;
  const mountPath = rootDir === '.' ? keeps : `${rootDir}/${keeps}`;
  return { name: 'files', mountPath, size: defaults.disk.sizeGB * 1024 ** 3, shared: true };
}

/** What the user should know of the folders that a service keeps, and of one that it does not. */
export function keptNotes({ disk }: Pick<ServiceSpec, 'disk'>, plan: ServerPlan): readonly string[] {
  const usual = keptDisk(plan);
  if (disk?.shared === true)
    return [
      `${disk.mountPath} is kept across deploys, the same for all instances (disk ${disk.name}). All else that it writes begins anew with every deploy.`,
    ];
  if (usual === null || disk !== undefined) return [];
  return [
    `What it writes into ${usual.mountPath} begins anew with every deploy. To keep it, add to the service in kapal.yaml: disk: {name: ${usual.name}, mountPath: ${plan.keeps}, shared: true}`,
  ];
}
