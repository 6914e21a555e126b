import { describeTable } from '../describe-table.ts';
import type { EdgeAddresses } from '../port.ts';
import { type EntryState, tableOf } from './entries.ts';

/** The configuration that runs, with its comments, then what is served by it. */
export function describeEdge(options: {
  /** `null`: it does not run. */
  readonly addresses: EdgeAddresses | null;
  readonly configuration: string;
  readonly table: EntryState;
  /** What is not served as it was asked for, one sentence each. */
  readonly problems: readonly string[];
}): string {
  const problems = options.problems.map((problem) => `# ${problem}\n`).join('');
  return `# ${headOf(options.addresses)}\n${problems}\n${options.configuration}\n${describeTable(tableOf(options.table))}`;
}

function headOf(addresses: EdgeAddresses | null): string {
  if (addresses === null) return 'nginx edge, not running';
  const { http, https } = addresses;
  return `nginx edge on http://${http}${https === null ? '' : ` and https://${https}`}`;
}
