import { failure } from '../../api/contract/exit.ts';
import { paths } from '../../api/contract/paths.ts';
import type { PersistentDiskDocument } from '../../api/contract/types.ts';
import { diskText } from '../disk-text.ts';
import { type Command, type Invocation, operand } from '../command.ts';
import { table } from '../output.ts';

export const list: Command = {
  operands: [],
  options: [],
  examples: [
    ['disk list', 'every disk, what is on it, and whether a service has it'],
    ['disk list --project shop --json', 'the disks of a project, for a program'],
  ],
  async run(invocation) {
    const { out, json } = invocation;
    const found = await disksOf(invocation);
    if (json) out.json(found);
    else print(invocation, found);
    return 0;
  },
};

export const remove: Command = {
  operands: [
    { name: 'service', description: 'the service that it belonged to', required: true, completes: 'service' },
    { name: 'disk', description: 'the disk', required: true },
  ],
  options: [{ flags: '--yes', description: 'it is meant: what is on the disk is deleted' }],
  examples: [['disk remove api data --yes', 'delete a disk that no release declares any more']],
  async run(invocation) {
    const { flags, client, out, json, say } = invocation;
    const [service, name] = [operand(invocation, 0), operand(invocation, 1)];
    const found = (await disksOf(invocation)).filter((disk) => disk.service === service && disk.name === name);
    const [disk] = found;
    if (disk === undefined)
      throw failure('not_found', `${service} has no disk ${name}`, { hint: 'See what there is: kapal disk list' });
    if (found.length > 1)
      throw failure('ambiguous', `${found.length} services ${service} have a disk ${name}`, {
        hint: `Say which: --project ${disk.project} -e ${disk.environment}`,
      });
    if (!flags.has('yes'))
      throw failure('usage', `this deletes ${diskText(disk)} on the disk ${name} of ${service}, for good`, {
        hint: `If that is meant: kapal disk remove ${service} ${name} --project ${disk.project} -e ${disk.environment} --yes`,
      });
    await client.call('DELETE', paths.disk(disk, name));
    if (json) out.json({ ...disk, removed: true });
    else out.out.line(say.diskRemoved(name, service));
    return 0;
  },
};

/** Of every environment, unless one is asked for. */
async function disksOf({ flags, client, host, at }: Invocation): Promise<readonly PersistentDiskDocument[]> {
  const environment = flags.text('environment') ?? (host.env['KAPAL_ENVIRONMENT'] || undefined);
  return client.get<readonly PersistentDiskDocument[]>(
    paths.disks({ project: at.project, ...(environment === undefined ? {} : { environment }) }),
  );
}

function print({ out: { out }, say }: Invocation, found: readonly PersistentDiskDocument[]): void {
  if (found.length === 0) return out.line(say.noDisks);
  const { columns } = say;
  const head = [columns.service, columns.disk, columns.status, columns.used, columns.path];
  const rows = found.map((disk) => [
    `${disk.project}/${disk.environment}/${disk.service}`,
    out.paint('bold', disk.name),
    disk.state === 'attached' ? disk.state : out.paint('yellow', disk.state),
    out.paint(fullness(disk), diskText(disk)),
    out.safe(disk.mountPath ?? disk.path),
  ]);
  for (const line of table([head.map((word) => out.paint('dim', word)), ...rows])) out.line(line);
}

function fullness({ usedBytes, sizeBytes }: PersistentDiskDocument): 'red' | 'yellow' | 'dim' {
  const share = (usedBytes ?? 0) / sizeBytes;
  return share >= 1 ? 'red' : share >= 0.8 ? 'yellow' : 'dim';
}
