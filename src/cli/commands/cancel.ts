import { paths } from '../../api/contract/paths.ts';
import { type Command, operand } from '../command.ts';

export const cancel: Command = {
  operands: [{ name: 'service', description: 'the service', required: true, completes: 'service' }],
  options: [],
  examples: [['cancel api', 'end its build or rollout; what served before goes on serving']],
  async run(invocation) {
    const { client, at, out, json, say } = invocation;
    const service = operand(invocation, 0);
    await client.call('POST', paths.cancel(service, at));
    if (json) out.json({ service, cancelled: true });
    else out.out.line(say.cancelled(service));
    return 0;
  },
};
