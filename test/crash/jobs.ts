import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { JobDocument, JobsDocument } from '../../src/api/contract/job-types.ts';
import { seen } from '../patience.ts';
import type { Shop } from './shop.ts';

/** Milliseconds between two tries of what a killed daemon did not answer. */
const pace = 100;

/** A project whose schedule is due each minute; every run of it adds a line to a file that no run reads. */
async function scheduled({ kapal }: Shop): Promise<void> {
  const lines = linesOf(kapal);
  writeFileSync(lines, '');
  // Its own user writes there.
  chmodSync(lines, 0o666);
  const declaration = [
    'project: loper',
    'services:',
    '  - type: cron',
    '    name: loper',
    '    runtime: node',
    '    schedule: "* * * * *"',
    `    startCommand: echo "$KAPAL_SLOT $KAPAL_INSTANCE" >> ${lines}`,
    '    maxShutdownDelaySeconds: 2',
    '',
  ];
  const folder = await kapal.project('loper', { 'kapal.yaml': declaration.join('\n'), 'index.js': '' });
  // To ask again is to deploy what is there already.
  while ((await kapal.run('deploy', folder)).code !== 0) await pause(pace);
}

/** A project with a schedule; a slot of it, a job by hand, a command that is told to end, one that has a client; then all of it is removed. I8 is looked at before. */
export async function takeTurns(shop: Shop): Promise<void> {
  await scheduled(shop);
  const jobs = async (): Promise<readonly JobDocument[]> => {
    const { body } = await shop.client.ask('/jobs?service=loper');
    return (body as readonly JobsDocument[])[0]?.jobs ?? [];
  };
  await seen('a slot had its job', async () =>
    (await jobs()).find(({ slot, state }) => slot !== null && state === 'ended'),
  );
  await asked(shop, '/services/loper/jobs');
  const body = { command: ['sleep', '9000'], detach: true, timeoutSeconds: null, terminal: null };
  await asked(shop, '/services/loper/runs', { ...body, timeoutSeconds: 1 });
  await seen('its time is over', async () => (await jobs()).find(({ result }) => result === 'timeout'));
  await asked(shop, '/services/loper/runs', body);
  // One that nobody was told of is told to end as well.
  await seen('none runs any more', async () => {
    const open = (await jobs()).filter(({ state }) => state !== 'ended');
    for (const { id } of open.filter(({ cause, state }) => cause === 'command' && state === 'running'))
      await shop.client.ask(`/jobs/${id}`, { method: 'DELETE' });
    return open.length === 0;
  });
  while ((await shop.kapal.run('run', 'loper', '--', 'true')).code !== 0) await pause(pace);
  atMostOnce(shop, await jobs());
  const { status } = await shop.client.ask('/projects/loper', { method: 'DELETE' });
  if (status >= 300 && !(status === 404 && shop.client.unanswered > 0)) throw new Error(`removal: ${status}`);
}

/** Until it is acknowledged; it is refused while another runs. */
async function asked(shop: Shop, path: string, body?: object): Promise<void> {
  await seen(`${path} is taken`, async () => {
    const { status } = await shop.client.ask(path, { method: 'POST', ...(body === undefined ? {} : { body }) });
    return status === 202;
  });
}

/** I8: no slot ran twice, and every one that is said to have succeeded ran. */
function atMostOnce({ kapal }: Shop, jobs: readonly JobDocument[]): void {
  const runs = readFileSync(linesOf(kapal), 'utf8').split('\n').filter(Boolean);
  const ids = runs.map((line) => line.split(' ').at(-1) ?? '');
  const slots = runs.map((line) => line.split(' ')[0] ?? '').filter((slot) => slot !== '');
  const twice = [...ids, ...slots].filter((one, index, all) => all.indexOf(one) !== index);
  if (twice.length > 0) throw new Error(`I8: ${twice.join()} ran twice: ${runs.join('; ')}`);
  const missing = jobs.filter(
    ({ cause, result, id }) => cause !== 'command' && result === 'succeeded' && !ids.includes(id),
  );
  if (missing.length > 0) throw new Error(`I8: ${JSON.stringify(missing)} did not run`);
}

function linesOf(kapal: Shop['kapal']): string {
  return join(kapal.folder, 'slots');
}
