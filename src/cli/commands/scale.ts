import { failure } from '../../api/contract/exit.ts';
import { paths } from '../../api/contract/paths.ts';
import type { ScaleRequest } from '../../api/contract/types.ts';
import { type Command, operand } from '../command.ts';
import { onService } from '../operation/on-service.ts';
import { waitOption } from '../operation/perform.ts';

export const scale: Command = {
  operands: [
    {
      name: 'service=count',
      description: 'the service, and how many instances it should have',
      required: true,
      completes: 'service',
    },
  ],
  options: [waitOption],
  examples: [['scale api=3', 'run three instances, until the declared number changes']],
  run(invocation) {
    const { service, instances } = pair(operand(invocation, 0));
    const body: ScaleRequest = { instances };
    return onService(invocation, { service, path: paths.scale(service, invocation.at), body });
  },
};

function pair(text: string): { service: string; instances: number } {
  const [, service, count] = /^([^=]+)=(\d{1,4})$/.exec(text) ?? [];
  if (service !== undefined && count !== undefined) return { service, instances: Number(count) };
  throw failure('usage', `${JSON.stringify(text)}: expected SERVICE=N, such as api=3`);
}
