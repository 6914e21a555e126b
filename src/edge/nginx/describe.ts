import { describeTable } from '../describe-table.ts';
import type { EdgeAddresses } from '../port.ts';
import { type EntryState, tableOf } from './entries.ts';

/** The configuration that runs, with its comments, then what is served by it. */
export function describeEdge(options: {
  /** `null`: it does not run. */
  readonly addresses: EdgeAddresses | null;
  readonly configuration: string;
  readonly table: EntryState;
}): string {
  const { addresses } = options;
  const urls = addresses === null ? [] : [`http://${addresses.http}`];
  if (addresses?.https != null) urls.push(`https://${addresses.https}`);
  const head = addresses === null ? 'nginx edge, not running' : `nginx edge on ${urls.join(' and ')}`;
  return `# ${head}\n\n${options.configuration}\n${describeTable(tableOf(options.table))}`;
}
