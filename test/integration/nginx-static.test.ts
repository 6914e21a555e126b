import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Edge } from '../../src/edge/port.ts';
import { get } from './edge-fixture.ts';
import { until } from '../patience.ts';
import { complaintsOf, NginxGround } from './nginx-ground.ts';

const nobody = { uid: 65534, gid: 65534 };
const host = 'files.test';

describe('files of a site behind nginx', () => {
  test('are sent by workers that own nothing, and a deploy replaces them under requests', {
    skip: process.getuid?.() === 0 ? false : 'needs root',
  }, async () => {
    await using ground = await NginxGround.make();
    ground.open();
    const edge = ground.edge({ account: nobody });
    await edge.ensure();
    await edge.apply(tableOf(1, site(ground, 'one')));
    assert.equal((await get(ground.port, '/', { headers: { host } })).body, 'one');
    const part = await get(ground.port, '/big.bin', { headers: { host, range: 'bytes=-4' } });
    assert.deepEqual([part.status, part.body], [206, 'one\n']);
    writeFileSync(join(ground.root, 'one', 'private.txt'), 'secret', { mode: 0o600 });
    assert.equal((await get(ground.port, '/private.txt', { headers: { host } })).status, 404);
    await edge.apply(tableOf(2, site(ground, 'two')));
    assert.equal((await get(ground.port, '/', { headers: { host } })).body, 'two');
    assert.deepEqual(complaintsOf(ground.folder), []);
  });

  test('leave no descriptor behind: whole, in part, unchanged, refused, and broken off', async () => {
    await using ground = await NginxGround.make();
    const edge = ground.edge();
    await edge.ensure();
    const root = site(ground, 'site');
    await edge.apply(tableOf(1, root));
    const { headers } = await get(ground.port, '/', { headers: { host } });
    const asks: readonly (readonly [string, Record<string, string>])[] = [
      ['/', {}],
      ['/big.bin', { range: 'bytes=5-9' }],
      ['/big.bin', { range: 'bytes=9999999999-' }],
      ['/big.bin', { 'if-match': '"other"' }],
      ['/', { 'if-none-match': headers.etag ?? '' }],
      ['/folder', {}],
      ['/nothing', {}],
      ['/.hidden', {}],
      ['/page.js', { 'accept-encoding': 'gzip, br' }],
      ['/page.js', { 'accept-encoding': 'br' }],
    ];
    for (let turn = 0; turn < 10; turn += 1) {
      for (const [path, more] of asks) await get(ground.port, path, { headers: { host, ...more } });
      await breakOff(ground.port);
    }
    await until('no file of the site open', async () => (await openFiles(edge, root)).length === 0);
    assert.deepEqual(complaintsOf(ground.folder), []);
  });
});

function tableOf(version: number, root: string): Parameters<Edge['apply']>[0] {
  const pool = { kind: 'static', id: 's', service: 'test/production/site', root, fallback: null } as const;
  return { version, routes: [{ host, path: '/', pool: 's' }], pools: [pool], streams: [] };
}

function site(ground: NginxGround, name: string): string {
  const root = join(ground.root, name);
  mkdirSync(join(root, 'folder'), { recursive: true });
  chmodSync(root, 0o755);
  const files = {
    'index.html': name,
    'folder/index.html': 'folder',
    'page.js': 'js',
    'page.js.gz': 'gz',
    '.hidden': 'x',
    'big.bin': `${'x'.repeat(8 << 20)}${name}\n`,
  };
  for (const [path, text] of Object.entries(files)) writeFileSync(join(root, path), text);
  return root;
}

/** Asks for the large file and leaves when its first bytes have come. */
async function breakOff(port: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port });
  let came = false;
  socket.on('error', () => undefined);
  socket.on('data', () => (came = true));
  socket.write(`GET /big.bin HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await until('its first bytes', () => came);
  socket.destroy();
}

async function openFiles(edge: Edge, root: string): Promise<string[]> {
  const { workers } = await edge.status();
  return workers.flatMap(({ pid }) =>
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        const path = readlinkSync(`/proc/${pid}/fd/${fd}`);
        return path.startsWith(root) ? [path] : [];
      } catch {
        return [];
      }
    }),
  );
}
