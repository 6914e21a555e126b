import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { FailureDocument, OperationDocument, StatusDocument } from '../../src/api/contract/types.ts';
import { send } from '../../test/e2e/install.ts';
import { type Ran, type TestKapal, until } from '../../test/e2e/kapal.ts';
import type { Fault, Site } from './site.ts';

export interface Ground {
  readonly kapal: TestKapal;
  readonly site: Site;
  /** A number in [0, 1), by the seed. */
  readonly fraction: () => number;
}

/** What visitors may notice of an operation: nothing; what an instance that dies had under way and may not be repeated; every connection of a worker of the edge. */
export type Notice = 'nothing' | 'instance' | 'connections';

export interface Operation {
  readonly name: string;
  /** How often it comes, beside the others. */
  readonly weight: number;
  readonly notice: Notice;
  /** Rejects where it ends in another way than it should. */
  readonly run: (ground: Ground) => Promise<void>;
}

const hosts = ['satu', 'dua', 'tiga', 'empat'].map((name) => `${name}.toko.localhost`);

/** Lines of a burst: some 9 MB as the quota of logs counts them. */
const burst = 50_000;

export const operations: readonly Operation[] = [
  { name: 'deploy shop', weight: 12, notice: 'nothing', run: (ground) => deployShop(ground, 'none') },
  {
    name: 'deploy worker',
    weight: 5,
    notice: 'nothing',
    run: async ({ kapal, site }) => live(kapal, await site.jobs()),
  },
  {
    name: 'deploy pages',
    weight: 6,
    notice: 'nothing',
    run: async ({ kapal, site }) => live(kapal, await site.pages()),
  },
  { name: 'failing build', weight: 5, notice: 'nothing', run: (ground) => deployShop(ground, 'build') },
  { name: 'failing boot', weight: 3, notice: 'nothing', run: (ground) => deployShop(ground, 'boot') },
  { name: 'cancelled deploy', weight: 4, notice: 'nothing', run: cancelled },
  { name: 'superseded deploy', weight: 3, notice: 'nothing', run: superseded },
  { name: 'scale', weight: 6, notice: 'nothing', run: scaled },
  {
    name: 'restart',
    weight: 5,
    notice: 'nothing',
    run: (ground) => done(ground.kapal, 'restart', pick(ground, ['toko', 'stock', 'jobs'])),
  },
  { name: 'variable', weight: 5, notice: 'nothing', run: variable },
  { name: 'rollback', weight: 4, notice: 'nothing', run: rolledBack },
  { name: 'domain', weight: 6, notice: 'nothing', run: domain },
  { name: 'instance killed', weight: 6, notice: 'instance', run: killed },
  { name: 'instance exits with 1', weight: 5, notice: 'instance', run: exits },
  { name: 'burst of lines', weight: 4, notice: 'nothing', run: bursts },
];

/** For the phase in which Kapal's own processes die, the daemon in the middle of a deploy. Not while memory is watched: it is compared at equal ages. */
export const withKills: readonly Operation[] = [
  ...operations,
  { name: 'edge worker killed', weight: 6, notice: 'connections', run: edgeWorkerKilled },
  { name: 'daemon killed', weight: 16, notice: 'nothing', run: daemonKilled },
];

/** Operations that a sample does, once each: enough to see that all of it works. */
const sampled = ['failing build', 'domain', 'instance killed', 'edge worker killed', 'daemon killed'];

export const sample: readonly Operation[] = withKills.filter(({ name }) => sampled.includes(name));

/** Every service has what it should, all of it ready, nothing else; and visitors of the shop reach each instance: the edge learns of one a moment after it is ready. */
export async function settled(kapal: TestKapal): Promise<void> {
  await until('every service is as it should be', async () =>
    (await kapal.ps()).every(
      ({ status, desired, instances }) =>
        status === 'running' && instances.length === desired && instances.every(({ state }) => state === 'ready'),
    ),
  );
  const ready = new Set((await kapal.service('toko')).instances.map(({ id }) => id));
  await until('each instance of the shop is reached', async () => {
    // This process may be late: what visitors meet is counted elsewhere.
    const visit = await kapal.visit('toko.localhost', '/list').catch(() => null);
    if (visit?.status === 200) ready.delete((JSON.parse(visit.body) as { readonly instance: string }).instance);
    return ready.size === 0;
  });
}

/** A `burst` of lines of the shop. */
export async function bursts(ground: Ground): Promise<void> {
  await visitInstance(await instanceOf(ground, 'toko'), `/burst?lines=${burst}`);
}

async function deployShop({ kapal, site }: Ground, fault: Fault): Promise<void> {
  const folder = await site.shop(fault);
  if (fault === 'none') return live(kapal, folder);
  const { services } = await kapal.deployFailing(folder);
  const outcomes = Object.fromEntries(services.map(({ service, outcome }) => [service, outcome]));
  if (outcomes['toko'] !== 'failed' || outcomes['stock'] !== 'live') throw new Error(JSON.stringify(services));
}

async function live(kapal: TestKapal, folder: string): Promise<void> {
  const { services } = await kapal.deploy(folder);
  if (services.some(({ outcome }) => outcome !== 'live')) throw new Error(JSON.stringify(services));
}

async function cancelled({ kapal, site, fraction }: Ground): Promise<void> {
  const operation = await begun(kapal, await site.shop());
  await pause(fraction() * 1_500);
  // It may have ended before.
  refuseUnless(await kapal.run('cancel', 'toko', '--json'), ['conflict']);
  const outcome = await outcomeOf(kapal, operation);
  if (!['live', 'rolled_back', 'cancelled'].includes(outcome)) throw new Error(`the deploy ended ${outcome}`);
}

