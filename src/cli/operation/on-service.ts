import type { OperationDocument } from '../../api/contract/types.ts';
import type { Invocation } from '../command.ts';
import { perform } from './perform.ts';

/** Asks for an operation on one service and shows it. What is asked is not repeated when an answer is lost: it may have been begun. */
export function onService(
  invocation: Invocation,
  change: {
    readonly service: string;
    readonly path: string;
    readonly body?: object;
    readonly conclude?: (ended: OperationDocument) => number;
  },
): Promise<number> {
  return perform(invocation, {
    service: change.service,
    ...(change.conclude === undefined ? {} : { conclude: change.conclude }),
    begin: ({ asking }) => {
      asking();
      return invocation.client.call<OperationDocument>('POST', change.path, change.body);
    },
  });
}
