import { type Dirent, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type {
  OperationDocument,
  ReleaseDocument,
  ServiceDocument,
  VariableDocument,
} from '../../src/api/contract/types.ts';
import { recordedReleases } from '../../src/release/retention.ts';
import { askApi } from '../e2e/api.ts';
import { linkTo, type Process, processesOf, straysOf, text, usersOf } from '../e2e/install.ts';
import { type Before, endOf } from './client.ts';
import { recordOf } from './record.ts';
import { domain, host, secrets, type Shop } from './shop.ts';

const id = 'shop/production/shop';

/** What of the invariants does not hold (yet): one sentence each, with its name in docs/reliability.md. Throws where no daemon answers. */
export async function violations(shop: Shop): Promise<string[]> {
  const get = async <T>(path: string): Promise<T> => {
    const { status, body } = await askApi(shop.kapal.data, path);
    if (status !== 200) throw new Error(`GET ${path}: ${status}`);
    return body as T;
  };
  const services = await get<readonly ServiceDocument[]>('/services');
  const service = services.find((one) => one.service === 'shop') ?? null;
  const settled = [
    ...serviceAsAcknowledged(shop, service),
    ...everythingEnds(shop),
    ...shop.ledger.violations(services, await get('/disks')),
  ];
  // What is looked at below costs more, and says nothing before everything has come to rest.
  if (settled.length > 0) return settled;
  return [
    ...(await shown(shop)),
    ...oneRelease(shop, service, service === null ? [] : await get('/services/shop/releases')),
    ...(await settingsAsAcknowledged(shop, get)),
    ...(await historyKept(shop, get)),
    ...routes(shop, services, (await get<{ text: string }>('/edge/config')).text),
    ...(await owned(shop, services)),
  ];
}

/** I3 for what runs: desired counts, and that they are reached. */
function serviceAsAcknowledged(shop: Shop, service: ServiceDocument | null): string[] {
  if (!shop.isThere) return service === null ? [] : ['I3: the removed service is there'];
  if (service === null) return ['I3: the service is lost'];
  const wanted = shop.isStopped ? 0 : shop.instances;
  const isSettled =
    service.status === (shop.isStopped ? 'stopped' : 'running') &&
    service.instances.length === wanted &&
    service.instances.every(({ state }) => state === 'ready');
  const isAsked = service.desired === wanted;
  return isSettled && isAsked ? [] : [`I3: ${wanted} instances were acknowledged, there is ${JSON.stringify(service)}`];
}

/** I3 for what visitors see. */
async function shown(shop: Shop): Promise<string[]> {
  const serves = shop.isThere && !shop.isStopped;
  const hosts = [host, ...(shop.hasDomain ? [domain] : [])];
  const answers = await Promise.all(hosts.map((name) => shop.kapal.visit(name)));
  return answers.flatMap(({ status, body }, index) => {
    const isRight = serves ? status === 200 && body.includes(`"${shop.shown}"`) : status >= 400;
    return isRight
      ? []
      : [`I3: ${hosts[index]} answers ${status} ${body.slice(0, 200)}, not ${serves ? shop.shown : 'an error'}`];
  });
}

/** I2, from the API and from the record. */
function oneRelease(shop: Shop, service: ServiceDocument | null, releases: readonly ReleaseDocument[]): string[] {
  if (!shop.isThere) return [];
  const current = releases.filter(({ status }) => status === 'current').map(({ release }) => release);
  const row = recordOf(shop.kapal, (record) => record.prepare('SELECT current FROM services WHERE id = ?').get(id));
  const live = recordOf(shop.kapal, (record) =>
    record.prepare('SELECT status, pruned FROM releases WHERE service = ? AND number = ?').get(id, shop.release),
  );
  const told = JSON.stringify([current, service?.release, row?.['current'], live]);
  const wanted = JSON.stringify([[shop.release], shop.release, shop.release, { status: 'live', pruned: 0 }]);
  const others = (service?.instances ?? []).filter(({ release }) => release !== shop.release);
  return [
    ...(told === wanted ? [] : [`I2: current is ${told}, acknowledged was ${shop.release}`]),
    ...others.map((instance) => `I2: ${instance.id} is of release ${instance.release}, current is ${shop.release}`),
  ];
}

type Get = <T>(path: string) => Promise<T>;

/** I3 for variables and domains. */
async function settingsAsAcknowledged(shop: Shop, get: Get): Promise<string[]> {
  if (!shop.isThere) return [];
  const variables = await get<readonly VariableDocument[]>('/services/shop/variables?reveal=true');
  const domains = await get<readonly { readonly host: string }[]>('/services/shop/domains');
  const rows = recordOf(shop.kapal, (record) =>
    record.prepare('SELECT key FROM variables WHERE owner = ? ORDER BY key').all(id),
  ).map((row) => row['key']);
  const keys = shop.set === null ? ['SECRET'] : ['MODE', 'SECRET'];
  const has = domains.some((one) => one.host === domain);
  return [
    ...(rows.join() === keys.join() ? [] : [`I3: variables ${keys.join()} were set, there are ${rows.join()}`]),
    ...(variables.find(({ key }) => key === 'SECRET')?.value === secrets.shop
      ? []
      : ['I3: a value that was set is lost']),
    ...(has === shop.hasDomain ? [] : [`I3: the domain is ${has ? '' : 'not '}there`]),
  ];
}

/** Operations that are asked for again: older ones were, after each earlier run. */
const asked = 12;

/** I3 for operations and releases: each is there, as its client was told, once. */
async function historyKept(shop: Shop, get: Get): Promise<string[]> {
  const lost: string[] = [];
  for (const known of shop.client.history.slice(-asked)) {
    const now = endOf(await get<OperationDocument>(`/operations/${known.id}`).catch(() => lostOperation));
    if (known.end !== now) lost.push(`I3: operation ${known.id} ended as ${known.end}, now it is ${now}`);
  }
  const { before, told, unanswered } = shop.client;
  const { operations, releases } = onRecord(shop);
  const extra = [...operations].filter((one) => !before.operations.has(one)).length - told.length;
  if (extra < 0 || extra > unanswered)
    lost.push(
      `I3: of ${told.length} acknowledged operations and ${unanswered} that nobody was told of, ${told.length + extra} are on record`,
    );
  if (!shop.isThere) return lost;
  const named = [...before.releases, ...told.flatMap((one) => one.releases)];
  const untold = releases.filter((number) => !named.includes(number));
  if (untold.length > unanswered) lost.push(`I3: nobody was told of the releases ${untold.join()}`);
  // Old ones leave the record, never more than it says, and never one between two.
  const [first = 1] = releases;
  const isWhole = releases.every((number, index) => number === first + index);
  const isKept = first === 1 ? releases.length >= before.releases.length : releases.length >= recordedReleases;
  if (!isWhole || !isKept) lost.push(`I3: of the releases ${before.releases.join()} there are ${releases.join()}`);
  return lost;
}

/** Ids of the project's operations, and numbers of the service's releases. */
export function onRecord(shop: Shop): Before {
  return recordOf(shop.kapal, (record) => ({
    operations: new Set(
      record
        .prepare("SELECT id FROM operations WHERE project = 'shop'")
        .all()
        .map((row) => String(row['id'])),
    ),
    releases: record
      .prepare('SELECT number FROM releases WHERE service = ? ORDER BY number')
      .all(id)
      .map((row) => Number(row['number'])),
  }));
}

const lostOperation = { result: null, error: null } as unknown as OperationDocument;

/** I4: nothing is under way any more, and no rollout took longer than its time. */
function everythingEnds(shop: Shop): string[] {
  const rows = (sql: string): unknown[] => recordOf(shop.kapal, (record) => record.prepare(sql).all());
  return [
    ...rows("SELECT id, kind FROM operations WHERE state = 'running'"),
    ...rows("SELECT operation, stage FROM tasks WHERE stage <> 'finished'"),
    ...rows('SELECT id, phase FROM rollouts WHERE finished_at IS NULL OR outcome IS NULL'),
  ].map((row) => `I4: has not ended: ${JSON.stringify(row)}`);
}

/** I5: what the edge says that it serves, against what is ready and what listens. */
function routes(shop: Shop, services: readonly ServiceDocument[], config: string): string[] {
  // Where another engine has the private ports, it has the same pools.
  const served = config.matchAll(/^ {4}\S+ (127\.0\.0\.1:\d+) weight \d+/gm);
  const routed = [...new Set([...served].map(([, address]) => address ?? ''))];
  const ready = services
    .filter(({ service }) => service === 'shop')
    .flatMap(({ instances }) => instances.filter(({ state }) => state === 'ready' || state === 'draining'));
  const addresses = ready.map(({ address }) => address ?? '');
  const hosts = [...new Set([...config.matchAll(/^ {2}(\S+?)\/ -> /gm)].map(([, name]) => name ?? ''))].toSorted();
  const wanted = shop.isThere ? [...(shop.hasDomain ? [domain] : []), host] : [];
  return [
    ...(routed.toSorted().join() === addresses.toSorted().join()
      ? []
      : [`I5: the edge serves ${routed.join()}, ready are ${addresses.join()}`]),
    ...(hosts.join() === wanted.toSorted().join() ? [] : [`I5: the edge serves ${hosts.join()}, not ${wanted.join()}`]),
  ];
}

/** I6: processes, control groups, folders, ports, sockets, files, users. */
async function owned(shop: Shop, services: readonly ServiceDocument[]): Promise<string[]> {
  const { kapal } = shop;
  const instances = services.flatMap((one) => one.instances);
  const processes = processesOf(kapal);
  return [
    ...straysOf(
      kapal,
      instances.map((instance) => instance.id),
      processes,
    ),
    ...ports(shop, { instances, processes }),
    ...(await sockets(kapal.data)),
    ...files(shop),
    ...(usersOf(kapal).length > 2 + Number(shop.isThere) + Number(shop.ledger.state !== 'absent')
      ? [`users ${usersOf(kapal).join()}`]
      : []),
  ].map((what) => `I6: nobody owns ${what}`);
}

function ports(
  shop: Shop,
  {
    instances,
    processes,
  }: { readonly instances: ServiceDocument['instances']; readonly processes: readonly Process[] },
): string[] {
  const { http, https, api } = shop.kapal;
  const listening = new Map(
    ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) =>
      text(path)
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter((fields) => fields[3] === '0A')
        .map((fields) => [fields[9] ?? '', Number.parseInt(fields[1]?.split(':')[1] ?? '', 16)] as const),
    ),
  );
  return processes.flatMap(({ pid, role, run }) => {
    const held = descriptors(pid).flatMap(
      (target) => listening.get(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '') ?? [],
    );
    const own = instances.filter(({ id: instance }) => run?.startsWith(`${instance}.`) === true);
    const may = role === 'app' ? own.map(({ address }) => Number(address?.split(':')[1])) : [http, https, api];
    // The way into private services, one port each, is the edge's too.
    return held
      .filter((port) => !may.includes(port) && !(role === 'edge' && port >= 30_000 && port < 32_768))
      .map((port) => `the port ${port} of ${role} ${pid}`);
  });
}

