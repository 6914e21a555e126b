import { paths } from '../../api/contract/paths.ts';
import { type Command, operand } from '../command.ts';
import { onService } from '../operation/on-service.ts';
import { waitOption } from '../operation/perform.ts';

export const stop: Command = {
  operands: [{ name: 'service', description: 'the service', required: true, completes: 'service' }],
  options: [waitOption],
  examples: [['stop api', 'drain and stop every instance; the service stays known']],
  run(invocation) {
    const service = operand(invocation, 0);
    // To programs the outcome is `live`: the world has followed. People asked for something else.
    const { say } = invocation;
    const outcomes = { ...say.outcomes, live: say.statuses.stopped };
    return onService(
      { ...invocation, say: { ...say, outcomes } },
      { service, path: paths.stop(service, invocation.at) },
    );
  },
};
