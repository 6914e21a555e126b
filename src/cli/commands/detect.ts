import { resolve } from 'node:path';
import type { Command, Invocation } from '../command.ts';
import type { ExaminedService, ExaminedSource } from '../host.ts';
import type { Messages } from '../language/en.ts';
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
    for (const service of found.services) printService(invocation, found, service);
    return 0;
  },
};

function printService({ out: { out }, say }: Invocation, found: ExaminedSource, service: ExaminedService): void {
  const { rootDir, runtime, type } = service;
  const place = rootDir === '.' ? '' : `, ${rootDir}`;
  out.line('');
  out.line(
    `  ${out.paint('bold', service.service)}  ${type}${runtime === null || runtime === type ? '' : `, ${runtime}`}${out.safe(place)}`,
  );
  const shown = rowsOf(service, say).filter((row): row is Row & readonly [string, string] => row[1] !== null);
  const width = Math.max(...shown.map(([title]) => title.length), 0);
  for (const [title, text, field] of shown) {
    const place = field === undefined ? '' : placeOf(found, { service: service.service, field });
    out.line(
      `    ${title.padEnd(width)}  ${out.safe(text)}${place === '' ? '' : out.paint('dim', `  (${out.safe(place)})`)}`,
    );
  }
  for (const note of service.notes) out.line(`    ${out.paint('yellow', `${say.note}:`)} ${out.safe(note)}`);
}

/** What it is, its text, and its name in kapal.yaml where a file may have told it. */
type Row = readonly [title: string, text: string | null, field?: string];

function rowsOf(service: ExaminedService, say: Messages): readonly Row[] {
  const { healthCheckPath: path, healthCheckContent: content, instances } = service;
  return [
    ...service.needs.map((need) => [say.detectNeeds, need] as const),
    ...[...service.install, ...service.build].map(({ command }) => [say.detectBuild, command] as const),
    [say.detectPrepare, service.preDeploy, 'preDeployCommand'],
    [say.detectOnce, service.initialDeploy, 'initialDeployHook'],
    [say.detectStart, service.start, 'startCommand'],
    [say.detectSchedule, service.schedule, 'schedule'],
    [say.detectPublish, service.publishPath, 'staticPublishPath'],
    [say.detectHealth, path === null ? null : say.healthAsked(path, content), 'healthCheckPath'],
    [say.detectInstances, instances === 1 ? null : String(instances), 'numInstances'],
    ...service.variables.map(
      ({ key, from }) => [say.detectVariable, say.variableFrom(key, from), `envVars.${key}`] as const,
    ),
  ];
}

/** Where it stands, unless the heading says that already. */
function placeOf({ told, origin }: ExaminedSource, about: { service: string; field: string }): string {
  const found =
    told.find(({ service, field }) => service === about.service && field === about.field) ??
    told.find(({ service, field }) => service === null && field === about.field);
  if (found === undefined || (found.line === null && found.file === origin.file)) return '';
  return found.line === null ? found.file : `${found.file}:${found.line}`;
}