async function superseded({ kapal, site, fraction }: Ground): Promise<void> {
  const operation = await begun(kapal, await site.shop());
  await pause(fraction() * 1_000);
  await live(kapal, await site.shop());
  const outcome = await outcomeOf(kapal, operation);
  if (!['live', 'rolled_back', 'cancelled'].includes(outcome)) throw new Error(`the deploy before ended ${outcome}`);
}

async function scaled(ground: Ground): Promise<void> {
  const wanted = pick(ground, ['toko=2', 'toko=3', 'jobs=1', 'jobs=2']);
  await done(ground.kapal, 'scale', wanted);
}

async function variable(ground: Ground): Promise<void> {
  const value = Math.floor(ground.fraction() * 1_000_000);
  await done(ground.kapal, 'env', 'set', pick(ground, ['toko', 'jobs']), `MODE=${value}`);
}

async function rolledBack(ground: Ground): Promise<void> {
  // There is nowhere to go where all releases that are kept are the same one, restarted.
  refuseUnless(await ground.kapal.run('rollback', pick(ground, ['toko', 'pages', 'jobs']), '--json'), ['not_found']);
}

async function domain(ground: Ground): Promise<void> {
  const { kapal } = ground;
  const host = pick(ground, hosts);
  const listed = await kapal.json<readonly { readonly host: string }[]>(['domain', 'list', 'toko']);
  const isThere = listed.some((one) => one.host === host);
  await done(kapal, 'domain', isThere ? 'remove' : 'add', 'toko', host);
  const { status } = await kapal.visit(host);
  if ((status === 200) === isThere)
    throw new Error(`${host} answers ${status} after it was ${isThere ? 'removed' : 'added'}`);
}

async function killed(ground: Ground): Promise<void> {
  const { pid } = await instanceOf(ground, pick(ground, ['toko', 'stock', 'jobs']));
  process.kill(-pid, 'SIGKILL');
  await seen(ground.kapal, pid);
}

async function exits(ground: Ground): Promise<void> {
  const instance = await instanceOf(ground, pick(ground, ['toko', 'stock']));
  await visitInstance(instance, '/exit').catch(() => undefined);
  await seen(ground.kapal, instance.pid);
}

async function edgeWorkerKilled(ground: Ground): Promise<void> {
  const { kapal } = ground;
  const workers = async () => (await kapal.get<StatusDocument>('/status')).edge.workers.map(({ pid }) => pid);
  const before = await workers();
  const victim = pick(ground, before);
  if (!send(victim, 'SIGKILL')) throw new Error(`worker ${victim} of the edge is gone already`);
  await until('the edge has all its workers', async () => {
    const now = await workers();
    return now.length === before.length && !now.includes(victim);
  });
}

async function daemonKilled({ kapal, site, fraction }: Ground): Promise<void> {
  const operation = await begun(kapal, await site.shop());
  await pause(fraction() * 2_000);
  await kapal.killDaemon();
  await kapal.up();
  const outcome = await outcomeOf(kapal, operation);
  if (outcome !== 'live') throw new Error(`the deploy under way ended ${outcome}`);
}

/** Asks for a deploy and does not wait: its operation's id. */
async function begun(kapal: TestKapal, folder: string): Promise<string> {
  return (await kapal.json<OperationDocument>(['deploy', folder, '--no-wait'])).id;
}

/** Of the shop's web service, when the operation is over. */
async function outcomeOf(kapal: TestKapal, id: string): Promise<string> {
  let found: OperationDocument | null = null;
  await until(`operation ${id} ends`, async () => {
    found = await kapal.get<OperationDocument>(`/operations/${id}`);
    return found.state === 'finished';
  });
  const document = await kapal.get<OperationDocument>(`/operations/${id}`);
  return (
    document.result?.services.find(({ service }) => service === 'toko')?.outcome ?? document.error?.code ?? 'nothing'
  );
}

async function done(kapal: TestKapal, ...args: readonly string[]): Promise<void> {
  refuseUnless(await kapal.run(...args, '--json'), []);
}

/** Rejects a command that failed, unless by one of these errors. */
function refuseUnless({ code, stdout, stderr }: Ran, codes: readonly string[]): void {
  if (code === 0) return;
  const error = stdout === '' ? null : (JSON.parse(stdout) as FailureDocument).error;
  if (error === null || !codes.includes(error.code)) throw new Error(`exit code ${code}: ${stdout}${stderr}`);
}

interface Running {
  readonly pid: number;
  readonly address: string | null;
}

async function instanceOf(ground: Ground, service: string): Promise<Running> {
  const { instances } = await ground.kapal.service(service);
  const running = instances.flatMap(({ pid, address, state }) =>
    pid !== null && state === 'ready' ? [{ pid, address }] : [],
  );
  return pick(ground, running);
}

/** Resolves when the daemon has seen that the process is gone: until then the service still looks settled. */
function seen(kapal: TestKapal, pid: number): Promise<void> {
  return until(`the end of ${pid} is seen`, async () =>
    (await kapal.ps()).every(({ instances }) => instances.every((instance) => instance.pid !== pid)),
  );
}

/** Past the edge. */
function visitInstance({ address }: Running, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(`http://${address}${path}`, { agent: false }, (response) => {
      response.resume();
      response.on('error', reject);
      response.on('end', resolve);
    });
    asked.on('error', reject);
    asked.end();
  });
}

function pick<T>({ fraction }: Ground, from: readonly T[]): T {
  const found = from[Math.floor(fraction() * from.length)];
  if (found === undefined) throw new Error('there is nothing to choose from');
  return found;
}
