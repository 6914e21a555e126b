import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TestKapal, until } from './kapal.ts';

/** Takes a file of the queue by a rename, works on it, and files it; told to end it finishes what it has taken and takes no more. */
const worker = `
const { readdirSync, renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { QUEUE, KAPAL_INSTANCE } = process.env;
let ending = false;
process.once('SIGTERM', () => { ending = true; console.log('finishing'); });
async function work() {
  while (!ending) {
    const [name] = readdirSync(join(QUEUE, 'new'));
    if (name === undefined) { await new Promise((resolve) => setTimeout(resolve, 20)); continue; }
    try { renameSync(join(QUEUE, 'new', name), join(QUEUE, 'taken', name)); } catch { continue; }
    await new Promise((resolve) => setTimeout(resolve, 150));
    writeFileSync(join(QUEUE, 'done', name), KAPAL_INSTANCE);
    renameSync(join(QUEUE, 'taken', name), join(QUEUE, 'filed', name));
  }
}
void work();
`;

test('a worker is scaled from one to three and back while it works, and finishes what it took', async () => {
  await using kapal = await TestKapal.start();
  const queue = join(kapal.folder, 'queue');
  for (const name of ['', 'new', 'taken', 'done', 'filed']) {
    await mkdir(join(queue, name), { recursive: true });
    // The service's own user works here.
    chmodSync(join(queue, name), 0o777);
  }
  const declaration = [
    'project: post',
    'services:',
    '  - type: worker',
    '    name: post',
    '    runtime: node',
    // Through a shell, as most are: the signal reaches the whole group.
    '    startCommand: node worker.js',
    `    envVars: [{key: QUEUE, value: ${queue}}]`,
    '',
  ].join('\n');
  await kapal.deploy(await kapal.project('post', { 'kapal.yaml': declaration, 'worker.js': worker }));
  const count = 100;
  for (let number = 0; number < count; number += 1) await writeFile(join(queue, 'new', `job-${number}`), '');
  const left = async (): Promise<number> => (await readdir(join(queue, 'new'))).length;

  await kapal.run('scale', 'post=3');
  const { instances } = await kapal.service('post');
  assert.equal(instances.filter(({ state }) => state === 'ready').length, 3);
  await until('all three have worked', async () => (await readdir(join(queue, 'done'))).length > 30);
  assert.ok((await left()) > 0, 'there is work left when two of them are told to end');
  await kapal.run('scale', 'post=1');
  await kapal.serviceOnce('post', ({ instances: now }) => now.length === 1 && now[0]?.state === 'ready');

  await until('the queue is empty', async () => (await left()) === 0);
  await until('all is filed', async () => (await readdir(join(queue, 'filed'))).length === count);
  assert.deepEqual(await readdir(join(queue, 'taken')), [], 'nothing that was taken is lost');
  assert.equal((await readdir(join(queue, 'done'))).length, count);
  assert.match((await kapal.run('logs', 'post')).stdout, /finishing[^]*finishing/);
});
