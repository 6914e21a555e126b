import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { JobDocument, JobsDocument } from '../../src/api/contract/job-types.ts';
import { seen } from '../patience.ts';
import { runFolders } from './install.ts';
import { TestKapal, until } from './kapal.ts';

/** Says for which slot it runs, waits for as long as `LONG` says, and fails where `FAIL` does. */
const script = `
console.log('slot ' + (process.env.KAPAL_SLOT ?? 'none') + ' as ' + process.env.KAPAL_INSTANCE);
process.on('SIGTERM', () => { console.log('told to end'); process.exit(9); });
setTimeout(() => process.exit(Number(process.env.FAIL ?? 0)), Number(process.env.LONG ?? 0));
`;

function cron(name: string, lines: readonly string[]): Record<string, string> {
  const service = ['  - type: cron', `    name: ${name}`, '    runtime: node', '    startCommand: exec node job.js'];
  return {
    'kapal.yaml': [`project: ${name}`, 'services:', ...service, ...lines.map((line) => `    ${line}`), ''].join('\n'),
    'job.js': script,
  };
}

/** Never due while the test runs. */
const yearly = 'schedule: "0 0 1 1 *"';

describe('services that run by a schedule', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  async function jobsOf(service: string): Promise<JobsDocument> {
    const [found] = await kapal.get<readonly JobsDocument[]>(`/jobs?service=${service}`);
    if (found === undefined) throw new Error(`no jobs of ${service}`);
    return found;
  }

  async function deploy(name: string, lines: readonly string[]): Promise<void> {
    const { services } = await kapal.deploy(await kapal.project(name, cron(name, lines)));
    assert.equal(services[0]?.outcome, 'live');
  }

  test('each slot runs once, through kills of the daemon, with its variables and its own user', async () => {
    await deploy('tick', ['schedule: "* * * * *"', 'envVars: [{key: LONG, value: "1500"}]']);
    const { schedule } = await jobsOf('tick');
    assert.equal(schedule?.expression, '* * * * *');
    const next = Date.parse(schedule?.next ?? '');
    assert.ok(next > Date.now() && next <= Date.now() + 60_000);
    await seen('its slot came', async () => (await jobsOf('tick')).jobs.find(({ cause }) => cause === 'schedule'));
    // It runs on, and the next daemon finds it.
    await kapal.killDaemon();
    await kapal.up();
    const ended = await seen('it has ended', async () =>
      (await jobsOf('tick')).jobs.find(({ state, slot }) => state === 'ended' && slot !== null),
    );
    assert.deepEqual([ended.result, ended.exitCode, Date.parse(ended.slot ?? '') % 60_000], ['succeeded', 0, 0]);
    assert.match(ended.id, /^tick-\d{8}t\d{4}z-[0-9a-f]{6}$/);
    const { stdout } = await kapal.run('logs', 'tick');
    assert.equal(stdout.match(new RegExp(`slot ${ended.slot} as ${ended.id}`, 'g'))?.length, 1, stdout);
    assert.match((await kapal.run('ps', 'tick')).stdout, /tick +running +1 +- +\* \* \* \* \* \(.+\), next 20\d\d-/);

    await kapal.run('stop', 'tick');
    assert.deepEqual([(await jobsOf('tick')).schedule?.suspended, (await jobsOf('tick')).schedule?.next], [true, null]);
    assert.match((await kapal.run('jobs', 'tick')).stdout, /stopped/);
    await kapal.run('start', 'tick');
    assert.notEqual((await jobsOf('tick')).schedule?.next, null);
    await kapal.run('stop', 'tick');
  });

  test('by hand: its exit code is passed on, and a failure is an event', async () => {
    await deploy('nightly', [
      yearly,
      'timeZone: Europe/Berlin',
      'envVars: [{key: FAIL, value: "3"}]',
      'historyLimit: 2',
    ]);
    const ran = await kapal.run('jobs', 'run', 'nightly', '--wait');
    assert.deepEqual([ran.code, ran.stderr], [3, '']);
    assert.match(ran.stdout, /^job nightly-\w+ exited with code 3\n$/);
    const document = await kapal.json<JobDocument>(['jobs', 'run', 'nightly', '--wait'], 3);
    assert.deepEqual(
      [document.cause, document.state, document.result, document.slot],
      ['manual', 'ended', 'failed', null],
    );
    assert.match((await kapal.run('events')).stdout, new RegExp(`job ${document.id} exited with code 3 after `));
    const { stdout } = await kapal.run('logs', 'nightly');
    assert.match(stdout, new RegExp(`${document.id} slot none as ${document.id}`));
    assert.match((await kapal.run('jobs')).stdout, /nightly {2}0 0 1 1 \* \(Europe\/Berlin\), next 20\d\d-01-01 00:00/);

    await kapal.run('jobs', 'run', 'nightly', '--wait');
    assert.equal((await jobsOf('nightly')).jobs.length, 2, 'the history is bounded');
    assert.deepEqual(
      runFolders(kapal).filter((folder) => folder.includes('nightly')),
      [],
      'and nothing of them is left',
    );
  });

  test('skip: a second one is refused while the first runs; stop ends it', async () => {
    await deploy('slow', [yearly, 'envVars: [{key: LONG, value: "600000"}]']);
    const first = await kapal.json<JobDocument>(['jobs', 'run', 'slow']);
    const second = await kapal.run('jobs', 'run', 'slow');
    assert.equal(second.code, 1);
    assert.match(second.stderr, /a job of slow still runs \(conflict\)/);
    await until('it runs', async () => /as slow-/.test((await kapal.run('logs', 'slow')).stdout));
    assert.equal((await kapal.run('jobs', 'stop', first.id)).code, 0);
    const job = await seen('it ends', async () => {
      const found = await kapal.get<JobDocument>(`/jobs/${first.id}`);
      return found.state === 'ended' ? found : null;
    });
    assert.deepEqual([job.result, job.exitCode], ['stopped', 9]);
    assert.match((await kapal.run('jobs', 'stop', first.id)).stderr, /has ended already \(conflict\)/);
    assert.match((await kapal.run('jobs', 'stop', 'nothing')).stderr, /no job nothing \(not_found\)/);
  });

  test('queue: one waits for the other; replace: the later ends the earlier', async () => {
    await deploy('slow', [yearly, 'overlap: queue', 'envVars: [{key: LONG, value: "600000"}]']);
    const [first, second] = [await run('slow'), await run('slow')];
    assert.match((await kapal.run('jobs', 'run', 'slow')).stderr, /a job of slow waits already \(conflict\)/);
    assert.equal((await kapal.get<JobDocument>(`/jobs/${second.id}`)).state, 'queued');
    await kapal.run('jobs', 'stop', first.id);
    await seen('the second has its turn', async () => (await state(second)) === 'running');

    await deploy('slow', [yearly, 'overlap: replace', 'envVars: [{key: LONG, value: "600000"}]']);
    const third = await run('slow');
    await seen('the third has its turn', async () => (await state(third)) === 'running');
    assert.equal((await kapal.get<JobDocument>(`/jobs/${second.id}`)).result, 'replaced');
    await kapal.run('jobs', 'stop', third.id);
  });

  test('a time limit ends a job, and that is a failure', async () => {
    await deploy('slow', [
      yearly,
      'timeoutSeconds: 1',
      'maxShutdownDelaySeconds: 5',
      'envVars: [{key: LONG, value: "600000"}]',
    ]);
    const ran = await kapal.json<JobDocument>(['jobs', 'run', 'slow', '--wait'], 9);
    assert.equal(ran.result, 'timeout');
    assert.match(
      (await kapal.run('events')).stdout,
      new RegExp(`job ${ran.id} exited with code 9 .*: it took longer than it may`),
    );
  });

  test('what a shell started has its time to end, too', async () => {
    const files = cron('grace', [yearly, 'envVars: [{key: LONG, value: "600000"}]']);
    const slow = script.replace(
      'process.exit(9)',
      'setTimeout(() => { console.log("tidied up"); process.exit(0) }, 1000)',
    );
    const yaml = files['kapal.yaml']?.replace('exec node job.js', 'node job.js; echo never') ?? '';
    await kapal.deploy(await kapal.project('grace', { 'kapal.yaml': yaml, 'job.js': slow }));
    const job = await run('grace');
    await until('it runs', async () => /as grace-/.test((await kapal.run('logs', 'grace')).stdout));
    await kapal.run('jobs', 'stop', job.id);
    await seen('it ends', async () => (await state(job)) === 'ended');
    assert.match((await kapal.run('logs', 'grace')).stdout, /told to end[^]*tidied up/);
  });

  test('a removed service takes its jobs along', async () => {
    const job = await run('nightly');
    assert.equal(job.state === 'queued' || job.state === 'running', true);
    assert.equal((await kapal.run('project', 'remove', 'nightly', '--yes')).code, 0);
    assert.equal((await kapal.run('jobs', 'stop', job.id)).code, 1);
    assert.match((await kapal.run('jobs', 'nightly')).stderr, /no service nightly/);
  });

  test('what has no schedule has no jobs to run', async () => {
    const folder = await kapal.project('plain', {
      'kapal.yaml':
        'project: plain\nservices:\n  - {type: worker, name: plain, runtime: node, startCommand: sleep 1000}\n',
    });
    await kapal.deploy(folder);
    const { code, stderr } = await kapal.run('jobs', 'run', 'plain');
    assert.equal(code, 2);
    assert.match(stderr, /plain has no schedule: only services of type cron have jobs of their own \(usage\)/);
    assert.match(stderr, /kapal run plain -- COMMAND/);
  });

  async function run(service: string): Promise<JobDocument> {
    return kapal.json<JobDocument>(['jobs', 'run', service]);
  }

  async function state({ id }: JobDocument): Promise<JobDocument['state']> {
    return (await kapal.get<JobDocument>(`/jobs/${id}`)).state;
  }
});
