import type { Learnt, Result } from './results.ts';
import { isMeantFor } from './sample.ts';

/** The results as a page: what was killed where, a line for each point, a column for each step. */
export function tableOf(
  { results, learnt }: { readonly results: readonly Result[]; readonly learnt: readonly Learnt[] },
  facts: readonly string[],
): string {
  const passes = learnt.flatMap((one) => one.passes.filter((point) => isMeantFor(one.edge, point)));
  const kills = results.flatMap(({ killed }) => killed);
  const columns = [...new Set([...results, ...learnt].map(columnOf))];
  const points = [...new Set([...passes, ...kills])].toSorted();
  const violated = results.filter(({ violation }) => violation !== null);
  const missed = results.filter(({ killed, violation }) => killed.length === 0 && violation === null);
  const rows = points.map((point) => {
    const cells = columns.map((column) =>
      cellOf(results.filter((one) => one.point === point && columnOf(one) === column)),
    );
    return [`\`${point}\``, ...cells, String(kills.filter((at) => at === point).length)];
  });
  const legend = columns.map((column, index) => `${index + 1} ${column}`);
  return [
    '# Crash points',
    '',
    'Made by `npm run crash -- --all --table docs/reliability/crash-points.md`; [reliability](../reliability.md) says what it means.',
    '',
    ...facts,
    '',
    `${results.length} runs of ${columns.length} steps, ${kills.length} kills at ${points.length} points: ${violated.length} violations of an invariant.`,
    `The steps pass points ${passes.length} times; at ${results.length} of these passes the daemon was to be killed so far, the first pass of each point first.`,
    `In ${missed.length} runs the pass did not come again, so that nothing was killed. Second kills are those of the next daemon, in its recovery.`,
    '',
    'A cell holds the passes at which the daemon was killed; `-n`: of so many that were planned, the pass did not come; `!n`: violations. The last column counts all kills at the point,',
    'those of recovering daemons included.',
    '',
    `Steps: ${legend.join(' · ')}.`,
    '',
    `| point | ${columns.map((_, index) => index + 1).join(' | ')} | kills |`,
    `|---|${columns.map(() => '--:|').join('')}--:|`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
    ...(violated.length === 0 ? [] : ['## Violations', '']),
    ...violated.map(
      (one) => `- ${columnOf(one)}, \`${one.point}@${one.turn}\`: ${(one.violation ?? '').slice(0, 400)}`,
    ),
    ...(violated.length === 0 ? [] : ['']),
  ].join('\n');
}

function columnOf({ edge, step }: Pick<Result, 'edge' | 'step'>): string {
  return edge === 'embedded' ? step : `${step} (${edge})`;
}

function cellOf(results: readonly Result[]): string {
  const came = results.filter(({ killed }) => killed.length > 0).length;
  const violated = results.filter(({ violation }) => violation !== null).length;
  const missed = results.length - came - violated;
  return [
    ...(came > 0 ? [String(came)] : []),
    ...(missed > 0 ? [`-${missed}`] : []),
    ...(violated > 0 ? [`!${violated}`] : []),
  ].join(' ');
}
