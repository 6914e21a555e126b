import type { ServiceDocument } from '../src/api/contract/types.ts';
import type { LoadCount, LoadGenerator } from '../src/cli/demo/load.ts';
import { type TestKapal, until } from '../test/e2e/kapal.ts';
import { membersOfGroup, runs } from './processes.ts';
import { type Fault, Shop, shopLoad } from './shop.ts';
import { type Access, badAccesses, onStage } from './stage.ts';

/**
 * 500 requests a second through the edge while the service is deployed 20 times (10 good versions, 5 that crash at boot, 5 that fail their health
 * check), then while 5 of its replicas are killed with SIGKILL.
 *
 * Figures: no failed request during the deploys. After a kill no GET fails, and every POST that fails was under way at the killed replica: nobody
 * can know whether it was carried out, so the edge must not repeat it.
 */
const faults: readonly Fault[] = Array.from({ length: 20 }, (_, index) =>
  index % 2 === 0 ? 'none' : index % 4 === 1 ? 'crashes at boot' : 'fails its health check',
);
const kills = 5;

/** The edge's log and this process read the same clock, each to the millisecond. */
const tolerance = 2;

await onStage(async (kapal, figures) => {
  await kapal.up();
  const shop = await Shop.open(kapal);
  await shop.change('none');
  await kapal.deploy(shop.folder);
  await using load = shopLoad(kapal);

  for (const fault of faults) await deploy({ kapal, shop, load }, fault);
  const afterDeploys = await load.count();
  console.log(`${faults.length} deploys: ${summary(afterDeploys)}`);
  figures.atMost('failed requests during 20 deploys', { value: afterDeploys.failed, most: 0 });

  const killed: Kill[] = [];
  for (let number = 0; number < kills; number += 1) killed.push(await killReplica(kapal, number));
  const end = await load.stop();
  console.log(`${kills} kills: ${summary(difference(end, afterDeploys))}`);
  const posts = failuresOf(end, 'POST') - failuresOf(afterDeploys, 'POST');
  figures.atMost('failed GETs after 5 kills', {
    value: failuresOf(end, 'GET') - failuresOf(afterDeploys, 'GET'),
    most: 0,
  });
  const explained = (await badAccesses(kapal)).filter(
    (access) => access.method === 'POST' && killed.some((kill) => wasUnderWay(access, kill)),
  );
  figures.atMost('failed POSTs after 5 kills', {
    value: posts,
    most: explained.length,
    unit: ' (under way at the killed replicas)',
  });
});

async function deploy(parts: { kapal: TestKapal; shop: Shop; load: LoadGenerator }, fault: Fault): Promise<void> {
  const { kapal, shop, load } = parts;
  await shop.change(fault);
  const before = await load.count();
  const begun = performance.now();
  const [service] = (fault === 'none' ? await kapal.deploy(shop.folder) : await kapal.deployFailing(shop.folder))
    .services;
  const expected = fault === 'none' ? 'live' : 'failed';
  if (service?.outcome !== expected)
    throw new Error(`a version that has the fault "${fault}" ended ${service?.outcome}: ${JSON.stringify(service)}`);
  const now = await load.count();
  const took = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`  ${expected.padEnd(6)} ${took} s  ${fault.padEnd(22)} ${summary(difference(now, before))}`);
}

interface Kill {
  readonly instance: string;
  readonly at: number;
  /** When the last process of the group was gone, and with it its connections: until then the kernel took requests for it. */
  readonly gone: number;
}

/** Kills a replica and waits until it is back. */
async function killReplica(kapal: TestKapal, number: number): Promise<Kill> {
  const victims = (await kapal.service('toko')).instances.filter((instance) => instance.state === 'ready');
  const victim = victims[number % victims.length];
  if (victim === undefined || victim.pid === null) throw new Error('no replica is ready');
  const members = membersOfGroup(victim.pid);
  const at = Date.now();
  process.kill(-victim.pid, 'SIGKILL');
  while (members.some(runs)) await new Promise((resolve) => setImmediate(resolve));
  const kill = { instance: victim.id, at, gone: Date.now() };
  console.log(`  killed ${victim.id}, which was gone ${kill.gone - at} ms later`);
  await until('the killed replica is back', async () => isBack(await kapal.service('toko'), victim.id, victim.pid));
  return kill;
}

function isBack(service: ServiceDocument, id: string, formerPid: number | null): boolean {
  return service.instances.some(
    (instance) =>
      instance.id === id && instance.state === 'ready' && instance.pid !== null && instance.pid !== formerPid,
  );
}

/** Begun before the kill, ended after it, and last tried at the killed replica. */
function wasUnderWay({ time, durationMs, upstream }: Access, kill: Kill): boolean {
  const begun = Date.parse(time);
  return (
    upstream?.startsWith(`${kill.instance}.`) === true &&
    begun <= kill.gone + tolerance &&
    begun + durationMs >= kill.at - tolerance
  );
}

function failuresOf(count: LoadCount, method: string): number {
  return Object.entries(count.failures).reduce(
    (sum, [kind, times]) => (kind.startsWith(`${method} `) ? sum + times : sum),
    0,
  );
}

function difference(now: LoadCount, before: LoadCount): LoadCount {
  const failures = Object.fromEntries(
    Object.entries(now.failures)
      .map(([kind, times]) => [kind, times - (before.failures[kind] ?? 0)] as const)
      .filter(([, times]) => times > 0),
  );
  return {
    ...now,
    requests: now.requests - before.requests,
    failed: now.failed - before.failed,
    slow: now.slow - before.slow,
    failures,
  };
}

function summary({ requests, failed, slow, failures }: LoadCount): string {
  return `${requests} requests, ${failed} failed, ${slow} over 250 ms${failed === 0 ? '' : ` ${JSON.stringify(failures)}`}`;
}
