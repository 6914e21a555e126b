import { failure } from '../../api/contract/exit.ts';
import { paths } from '../../api/contract/paths.ts';
import type { RollbackRequest } from '../../api/contract/types.ts';
import { type Command, operand } from '../command.ts';
import { onService } from '../operation/on-service.ts';
import { waitOption } from '../operation/perform.ts';

export const rollback: Command = {
  operands: [
    { name: 'service', description: 'the service', required: true, completes: 'service' },
    {
      name: 'release',
      description: 'its number; the live release before the current one unless told',
      required: false,
    },
  ],
  options: [waitOption],
  examples: [
    ['rollback api', 'go back by one'],
    ['rollback api 3', 'go back to release 3; see kapal releases api'],
  ],
  run(invocation) {
    const service = operand(invocation, 0);
    const body: RollbackRequest = { release: numberOf(invocation.operands[1]) };
    return onService(invocation, { service, path: paths.rollback(service, invocation.at), body });
  },
};

function numberOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw failure('usage', `${JSON.stringify(text)} is no number of a release`, {
    hint: 'See them: kapal releases SERVICE',
  });
}
