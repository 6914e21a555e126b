import type { StatusDocument } from '../src/api/contract/types.ts';
import { type TestKapal, until } from '../test/e2e/kapal.ts';
import { memoryOf, statOf } from './processes.ts';
import { api, onStage } from './stage.ts';

/**
 * What Kapal itself takes on a machine where 10 services of 2 replicas run and nothing happens, over 30 s.
 *
 * Figures: the daemon at most 120 MB resident and 1% of a core, each worker of the edge at most 90 MB. The log store is a thread of the daemon. Pages of
 * Node's own file count as resident in every process, though the machine holds them once.
 */
const services = 10;
const replicas = 2;
const watched = 30_000;

/** Milliseconds after the last instance became ready: the log store looks less often after a while, and the heap is swept after a burst of work. */
const settling = 20_000;

await onStage(async (kapal, figures) => {
  await kapal.up();
  await kapal.deploy(await manyServices(kapal));
  await until('all instances are ready', async () => {
    const instances = (await kapal.ps()).flatMap((service) => service.instances);
    return instances.length === services * replicas && instances.every((instance) => instance.state === 'ready');
  });
  await pause(settling);

  const status = await api<StatusDocument>(kapal, '/api/v1/status');
  const workers = status.edge.workers.map(({ pid }) => pid);
  const begun = performance.now();
  const before = new Map([status.pid, ...workers].map((pid) => [pid, cpuOf(pid)]));
  await pause(watched);
  const seconds = (performance.now() - begun) / 1000;
  const load = (pid: number) => ((cpuOf(pid) - (before.get(pid) ?? 0)) / seconds) * 100;

  const daemon = memoryOf(status.pid);
  console.log(`daemon: ${describe(daemon)}`);
  for (const worker of workers)
    console.log(`edge worker: ${describe(memoryOf(worker))}, ${load(worker).toFixed(2)}% of a core`);
  const name = `with ${services} services of ${replicas} replicas, idle`;
  figures.atMost(`daemon ${name}, resident`, { value: daemon.resident, most: 120, unit: ' MB' });
  figures.atMost(`daemon ${name}, CPU`, { value: load(status.pid), most: 1, unit: '% of a core' });
  figures.atMost('largest worker of the edge, resident', {
    value: Math.max(...workers.map((pid) => memoryOf(pid).resident)),
    most: 90,
    unit: ' MB',
  });
});

function manyServices(kapal: TestKapal): Promise<string> {
  const declared = Array.from({ length: services }, (_, index) => {
    return `  - {type: web, name: s${index}, runtime: node, startCommand: node server.js, healthCheckPath: /, numInstances: ${replicas}}\n`;
  });
  return kapal.project('many', {
    'kapal.yaml': `project: many\nservices:\n${declared.join('')}`,
    'server.js':
      "require('node:http').createServer((_, response) => response.end('ok')).listen(process.env.PORT, process.env.HOST);\n",
  });
}

function cpuOf(pid: number): number {
  const stat = statOf(pid);
  if (stat === null) throw new Error(`process ${pid} is gone`);
  return stat.cpu;
}

function describe({ resident, anonymous, peak }: ReturnType<typeof memoryOf>): string {
  return `${resident.toFixed(1)} MB resident (${anonymous.toFixed(1)} MB of it its own, at most ${peak.toFixed(1)} MB since its start)`;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
