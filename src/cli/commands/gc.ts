import { paths } from '../../api/contract/paths.ts';
import type { GarbageDocument } from '../../api/contract/types.ts';
import { bytesText } from '../disk-text.ts';
import type { Command } from '../command.ts';
import { table } from '../output.ts';

export const gc: Command = {
  operands: [],
  options: [{ flags: '--dry-run', description: 'say what would be deleted, and delete nothing' }],
  examples: [
    ['gc --dry-run', 'what nothing needs any more, with its size'],
    ['gc', 'delete it: never a release that serves or that can be gone back to, and never a disk'],
  ],
  async run({ client, flags, out, json, say }) {
    const dryRun = flags.has('dryRun');
    const found = (await client.call('POST', paths.gc, { dryRun })) as GarbageDocument;
    if (json) out.json(found);
    else {
      const rows = found.items.map(({ kind, path, why, bytes }) => [
        kind,
        bytes === null ? '?' : bytesText(bytes),
        path,
        why,
      ]);
      for (const line of table(rows)) out.out.line(line);
      out.out.line(dryRun ? say.garbageFound(bytesText(found.bytes)) : say.garbageCollected(bytesText(found.bytes)));
    }
    return 0;
  },
};
