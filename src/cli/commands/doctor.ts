import type { Command, Invocation } from '../command.ts';
import { type Check, examine } from '../doctor/checks.ts';
import { type Colour, table } from '../output.ts';

export const doctor: Command = {
  operands: [],
  options: [],
  examples: [['doctor', 'what is fine, what is not, and what to do; exit code 1 where something fails']],
  async run(invocation) {
    const { client, data, host, out, json } = invocation;
    const checks = await examine({ client, data, host, env: host.env, entry: host.program.at(-1) ?? data });
    const sound = checks.every(({ result }) => result !== 'fail');
    if (json) out.json({ ok: sound, checks });
    else print(invocation, checks);
    return sound ? 0 : 1;
  },
};

const colours: Readonly<Record<Check['result'], Colour>> = { ok: 'green', warn: 'yellow', fail: 'red' };

function print({ out: { out } }: Invocation, checks: readonly Check[]): void {
  const rows = checks.flatMap(({ name, result, detail, todo }) => {
    const row = [out.paint(colours[result], result), name, out.safe(detail)];
    return todo === null ? [row] : [row, ['', '', out.paint('dim', out.safe(todo))]];
  });
  for (const line of table(rows)) out.line(line);
}
