import { resolve } from 'node:path';
import type { Command, Invocation } from '../command.ts';
import type { ExaminedService } from '../host.ts';
import { onFolder } from '../upload/resolve.ts';

export const detect: Command = {
  operands: [{ name: 'folder', description: 'a folder; this one unless told', required: false, completes: 'folder' }],
  options: [],
  examples: [
    ['detect', 'what was found in this folder, which file said so, and what would be built and run'],
    ['detect --json ../shop', 'the same of another folder, for a program'],
  ],
  async run(invocation) {
    const { operands, at, host, json, out } = invocation;
    const target = operands[0] ?? '.';
    const folder = resolve(host.cwd, target);
    const work = () => host.examineSource({ folder, project: at.project });
    const found = await onFolder(folder, { target, work });
    if (json) {
      out.json(found);
      return 0;
    }
    const { say } = invocation;
    out.out.line(out.out.paint('bold', say.detected(found.project, found.origin)));
    for (const warning of found.warnings)
      out.out.line(`${out.out.paint('yellow', `${say.warning}:`)} ${out.out.safe(warning)}`);
    for (const service of found.services) printService(invocation, service);
    return 0;
  },
};

function printService({ out: { out }, say }: Invocation, service: ExaminedService): void {
  const { rootDir, runtime, type } = service;
  const place = rootDir === '.' ? '' : `, ${rootDir}`;
  out.line('');
  out.line(
    `  ${out.paint('bold', service.service)}  ${type}${runtime === null || runtime === type ? '' : `, ${runtime}`}${out.safe(place)}`,
  );
  const rows: readonly (readonly [string, string | null])[] = [
    ...service.needs.map((need) => [say.detectNeeds, need] as const),
    ...[...service.install, ...service.build].map(({ command }) => [say.detectBuild, command] as const),
    [say.detectPrepare, service.preDeploy],
    [say.detectStart, service.start],
    [say.detectPublish, service.publishPath],
  ];
  const shown = rows.filter((row): row is readonly [string, string] => row[1] !== null);
  const width = Math.max(...shown.map(([title]) => title.length), 0);
  for (const [title, text] of shown) out.line(`    ${title.padEnd(width)}  ${out.safe(text)}`);
  for (const note of service.notes) out.line(`    ${out.paint('yellow', `${say.note}:`)} ${out.safe(note)}`);
}
