import { failure } from '../../api/contract/exit.ts';
import { paths } from '../../api/contract/paths.ts';
import type { VariableChanges, VariableDocument, VariablesChanged } from '../../api/contract/types.ts';
import { type Command, type Invocation, type Operand, operand } from '../command.ts';
import { acknowledged, perform, waitOption } from '../operation/perform.ts';
import { table } from '../output.ts';

const service: Operand = { name: 'service', description: 'the service', required: true, completes: 'service' };

export const list: Command = {
  operands: [service],
  options: [{ flags: '--reveal', description: 'show values too' }],
  examples: [
    ['env list api', 'names and where each comes from'],
    ['env list api --reveal', 'values too'],
  ],
  async run(invocation) {
    const { client, at, flags, out, json, say } = invocation;
    const name = operand(invocation, 0);
    const reveal = flags.has('reveal');
    const found = await client.get<readonly VariableDocument[]>(paths.variables(name, at, reveal));
    if (json) out.json(found);
    else if (found.length === 0) out.out.line(say.noVariables(name));
    else for (const line of table(rows(invocation, found))) out.out.line(line);
    return 0;
  },
};

function rows({ out: { out }, say: { columns, hidden } }: Invocation, found: readonly VariableDocument[]): string[][] {
  const head = [columns.key, columns.source, columns.value].map((word) => out.paint('dim', word));
  return [
    head,
    ...found.map(({ key, source, value }) => [
      key,
      source,
      value === null ? out.paint('dim', hidden) : out.safe(value),
    ]),
  ];
}

export const set: Command = {
  operands: [
    service,
    { name: 'key=value', description: 'variables; KEY=- reads the value from stdin', required: true, variadic: true },
  ],
  options: [waitOption],
  examples: [
    ['env set api LOG_LEVEL=debug WORKERS=2', 'set two variables and roll the change out once'],
    ['env set api DATABASE_URL=- < url.txt', 'read a value from stdin, so that it stands in no history'],
  ],
  async run(invocation) {
    const changes: Record<string, string> = {};
    for (const text of invocation.operands.slice(1)) {
      const { key, value } = pair(text);
      changes[key] = value === '-' ? await readValue(invocation, key) : value;
    }
    return change(invocation, changes);
  },
};

export const unset: Command = {
  operands: [service, { name: 'key', description: 'variables', required: true, variadic: true }],
  options: [waitOption],
  examples: [['env unset api LOG_LEVEL', 'remove a variable that env set has set']],
  run: (invocation) => change(invocation, Object.fromEntries(invocation.operands.slice(1).map((key) => [key, null]))),
};

/** A value never stands in a message: what was meant as one may be a secret. */
function pair(text: string): { key: string; value: string } {
  const at = text.indexOf('=');
  if (at > 0) return { key: text.slice(0, at), value: text.slice(at + 1) };
  throw failure('usage', 'expected KEY=VALUE', { hint: 'How it is used: kapal help env set' });
}

/** All of stdin but the newline at its end, which a shell puts there. It can be read once. */
async function readValue({ host: { stdin } }: Invocation, key: string): Promise<string> {
  if (stdin.readableEnded) throw failure('usage', `${key}=-: stdin was read already; only one variable can take it`);
  const pieces: Buffer[] = [];
  for await (const piece of stdin as AsyncIterable<Buffer | string>) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

async function change(invocation: Invocation, changes: VariableChanges['changes']): Promise<number> {
  const { client, at, out, json, say } = invocation;
  const name = operand(invocation, 0);
  const begun = await client.call<VariablesChanged>('PATCH', paths.variables(name, at), {
    changes,
  } satisfies VariableChanges);
  const { operation } = begun;
  if (operation !== null) return perform(invocation, { service: name, begin: acknowledged(operation) });
  if (json) out.json(begun);
  else out.out.line(say.variablesSet(name, Object.keys(changes).join(', ')));
  return 0;
}
