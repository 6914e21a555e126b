import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { holdersOf } from '../../src/edge/holder.ts';

/** A process that listens at `host`, at `port` or (0) a free one. */
async function listener(host: string, port = 0): Promise<AsyncDisposable & { pid: number; port: number }> {
  const script =
    'const s = require("node:net").createServer().listen(+process.argv[2], process.argv[1], () => console.log(s.address().port))';
  const child = spawn(process.execPath, ['-e', script, host, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  assert.ok(child.pid !== undefined);
  return {
    pid: child.pid,
    port: Number(said.toString()),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

const pids = (port: number, host?: string) =>
  holdersOf(port, host)
    .map(({ pid }) => pid)
    .toSorted((a, b) => a - b);

describe('who holds a port', () => {
  test('is who has it at that address: the same port of another address is no matter', async () => {
    await using one = await listener('127.40.50.60');
    await using two = await listener('127.40.50.61', one.port);
    const both = [one.pid, two.pid].toSorted((a, b) => a - b);
    assert.deepEqual(pids(one.port, '127.40.50.60'), [one.pid]);
    assert.deepEqual(pids(one.port, '127.40.50.61'), [two.pid]);
    assert.deepEqual(pids(one.port, '127.40.50.62'), []);
    assert.deepEqual(pids(one.port, '::1'), []);
    for (const everywhere of [undefined, '0.0.0.0', '::', 'localhost'])
      assert.deepEqual(pids(one.port, everywhere), both, everywhere);
  });

  test('at every interface, is in the way of each address', async () => {
    for (const everywhere of ['0.0.0.0', '::']) {
      await using all = await listener(everywhere);
      for (const host of ['127.0.0.1', '::1', '0.0.0.0', '::']) assert.deepEqual(pids(all.port, host), [all.pid], host);
    }
  });

  test('at an address of IPv6, however it is written', async () => {
    await using six = await listener('::1');
    assert.deepEqual(pids(six.port, '0:0:0:0:0:0:0:1'), [six.pid]);
    assert.deepEqual(pids(six.port, '127.0.0.1'), []);
    await using mapped = await listener('::ffff:127.40.50.63');
    assert.deepEqual(pids(mapped.port, '127.40.50.63'), [mapped.pid]);
  });
});