function descriptors(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((name) => linkTo(`/proc/${pid}/fd/${name}`));
  } catch {
    return [];
  }
}

/** Sockets in the data folder at which nobody listens. */
async function sockets(data: string): Promise<string[]> {
  const paths = below(data).flatMap((entry) => (entry.isSocket() ? [join(entry.parentPath, entry.name)] : []));
  const dead = await Promise.all(paths.map(async (path) => ((await listens(path)) ? [] : [`the socket ${path}`])));
  return dead.flat();
}

function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
}

/** Artifacts and trees that no release names, and what was to be renamed once it was whole. */
function files(shop: Shop): string[] {
  const { data } = shop.kapal;
  const artifacts = recordOf(shop.kapal, (record) =>
    record.prepare('SELECT artifact FROM releases WHERE artifact IS NOT NULL AND pruned = 0').all(),
  ).map((row) => (JSON.parse(String(row['artifact'])) as { path: string }).path);
  const releases = join(data, 'releases', 'shop', 'production', 'shop');
  const partial = below(data).map((entry) => join(entry.parentPath, entry.name));
  return [
    ...names(releases)
      .map((name) => join(releases, name))
      .filter((path) => !artifacts.includes(path)),
    ...partial.filter((path) => /\.tmp$|\.part$|\/incoming|\.lock$/.test(path)),
  ];
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** All that lies in the data folder but for the toolchain and the edge's copy of its engine. */
export function below(data: string): Dirent[] {
  return names(data)
    .filter((name) => name !== 'toolchain')
    .flatMap((name) => entriesOf(join(data, name)));
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const isCopy = /^engine-|^cache$/.test(entry.name);
      return entry.isDirectory() && !isCopy ? [entry, ...entriesOf(join(folder, entry.name))] : [entry];
    });
  } catch {
    return [];
  }
}
