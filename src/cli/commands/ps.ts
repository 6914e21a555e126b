import { paths } from '../../api/contract/paths.ts';
import type { ScheduleDocument } from '../../api/contract/job-types.ts';
import type {
  InstanceDocument,
  PersistentDiskDocument,
  ServiceDocument,
  StatusDocument,
  UpstreamDocument,
} from '../../api/contract/types.ts';
import type { Command, Invocation } from '../command.ts';
import { diskText } from '../disk-text.ts';
import { jobRow, scheduleText } from '../job-lines.ts';
import { type Colour, table } from '../output.ts';
import { since, until } from '../time.ts';

export const ps: Command = {
  operands: [{ name: 'service', description: 'only services of this name', required: false, completes: 'service' }],
  options: [],
  examples: [
    ['ps', 'every service with its instances'],
    ['ps api --project shop --json', 'one service, for a program'],
  ],
  async run(invocation) {
    const { operands, flags, client, out, json, host } = invocation;
    const [service] = operands;
    // Every environment, unless one is asked for.
    const environment = flags.text('environment') ?? (host.env['KAPAL_ENVIRONMENT'] || undefined);
    const filter = { project: invocation.at.project, ...(environment === undefined ? {} : { environment }) };
    const found = await client.get<readonly ServiceDocument[]>(paths.services(filter, service));
    if (found.length === 0 && service !== undefined) await refuseUnknown(invocation, service);
    if (json) {
      out.json(found.map((one) => ({ ...one, instances: one.instances.map(withoutNoExit) })));
      return 0;
    }
    print(invocation, found);
    const { disk } = await client.get<StatusDocument>(paths.status);
    if (disk.problem !== null) out.err.line(`${out.err.paint('yellow', invocation.say.warning)}: ${disk.problem}`);
    return 0;
  },
};

/** `lastExit` stands only where there was one: what runs undisturbed has exactly the keys of the command line's contract. */
function withoutNoExit({ lastExit, ...instance }: InstanceDocument): object {
  return lastExit === null ? instance : { ...instance, lastExit };
}

/** The daemon knows which name is near, and where else there is one of this name: releases of an unknown service are refused with that. */
async function refuseUnknown({ client, at }: Invocation, service: string): Promise<void> {
  await client.get(paths.releases(service, at));
}

function print({ out: { out }, say }: Invocation, services: readonly ServiceDocument[]): void {
  if (services.length === 0) return out.line(say.nothingRuns);
  const { columns } = say;
  const several = new Set(services.map(({ project, environment }) => `${project}/${environment}`)).size > 1;
  const head = [columns.service, columns.status, columns.release, columns.instances, columns.urls];
  const rows = services.flatMap((service) => {
    const name = several ? `${service.project}/${service.environment}/${service.service}` : service.service;
    const ready = service.instances.filter(({ state }) => state === 'ready').length;
    const status = out.paint(statusColours[service.status], say.statuses[service.status]);
    const release = service.release === null ? '-' : String(service.release);
    const { schedule, urls } = service;
    const instances = schedule === undefined ? `${ready}/${service.desired}` : '-';
    const reached = schedule === undefined ? urls.join(' ') : scheduleText(schedule, say);
    const own = [out.paint('bold', name), status, release, instances, reached];
    const below = service.instances.map((instance) => instanceRow(instance, { out, say }));
    const jobs = schedule === undefined ? [] : lastJobRow(schedule, { out, say });
    const disk = service.disk === undefined ? [] : [diskRow(service.disk, out)];
    const upstreams = (service.upstreams ?? []).map((upstream) => upstreamRow(upstream, out));
    return [own, ...jobs, ...below, ...disk, ...upstreams];
  });
  for (const line of table([head.map((word) => out.paint('dim', word)), ...rows])) out.line(line);
}

interface Printing {
  readonly out: Invocation['out']['out'];
  readonly say: Invocation['say'];
}

/** What came of the last job. */
function lastJobRow({ last }: ScheduleDocument, printing: Printing): string[][] {
  if (last === null) return [];
  const [id = '', word = '', facts = ''] = jobRow(last, printing);
  return [[id, word, String(last.release), '', facts]];
}

const statusColours: Readonly<Record<ServiceDocument['status'], Colour>> = {
  running: 'green',
  deploying: 'cyan',
  degraded: 'yellow',
  'crash-looping': 'red',
  stopped: 'dim',
  failed: 'red',
  pending: 'dim',
};

const stateColours: Readonly<Record<InstanceDocument['state'], Colour>> = {
  starting: 'cyan',
  ready: 'green',
  unready: 'yellow',
  waiting: 'yellow',
  'crash-looping': 'red',
  draining: 'dim',
  stopping: 'dim',
};

function instanceRow(instance: InstanceDocument, { out, say }: Printing): string[] {
  const { id, state, release, pid, address, restarts, startedAt, lastExit, nextStartAt, problem } = instance;
  const facts = [
    pid === null ? null : `pid ${pid}`,
    address,
    since(startedAt, Date.now()),
    restarts === 0 ? null : say.restarts(restarts),
    lastExit === null ? null : out.safe(lastExit),
    nextStartAt === undefined ? null : say.nextStart(until(nextStartAt, Date.now())),
    problem === undefined ? null : out.safe(problem),
  ];
  const words = facts.filter((fact) => fact !== null).join(', ');
  return [`  ${id}`, out.paint(stateColours[state], state), String(release), '', out.paint('dim', words)];
}

function diskRow(disk: PersistentDiskDocument, out: Invocation['out']['out']): string[] {
  const isFilling = (disk.usedBytes ?? 0) >= 0.8 * disk.sizeBytes;
  return [`  ${disk.name}`, out.paint(isFilling ? 'yellow' : 'dim', 'disk'), '', '', out.paint('dim', diskText(disk))];
}

function upstreamRow({ address, state, problem }: UpstreamDocument, out: Invocation['out']['out']): string[] {
  const word = out.paint(state === 'up' ? 'green' : 'yellow', state);
  return [`  ${address}`, word, '', '', problem === null ? '' : out.paint('dim', out.safe(problem))];
}
