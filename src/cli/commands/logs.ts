import { failure } from '../../api/contract/exit.ts';
import { momentForms, parseMoment } from '../../api/contract/moment.ts';
import { paths } from '../../api/contract/paths.ts';
import type { LogDocument } from '../../api/contract/types.ts';
import { type Command, type Invocation, operand } from '../command.ts';
import { followRows } from '../rows.ts';
import { localTime } from '../time.ts';

const LINES = 100;

export const logs: Command = {
  operands: [{ name: 'service', description: 'the service', required: true, completes: 'service' }],
  options: [
    { flags: '-f, --follow', description: 'go on with what comes' },
    { flags: '--since <moment>', description: momentForms },
    { flags: '--grep <pattern>', description: 'only lines that match this regular expression' },
    { flags: '-n, --lines <count>', description: `the newest so many lines, ${LINES} unless told` },
  ],
  examples: [
    ['logs api', `the last ${LINES} lines`],
    ['logs api -f --grep error', 'errors as they come'],
    ['logs api --since 2h --json', 'the last two hours, for a program'],
  ],
  run(invocation) {
    const { at, flags, out, json } = invocation;
    const limit =
      flags.count('lines', { least: 1, most: 10_000 }) ?? (flags.text('since') === undefined ? LINES : 10_000);
    const query = { ...at, since: moment(flags.text('since')), grep: flags.text('grep'), limit: String(limit) };
    const service = operand(invocation, 0);
    return followRows<LogDocument>(invocation, {
      path: (follow) => paths.logs(service, { ...query, ...(follow ? { follow: 'true' } : {}) }),
      print: (line) => (json ? out.json(line) : out.out.line(written(invocation, line))),
    });
  },
};

/** Refused here already, so that no daemon is needed to learn it. */
function moment(text: string | undefined): string | undefined {
  if (text === undefined || parseMoment(text, Date.now()) !== null) return text;
  throw failure('usage', `--since ${text}: expected ${momentForms}`);
}

function written({ out: { out } }: Invocation, { time, kind, instance, text }: LogDocument): string {
  const source = kind === 'app' ? (instance ?? kind) : kind;
  return `${out.paint('dim', localTime(time))} ${out.paint('cyan', source)} ${out.safe(text)}`;
}
