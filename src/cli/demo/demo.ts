import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import type { DeployedService, ServiceDocument } from '../../api/contract/types.ts';
import type { CliHost } from '../host.ts';
import { LoadGenerator } from './load.ts';
import { DemoReport } from './report.ts';
import { makeShopRepository } from './repository.ts';
import { deploy, kapal, services, setStage, type Stage, startDaemon, strike } from './stage.ts';

/** Requests a second while the demo works, half of them on connections of their own. */
const rate = 100;

/** How long a state may take to come about before the demo gives up, in milliseconds. */
const patience = 20_000;

interface Scene {
  readonly host: CliHost;
  readonly stage: Stage;
  readonly repository: string;
  readonly report: DemoReport;
}

/** The main job, from nothing, under load: see `kapal help demo`. Answers the exit code: 1 when any request failed or a step did not go as told. */
export async function runDemo(
  options: { readonly json: boolean; readonly keep: boolean },
  host: CliHost,
): Promise<number> {
  const stage = await setStage();
  const report = new DemoReport(host, options.json);
  const scene: Scene = { host, stage, report, repository: join(stage.folder, 'toko') };
  using interrupt = host.onInterrupt(() => report.say('interrupted: cleaning up'));
  let ok = false;
  try {
    await story(scene);
    ok = true;
  } catch (error) {
    report.fail(error instanceof Error ? error.message : String(error));
  }
  void interrupt;
  if (options.keep && ok) report.kept(stage);
  else await cleanUp(scene);
  report.finish();
  return ok && report.failed === 0 ? 0 : 1;
}

async function story(scene: Scene): Promise<void> {
  const { host, stage, report, repository } = scene;
  await makeShopRepository(repository);
  let daemon = await report.step('start the daemon', () => startDaemon(host, stage));
  await report.step('deploy version 1 from git, 3 replicas', () =>
    expectDeploy(scene, 'v1', { outcome: 'live', version: '1.0.0' }),
  );
  await using load = new LoadGenerator(
    {
      host: '127.0.0.1',
      port: stage.port,
      hostHeader: `toko.localhost:${stage.port}`,
      rate,
      timeout: 10_000,
      requests: [
        { method: 'GET', path: '/whoami' },
        { method: 'GET', path: '/products?q=kopi&limit=3' },
        { method: 'GET', path: '/products/7' },
      ],
      answerKey: 'instance',
    },
    process.execPath,
  );
  report.count = () => load.count();
  await report.step('see which replica answers', async () => report.shares(await answers(load)));
  await report.step('kill one replica (SIGKILL)', () => killReplica(scene));
  await report.step('deploy version 2', () => expectDeploy(scene, 'v2', { outcome: 'live', version: '2.0.0' }));
  await report.step('deploy version 3, which crashes at boot', () =>
    expectDeploy(scene, 'v3', { outcome: 'failed', version: '2.0.0' }),
  );
  await report.step('deploy version 4, whose health check fails', () =>
    expectDeploy(scene, 'v4', { outcome: 'failed', version: '2.0.0' }),
  );
  await report.step('roll back to version 1', () => rollBack(scene));
  await report.step('kill the daemon (SIGKILL)', async () => {
    process.kill(daemon, 'SIGKILL');
    const before = await load.count();
    await until(
      'the replicas answer without a daemon',
      async () => (await load.count()).requests > before.requests + rate,
    );
    if ((await versionServed(scene)) !== '1.0.0') throw new Error('version 1.0.0 does not answer without the daemon');
  });
  await report.step('start the daemon again', async () => {
    const before = await load.count();
    daemon = await startDaemon(host, stage);
    await until('all replicas are adopted', async () => ready(await shop(scene)) === 3);
    await until('more requests came through', async () => (await load.count()).requests > before.requests + rate);
  });
  report.total(await load.stop());
}

async function expectDeploy(
  scene: Scene,
  branch: string,
  expected: { outcome: DeployedService['outcome']; version: string },
): Promise<void> {
  const { host, stage, repository, report } = scene;
  const [service] = (await deploy(host, stage, { repository, branch })).services;
  if (service?.outcome !== expected.outcome)
    throw new Error(
      `${branch} ended ${service?.outcome ?? 'without a word'}, ${expected.outcome} was expected: ${service?.error?.message ?? ''}`,
    );
  if (service.error !== undefined) report.say(service.error.message, telling(service.error.log));
  const served = await versionServed(scene);
  if (served !== expected.version) throw new Error(`version ${served} answers, ${expected.version} was expected`);
  report.say(`version ${served} answers at ${service.urls[0] ?? ''}`);
}

/** The lines that name the fault, if there are such, else the last ones. */
function telling(log: readonly string[]): readonly string[] {
  const named = log.filter((line) => /error|fail|cannot|missing/i.test(line));
  return (named.length > 0 ? named : log).slice(-2);
}

async function killReplica(scene: Scene): Promise<void> {
  const before = await shop(scene);
  const victim = before.instances.find((instance) => instance.state === 'ready' && instance.pid !== null);
  if (victim === undefined || victim.pid === null) throw new Error('no replica is ready');
  process.kill(-victim.pid, 'SIGKILL');
  await until('the replica is back', async () => {
    const after = await shop(scene);
    return (
      ready(after) === 3 &&
      after.instances.some(
        (instance) => instance.id === victim.id && instance.pid !== victim.pid && instance.state === 'ready',
      )
    );
  });
  scene.report.say(`replica ${victim.id} was killed and is back`);
}

async function rollBack(scene: Scene): Promise<void> {
  await kapal(scene, ['rollback', 'toko', '1']);
  const served = await versionServed(scene);
  if (served !== '1.0.0') throw new Error(`version ${served} answers after the rollback`);
}

/** Waits until every replica has answered. */
async function answers(load: LoadGenerator): Promise<Readonly<Record<string, number>>> {
  await until('every replica answered', async () => Object.keys((await load.count()).answeredBy).length >= 3);
  return (await load.count()).answeredBy;
}

async function shop({ host, stage }: Scene): Promise<ServiceDocument> {
  const found = (await services(host, stage)).find((service) => service.service === 'toko');
  if (found === undefined) throw new Error('the shop is not there');
  return found;
}

function ready(service: ServiceDocument): number {
  return service.instances.filter((instance) => instance.state === 'ready').length;
}

async function versionServed({ stage }: Scene): Promise<string> {
  const { get } = await import('./get.ts');
  const answer = await get({ port: stage.port, host: `toko.localhost:${stage.port}`, path: '/whoami' });
  const parsed = JSON.parse(answer) as { version?: string };
  return parsed.version ?? 'unknown';
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patience;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${patience / 1000} s in vain: ${what}`);
    await pause(50);
  }
}

/** Ends and removes everything: instances, edge, users, files. */
async function cleanUp({ host, stage, report }: Scene): Promise<void> {
  try {
    await kapal({ host, stage }, ['project', 'remove', 'toko', '--yes'], [0, 1, 3]);
    await kapal({ host, stage }, ['down', '--apps'], [0, 3]);
    await strike(stage);
  } catch (error) {
    report.fail(`could not clean up ${stage.folder}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
