import { paths } from '../../api/contract/paths.ts';
import { type Command, operand } from '../command.ts';
import { onService } from '../operation/on-service.ts';
import { waitOption } from '../operation/perform.ts';

export const start: Command = {
  operands: [{ name: 'service', description: 'the service', required: true, completes: 'service' }],
  options: [waitOption],
  examples: [['start api', 'run a stopped service again']],
  run(invocation) {
    const service = operand(invocation, 0);
    return onService(invocation, { service, path: paths.start(service, invocation.at) });
  },
};
