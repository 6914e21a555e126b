import { paths } from '../../api/contract/paths.ts';
import type { ReleaseDocument } from '../../api/contract/types.ts';
import { type Command, type Invocation, operand } from '../command.ts';
import { type Colour, table } from '../output.ts';
import { localTime } from '../time.ts';

export const releases: Command = {
  operands: [{ name: 'service', description: 'the service', required: true, completes: 'service' }],
  options: [],
  examples: [['releases api', 'its releases, newest first, and where each came from']],
  async run(invocation) {
    const { client, at, out, json } = invocation;
    const service = operand(invocation, 0);
    const found = await client.get<readonly ReleaseDocument[]>(paths.releases(service, at));
    if (json) out.json(found);
    else print(invocation, service, found);
    return 0;
  },
};

const colours: Readonly<Record<ReleaseDocument['status'], Colour>> = {
  current: 'green',
  previous: 'bold',
  failed: 'red',
  rolled_back: 'red',
  cancelled: 'yellow',
  pending: 'cyan',
};

function print({ out: { out }, say }: Invocation, service: string, found: readonly ReleaseDocument[]): void {
  if (found.length === 0) return out.line(say.noReleases(service));
  const { columns } = say;
  const head = [columns.release, columns.status, columns.created, columns.cause, columns.source];
  const rows = found.map(({ release, status, createdAt, cause, source }) => [
    String(release),
    out.paint(colours[status], status),
    localTime(createdAt),
    out.safe(cause),
    out.safe(sourceText(source)),
  ]);
  for (const line of table([head.map((word) => out.paint('dim', word)), ...rows])) out.line(line);
}

/** `a1b2c3d4e5f6 main "fix search"`, or the digest of a folder outside of git. */
function sourceText(source: ReleaseDocument['source']): string {
  if (source === null) return '-';
  const { commit, branch, subject, digest } = source;
  if (commit === null) return digest.slice(0, 19);
  return [commit.slice(0, 12), branch, subject === null || subject === '' ? null : JSON.stringify(subject)]
    .filter((part) => part !== null)
    .join(' ');
}
