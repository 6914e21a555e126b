import { failure } from '../../api/contract/exit.ts';
import { paths } from '../../api/contract/paths.ts';
import { type Command, operand } from '../command.ts';

export const remove: Command = {
  operands: [{ name: 'name', description: 'the project', required: true }],
  options: [{ flags: '--yes', description: 'it is meant: services, releases, variables and logs are deleted' }],
  examples: [['project remove shop --yes', 'drain, stop and forget every service of a project']],
  async run(invocation) {
    const { client, flags, out, json, say } = invocation;
    const name = operand(invocation, 0);
    if (!flags.has('yes')) {
      throw failure('usage', `this deletes every service, release, variable and log of ${name}, for good`, {
        hint: `If that is meant: kapal project remove ${name} --yes`,
      });
    }
    await client.call('DELETE', paths.project(name));
    if (json) out.json({ project: name, removed: true });
    else out.out.line(say.projectRemoved(name));
    return 0;
  },
};
