import type { DeployRequest } from '../../api/contract/types.ts';
import type { Invocation, Operand, Option } from '../command.ts';
import { resolveSource } from './resolve.ts';

export const sourceOperand: Operand = {
  name: 'folder-or-url',
  description: 'a folder (this one unless told), a repository on this machine, or the URL of a git remote',
  required: false,
  completes: 'folder',
};

export const requestOptions: readonly Option[] = [
  { flags: '--service <name>', description: 'only this service' },
  { flags: '--branch <name>', description: 'a branch or tag of the repository' },
];

/** The request that a command line of `deploy` or `plan` means; its source is made known to the daemon on the way. */
export async function readRequest(invocation: Invocation, note: (text: string) => void): Promise<DeployRequest> {
  const { operands, flags, at } = invocation;
  const service = flags.text('service');
  const source = await resolveSource(invocation, {
    target: operands[0] ?? '.',
    branch: flags.text('branch') ?? null,
    note,
  });
  return {
    environment: at.environment,
    source,
    ...(at.project === undefined ? {} : { project: at.project }),
    ...(service === undefined ? {} : { service }),
  };
}
