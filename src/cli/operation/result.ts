import { asFailure, failure } from '../../api/contract/exit.ts';
import type { DeployDocument, DeployedService, OperationDocument } from '../../api/contract/types.ts';
import type { Invocation } from '../command.ts';
import { printFailure } from '../failure-report.ts';
import { table } from '../output.ts';
import { outcomeColours } from './event-line.ts';

type Printing = Pick<Invocation, 'out' | 'say' | 'json'>;

/** Prints how an operation ended and answers the exit code. Throws the error of one that failed as a whole. */
export function printResult(printing: Printing, operation: OperationDocument): number {
  if (operation.error !== null) throw asFailure(operation.error);
  if (operation.result === null) throw failure('internal', `operation ${operation.id} ended without a result`);
  if (printing.json) printing.out.json(operation.result);
  else printServices(printing, operation.result);
  return operation.result.services.every(succeeded) ? 0 : 1;
}

function succeeded({ outcome }: DeployedService): boolean {
  return outcome === 'live' || outcome === 'unchanged';
}

function printServices({ out, say }: Printing, { services }: DeployDocument): void {
  const { columns } = say;
  const head = [columns.service, columns.release, columns.outcome, columns.time, columns.urls];
  const rows = services.map(({ service, release, outcome, milliseconds, urls }) => [
    service,
    release === null ? '-' : String(release),
    out.out.paint(outcomeColours[outcome], say.outcomes[outcome]),
    say.seconds((milliseconds.total / 1_000).toFixed(1)),
    urls.join(' '),
  ]);
  for (const line of table([head.map((word) => out.out.paint('dim', word)), ...rows])) out.out.line(line);
  for (const { service, warnings = [] } of services)
    for (const text of warnings)
      out.err.line(`${out.err.paint('yellow', say.warning)}: ${service}: ${out.err.safe(text)}`);
  for (const { service, error } of services) {
    if (error === undefined) continue;
    out.err.line();
    printFailure(out.err, { ...error, message: `${say.failedService(service)}: ${error.message}` }, say);
    if (error.log.length > 0) out.err.line(`  ${say.moreLines(service)}`);
  }
}
