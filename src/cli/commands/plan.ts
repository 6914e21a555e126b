import { paths } from '../../api/contract/paths.ts';
import type { PlanChange, PlanDocument } from '../../api/contract/types.ts';
import type { Command, Invocation } from '../command.ts';
import { type Colour, table } from '../output.ts';
import { readRequest, requestOptions, sourceOperand } from '../upload/request.ts';

export const plan: Command = {
  operands: [sourceOperand],
  options: requestOptions,
  examples: [
    ['plan', 'what a deploy of this folder would change, and why'],
    ['plan --json -e staging', 'the same for another environment, for a program'],
  ],
  async run(invocation) {
    const { out, client, json } = invocation;
    const request = await readRequest(invocation, (text) => out.err.line(out.err.safe(text)));
    const document = await client.call<PlanDocument>('POST', paths.plans, request);
    if (json) out.json(document);
    else printPlan(invocation, document);
    return 0;
  },
};

const colours: Readonly<Record<PlanChange['action'], Colour>> = {
  create: 'green',
  update: 'yellow',
  unchanged: 'dim',
  scale: 'yellow',
  vanished: 'yellow',
  remove: 'red',
};

function printPlan(
  { out: { out }, say }: Invocation,
  { project, environment, origin, warnings, changes }: PlanDocument,
): void {
  out.line(out.paint('bold', say.planOf(project, environment, origin)));
  for (const warning of warnings) out.line(`${out.paint('yellow', `${say.warning}:`)} ${out.safe(warning)}`);
  const rows = changes.flatMap(({ service, action, reasons }) => {
    const why = reasons.length === 0 && action === 'vanished' ? [say.vanished] : reasons;
    const [first = '', ...rest] = why.map((reason) => out.safe(reason));
    return [[`  ${service}`, out.paint(colours[action], action), first], ...rest.map((reason) => ['', '', reason])];
  });
  for (const line of table(rows)) out.line(line);
  if (changes.every(({ action }) => action === 'unchanged')) out.line(say.noChanges);
}
