import type { WorkerStatus } from './control.ts';
import type { HeldAddresses } from './fleet.ts';

/** Where the edge answers. */
export function describeAddresses(held: HeldAddresses | null): string {
  if (held === null) return 'embedded edge, not running';
  const urls = [
    ...(held.http === null ? [] : [`http://${held.http}`]),
    ...(held.https === null ? [] : [`https://${held.https}`]),
  ];
  return urls.length === 0 ? 'embedded edge, only private ports' : `embedded edge on ${urls.join(' and ')}`;
}

/** What workers could not do, one line each; empty when all is well. */
export function describeTroubles(statuses: readonly WorkerStatus[]): string[] {
  const lost = statuses.reduce((sum, status) => sum + status.droppedLogLines, 0);
  const problems = new Set(statuses.flatMap((status) => status.problems));
  return [
    ...[...problems].sort().map((problem) => `trouble: ${problem}`),
    ...(lost === 0 ? [] : [`trouble: ${lost} lines of the access log could not be written`]),
  ];
}
