import { failure, failureDocument } from '../../api/contract/exit.ts';
import { paths } from '../../api/contract/paths.ts';
import { type Command, type Invocation, operand } from '../command.ts';
import { Patience } from '../operation/patience.ts';

export const remove: Command = {
  operands: [{ name: 'name', description: 'the project', required: true }],
  options: [
    { flags: '--yes', description: 'it is meant: services, releases, variables and logs are deleted' },
    {
      flags: '--with-disks',
      description: 'its disks too, with all that is on them; without it one that holds data stops the removal',
    },
  ],
  examples: [
    ['project remove shop --yes', 'drain, stop and forget every service of a project'],
    ['project remove shop --yes --with-disks', 'the same, and lose what is on its disks'],
  ],
  async run(invocation) {
    const { flags, out, json, say } = invocation;
    const name = operand(invocation, 0);
    if (!flags.has('yes')) {
      throw failure('usage', `this deletes every service, release, variable and log of ${name}, for good`, {
        hint: `If that is meant: kapal project remove ${name} --yes`,
      });
    }
    await removeProject(invocation, name, flags.has('withDisks'));
    if (json) out.json({ project: name, removed: true });
    else out.out.line(say.projectRemoved(name));
    return 0;
  },
};

/** Waits until it is gone, over restarts of the daemon, which goes on with the removal by itself: then it may be gone before it is asked for again. */
async function removeProject({ client, out, say }: Invocation, name: string, withDisks: boolean): Promise<void> {
  const patience = new Patience({ client, say, note: (text) => out.err.line(text) });
  // From here on a daemon that does not answer is one that went away.
  await client.get(paths.status);
  let lost = false;
  await patience.persist(async () => {
    try {
      await client.call('DELETE', paths.project(name, withDisks));
    } catch (error) {
      const { code } = failureDocument(error);
      if (lost && code === 'not_found') return;
      lost ||= code === 'no_daemon';
      throw error;
    }
  });
}
