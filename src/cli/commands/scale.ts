import { asFailure, failure } from '../../api/contract/exit.ts';
import { paths } from '../../api/contract/paths.ts';
import type { OperationDocument, ScaleRequest } from '../../api/contract/types.ts';
import type { Command, Invocation } from '../command.ts';
import { onService } from '../operation/on-service.ts';
import { waitOption } from '../operation/perform.ts';
import { printResult } from '../operation/result.ts';

interface Pair {
  readonly service: string;
  readonly instances: number;
}

export const scale: Command = {
  operands: [
    {
      name: 'service=count',
      description: 'a service, and how many instances it should have',
      required: true,
      variadic: true,
      completes: 'service',
    },
  ],
  options: [waitOption],
  examples: [
    ['scale api=3', 'run three instances, until the declared number changes'],
    ['scale api=3 worker=1', 'change two services, one after the other'],
  ],
  run(invocation) {
    const pairs = invocation.operands.map(readPair);
    const [only, ...others] = pairs;
    return only === undefined || others.length > 0 ? changeAll(invocation, pairs) : change(invocation, only);
  },
};

function readPair(text: string): Pair {
  const [, service, count] = /^([^=]+)=(\d{1,4})$/.exec(text) ?? [];
  if (service !== undefined && count !== undefined) return { service, instances: Number(count) };
  throw failure('usage', `${JSON.stringify(text)}: expected SERVICE=N, such as api=3`);
}

function change(
  invocation: Invocation,
  { service, instances }: Pair,
  conclude?: (ended: OperationDocument) => number,
): Promise<number> {
  const body: ScaleRequest = { instances };
  const path = paths.scale(service, invocation.at);
  return onService(invocation, { service, path, body, ...(conclude === undefined ? {} : { conclude }) });
}

/** One result for all of them; the first that is refused or interrupted ends the row. */
async function changeAll(invocation: Invocation, pairs: readonly Pair[]): Promise<number> {
  if (invocation.flags.isOff('wait')) throw failure('usage', '--no-wait takes one service at a time');
  const ended: OperationDocument[] = [];
  for (const pair of pairs) {
    const code = await change(invocation, pair, (operation) => {
      if (operation.error !== null) throw asFailure(operation.error);
      ended.push(operation);
      return 0;
    });
    if (code !== 0) return code;
  }
  return printResult(invocation, merged(ended));
}

function merged(operations: readonly OperationDocument[]): OperationDocument {
  const [first] = operations;
  if (first === undefined || first.result === null) throw failure('internal', 'the operation ended without a result');
  const services = operations.flatMap(({ result }) => result?.services ?? []);
  return { ...first, result: { ...first.result, services } };
}
