import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { TestKapal } from './kapal.ts';
import { isAlive, onlyOwned, processesOf, send } from './install.ts';
import { hang } from '../patience.ts';
import { answers, eventually, facesOf, Gate, logged, server, shop, visitor } from './survival.ts';

const root = process.getuid?.() === 0;

describe('instances that end', () => {
  let kapal: TestKapal;
  before(async () => void (kapal = await TestKapal.start()));
  afterEach(() => kapal.clear());
  after(() => kapal[Symbol.asyncDispose]());

  test('one that is killed comes back and is counted; one that crashes again and again is crash-looping; neighbours notice nothing', async () => {
    const gate = new Gate(kapal, 'crash');
    await kapal.deploy(
      await kapal.project('shop', shop('shop', ['envVars:', `  - {key: CRASH_GATE, value: ${gate.path}}`])),
    );
    await kapal.deploy(await kapal.project('calm', shop('calm')));
    const calm = (await facesOf(kapal)).filter((face) => face.startsWith('calm'));
    await using neighbour = visitor(kapal, 'calm.localhost');

    const [victim] = (await kapal.service('shop')).instances;
    send(victim?.pid ?? 0, 'SIGKILL');
    const restarted = await eventually('it is ready again', async () => {
      const service = await kapal.service('shop');
      return service.status === 'running' && service.instances[0]?.restarts === 1 ? service.instances[0] : null;
    });
    assert.equal(restarted.id, victim?.id);
    assert.notEqual(restarted.pid, victim?.pid);
    assert.match(restarted.lastExit ?? '', /SIGKILL/);
    await logged(kapal, 'shop', /was ended by SIGKILL/);

    await gate.open();
    send(restarted.pid ?? 0, 'SIGKILL');
    const looping = await eventually('it is called crash-looping', async () => {
      const service = await kapal.service('shop');
      return service.status === 'crash-looping' ? service : null;
    });
    assert.equal(looping.instances[0]?.state, 'crash-looping');
    assert.ok((looping.instances[0]?.restarts ?? 99) <= 6, 'by the fifth quick exit');
    assert.match((await kapal.run('ps')).stdout, /exited with code 7/);
    await logged(kapal, 'shop', /exited with code 7; it is started again in [\d.]+ s/);
    const waiting = await kapal.serviceOnce('shop', ({ instances }) => instances[0]?.nextStartAt !== undefined);
    assert.ok(Date.parse(waiting.instances[0]?.nextStartAt ?? '') > Date.parse(waiting.instances[0]?.startedAt ?? ''));
    assert.match((await kapal.run('events')).stdout, /exited with code 7; it is started again in/);
    await eventually('the last lines are in the events', async () =>
      /said before it ended: booting shop-/.test((await kapal.run('events')).stdout),
    );
    assert.equal((await kapal.visit('shop.localhost')).status, 503);

    await gate.close();
    await eventually('it heals by itself', async () => (await kapal.service('shop')).status === 'running');
    await answers(kapal, 'shop.localhost');
    assert.deepEqual(
      (await facesOf(kapal)).filter((face) => face.startsWith('calm')),
      calm,
    );
    assert.deepEqual((await neighbour.stop()).failures, []);
    await onlyOwned(kapal);
  });

  test('SIGTERM reaches the program behind npm and behind shells; one that does not listen to it is killed in the end', async () => {
    const commands = {
      npm: 'npm start',
      shell: `sh -c 'true && node server.js'`,
      list: 'cd . && node server.js',
      background: 'sleep 1000 & node server.js',
    };
    const services = Object.entries(commands).flatMap(([name, command]) => [
      '  - type: web',
      `    name: ${name}`,
      '    runtime: node',
      '    buildCommand: ""',
      `    startCommand: ${JSON.stringify(command)}`,
    ]);
    const deaf = [
      '  - type: worker',
      '    name: deaf',
      '    runtime: node',
      '    buildCommand: ""',
      `    startCommand: "trap '' TERM; echo deaf; setsid sh deaf.sh & while :; do sleep 0.2; done"`,
      '    maxShutdownDelaySeconds: 1',
    ];
    const files = {
      'package.json': '{"private": true, "scripts": {"start": "node server.js"}}',
      'server.js': server,
      'deaf.sh': 'trap "" TERM HUP\nwhile :; do sleep 0.2; done\n',
    };
    await kapal.deploy(
      await kapal.project('shop', {
        'kapal.yaml': ['project: shop', 'services:', ...services, ...deaf, ''].join('\n'),
        ...files,
      }),
    );

    for (const name of [...Object.keys(commands), 'deaf']) {
      const [instance] = (await kapal.service(name)).instances;
      // One that is stopped hears no signal either.
      if (name === 'deaf') send(instance?.pid ?? 0, 'SIGSTOP');
      const begun = performance.now();
      assert.equal((await kapal.run('stop', name)).code, 0);
      const took = performance.now() - begun;
      if (name === 'deaf') assert.ok(took > 1_000 && took < hang, `killed after its second: ${Math.round(took)} ms`);
      else await logged(kapal, name, /asked to stop[^]*stopped in order/);
      assert.deepEqual(
        processesOf(kapal).filter(({ run }) => run?.startsWith(instance?.id ?? '?') === true),
        [],
        `${name}: its whole group is gone`,
      );
      assert.ok(!isAlive(instance?.pid ?? 0));
    }
    await onlyOwned(kapal);
  });

  test('a program that puts itself in the background is ended with what it left, and the reason is said', async () => {
    const folder = await kapal.project('shop', {
      ...shop('shop'),
      'start.sh': 'setsid node server.js &\nsetsid sh -c "setsid sleep 3600 &"\nexit 0\n',
    });
    const declared = await readFile(join(folder, 'kapal.yaml'), 'utf8');
    await writeFile(join(folder, 'kapal.yaml'), declared.replace('node server.js', 'sh start.sh'));
    const [failed] = (await kapal.deployFailing(folder)).services;
    assert.equal(failed?.outcome, 'failed');
    assert.match(
      failed?.error?.message ?? '',
      /exited with code 0 \(what it left in the background was ended with it\)/,
    );
    await eventually('nothing of it is left', () => processesOf(kapal).every(({ role }) => role !== 'app'));
    await onlyOwned(kapal);
  });

  test('a program that takes more memory than its limit is ended, and it is said', {
    skip: root ? false : 'memory limits need root',
  }, async (context) => {
    const status = await kapal.run('doctor', '--json');
    if (status.stdout.includes('Memory limits are kept by the daemon'))
      return context.skip('this kernel has no memory limits');
    const greedy = `const { createServer } = require('node:http'); const kept = [];
      createServer((request, response) => {
        response.end('ok');
        if (request.url === '/eat') setInterval(() => kept.push(Buffer.alloc(8 << 20, 1)), 5);
      }).listen(Number(process.env.PORT), process.env.HOST);`;
    await kapal.deploy(await kapal.project('shop', shop('shop', ['memoryLimit: 96MB'], { 'server.js': greedy })));
    await kapal.visit('shop.localhost', '/eat');
    const after = await eventually('it was restarted', async () => {
      const [instance] = (await kapal.service('shop')).instances;
      return instance?.state === 'ready' && instance.restarts === 1 ? instance : null;
    });
    assert.match(after.lastExit ?? '', /more memory than its limit/);
    assert.match((await kapal.run('ps')).stdout, /more memory than its limit/);
    await logged(kapal, 'shop', /more memory than its limit/);
    await answers(kapal, 'shop.localhost');
  });
});
