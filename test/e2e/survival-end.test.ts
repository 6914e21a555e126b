import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isAlive, send } from './install.ts';
import { TestKapal } from './kapal.ts';

describe('the end of a daemon', () => {
  test('is said in its log', async () => {
    await using kapal = await TestKapal.start();
    assert.equal((await kapal.run('down')).code, 0);
    const log = await readFile(join(kapal.data, 'logs/daemon.log'), 'utf8');
    assert.match(log, /"msg":"closed"\}\n$/);
    assert.doesNotMatch(log, /and is left/);
  });

  test('that hangs after it has agreed: down kills it, says so, and the next one takes over', async () => {
    await using kapal = await TestKapal.start();
    await kapal.deploy(await kapal.project('site', { 'index.html': 'hello' }));
    const pid = kapal.daemon?.pid ?? 0;
    await using between = await stopAtShutdown(kapal, pid);
    const down = await kapal.runWith({ env: { KAPAL_DATA: between.data } }, 'down');
    assert.deepEqual([down.code, isAlive(pid)], [0, false], down.stderr);
    assert.match(
      down.stderr,
      new RegExp(`the daemon \\(pid ${pid}\\) hung at its end and was killed; nothing is lost`),
    );
    await kapal.killDaemon();
    await kapal.up();
    assert.equal((await kapal.visit('site.localhost')).body, 'hello');
  });
});

/** A way to the daemon on which its agreement to end is passed on when it can do nothing more (SIGSTOP). */
async function stopAtShutdown(kapal: TestKapal, pid: number): Promise<AsyncDisposable & { readonly data: string }> {
  const data = join(kapal.folder, 'between');
  await mkdir(data);
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const daemon = connect(join(kapal.data, 'kapal.sock'));
    let asked = '';
    client.on('data', (part: Buffer) => {
      asked += part.toString('latin1');
      daemon.write(part);
    });
    daemon.on('data', (part: Buffer) => {
      if (asked.includes('/shutdown')) send(pid, 'SIGSTOP');
      client.write(part);
    });
    for (const [one, other] of [
      [client, daemon],
      [daemon, client],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  server.listen(join(data, 'kapal.sock'));
  await once(server, 'listening');
  return {
    data,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
