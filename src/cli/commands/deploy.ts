import { randomUUID } from 'node:crypto';
import { paths } from '../../api/contract/paths.ts';
import type { DeployRequest, OperationDocument } from '../../api/contract/types.ts';
import type { Command, Invocation } from '../command.ts';
import { type Beginning, perform, waitOption } from '../operation/perform.ts';
import { requestOptions, readRequest, sourceOperand } from '../upload/request.ts';

export const deploy: Command = {
  operands: [sourceOperand],
  options: [
    ...requestOptions,
    { flags: '--prune', description: 'stop services that are no longer declared' },
    waitOption,
  ],
  examples: [
    ['deploy', 'deploy the folder that you are in'],
    ['deploy ../shop --service api', 'deploy one service of another folder'],
    ['deploy https://github.com/someone/shop.git --branch main', 'let the daemon fetch a repository'],
    ['deploy . --branch v2', 'deploy what is committed on a branch, not what lies in the folder'],
    ['deploy -e staging --json', 'deploy to another environment, for a program'],
  ],
  run: (invocation) => perform(invocation, { service: null, begin: (beginning) => begin(invocation, beginning) }),
};

async function begin(invocation: Invocation, { view, patience, asking }: Beginning): Promise<OperationDocument> {
  const plain = await patience.persist(() => readRequest(invocation, (text) => view.note(text)));
  // With a key, a request whose answer was lost can be repeated: it does nothing twice.
  const request: DeployRequest = {
    ...plain,
    ...(invocation.flags.has('prune') ? { prune: true } : {}),
    idempotencyKey: randomUUID(),
  };
  asking();
  return patience.persist(() => invocation.client.call<OperationDocument>('POST', paths.deploys, request));
}
