import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobsDocument } from '../../src/api/contract/job-types.ts';
import { TestKapal } from './kapal.ts';

function declaration(hook: string): string {
  return [
    'project: post',
    'services:',
    '  - type: worker',
    '    name: post',
    '    runtime: node',
    '    startCommand: exec sleep 100000',
    `    initialDeployHook: ${hook}`,
    '    envVars: [{key: MODE, value: first}]',
    '',
  ].join('\n');
}

test('initialDeployHook runs once, in the first release that goes live; its failure is a warning and an event', async () => {
  await using kapal = await TestKapal.start();
  const deploy = async (hook: string, mark: string) =>
    kapal.deploy(await kapal.project('post', { 'kapal.yaml': declaration(hook), 'mark.txt': mark }));
  const [first] = (await deploy('cat mark.txt; echo $MODE $KAPAL_RELEASE; exit 3', 'seeds')).services;
  assert.deepEqual([first?.outcome, first?.release], ['live', 1]);
  assert.deepEqual(first?.warnings, ['initialDeployHook exited with code 3; its lines: kapal logs post']);
  assert.match((await kapal.run('logs', 'post')).stdout, /post-hook-\w+ seedsfirst 1\n/);
  assert.match((await kapal.run('events')).stdout, /initialDeployHook \(job post-hook-\w+\) exited with code 3/);

  const [second] = (await deploy('echo again', 'more seeds')).services;
  assert.deepEqual([second?.outcome, second?.release, second?.warnings], ['live', 2, undefined]);
  await kapal.killDaemon();
  await kapal.up();
  const [jobs] = await kapal.get<readonly JobsDocument[]>('/jobs?service=post');
  assert.deepEqual(
    jobs?.jobs.map(({ cause, release, result }) => [cause, release, result]),
    [['hook', 1, 'failed']],
  );
});
