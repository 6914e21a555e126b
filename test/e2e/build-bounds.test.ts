import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { ErrorDocument } from '../../src/model/errors.ts';
import { processesLike, TestKapal, until } from './kapal.ts';

const root = process.getuid?.() === 0;

describe('a build keeps within its bounds', () => {
  let kapal: TestKapal;
  before(async () => void (kapal = await TestKapal.start()));
  afterEach(() => kapal.clear());
  after(() => kapal[Symbol.asyncDispose]());

  const project = (command: string, more = '') =>
    kapal.project('shop', {
      'kapal.yaml': [
        'project: shop',
        'services:',
        '  - type: worker',
        '    name: shop',
        '    runtime: node',
        '    startCommand: exec sleep 100000',
        `    buildCommand: sh build.sh`,
        ...(more === '' ? [] : [`    build: ${more}`]),
        '',
      ].join('\n'),
      'build.sh': command,
      'index.js': '',
    });
  const failure = async (command: string, more = ''): Promise<ErrorDocument> => {
    const { services } = await kapal.deployFailing(await project(command, more));
    assert.ok(services[0]?.error !== undefined, JSON.stringify(services));
    return services[0].error;
  };
  const artifacts = () => {
    const folder = join(kapal.data, 'releases/shop/production/shop');
    return existsSync(folder) ? readdirSync(folder) : [];
  };

  test('one that writes without end is ended, and what it wrote in its folder is gone', async () => {
    const error = await failure('while :; do head -c 4000000 /dev/zero >>big; sleep 0.02; done', '{diskLimit: 64MB}');
    assert.equal(error.code, 'build_too_large');
    assert.match(
      error.message,
      /the build of shop was ended: it wrote \d+ MiB, and may write 64 MiB \(build\.diskLimit\)/,
    );
    assert.deepEqual(artifacts(), []);
    assert.deepEqual(await processesLike('/dev/zero'), []);
  });

  test('one that starts processes without end fails, says why, and leaves none', {
    skip: root ? false : 'the number of processes is held down by root only',
  }, async () => {
    const error = await failure(
      'i=0; while [ $i -lt 400 ]; do sleep 81828 & i=$((i+1)); done; wait',
      '{processLimit: 64}',
    );
    assert.equal(error.code, 'build_failed');
    assert.match(error.hint ?? '', /build\.processLimit/);
    assert.deepEqual(await processesLike('sleep 81828'), []);
  });

  test('one that sleeps without end, or takes more memory than it may, ends with its reason', async () => {
    const late = await failure('sleep 71727', '{timeoutSeconds: 1}');
    assert.equal(late.code, 'build_timeout');
    const greedy = await failure(
      `exec node -e 'const kept = []; setInterval(() => kept.push(Buffer.alloc(16 << 20, 1)), 5)'`,
      '{memoryLimit: 128MB}',
    );
    assert.equal(greedy.code, 'build_failed');
    assert.match(greedy.hint ?? '', /build\.memoryLimit/);
  });

  test('a cancel ends all that it started, what left its session too', async () => {
    const escape =
      'setsid sleep 61626 & setsid sh -c "setsid sleep 61626 & sleep 61626" & nohup sleep 61626 & sleep 61626';
    const { ran } = kapal.begin({}, 'deploy', await project(escape));
    await until('all of it runs', async () => (await processesLike('sleep 61626')).length >= 5);
    assert.equal((await kapal.run('cancel', 'shop')).code, 0);
    assert.equal((await ran).code, 1);
    assert.deepEqual(await processesLike('sleep 61626'), []);
  });

  test('it reads neither other services nor the daemon', {
    skip: root ? false : 'separate users need root',
  }, async () => {
    await kapal.deploy(
      await kapal.project('neighbour', {
        'kapal.yaml':
          'project: neighbour\nservices:\n  - {type: worker, name: neighbour, runtime: node, startCommand: exec sleep 100000, disk: {name: data, mountPath: data}}\n',
        'index.js': '',
      }),
    );
    const theirs = join(kapal.data, 'releases/neighbour/production/neighbour');
    const closed = [
      ...readdirSync(theirs).map((name) => join(theirs, name)),
      join(kapal.data, 'disks/neighbour/production/neighbour/data'),
      join(kapal.data, 'homes/neighbour/production/neighbour'),
      ...['record', 'keys', 'logs', 'sources', 'git', 'runs'].map((name) => join(kapal.data, name)),
    ];
    const command = closed.map((path) => `ls ${path} && exit 66`).join('\n');
    await kapal.deploy(await project(`${command}\ntrue`));
    const said = (await kapal.run('logs', 'shop')).stdout;
    assert.equal(said.match(/Permission denied/g)?.length, closed.length, said);
  });
});
