import { paths } from '../../api/contract/paths.ts';
import { type Command, operand } from '../command.ts';
import { onService } from '../operation/on-service.ts';
import { waitOption } from '../operation/perform.ts';

export const restart: Command = {
  operands: [{ name: 'service', description: 'the service', required: true, completes: 'service' }],
  options: [waitOption],
  examples: [['restart api', 'new instances first, then the old ones are drained']],
  run(invocation) {
    const service = operand(invocation, 0);
    return onService(invocation, { service, path: paths.restart(service, invocation.at) });
  },
};
