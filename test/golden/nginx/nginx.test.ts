import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { renderConfiguration } from '../../../src/edge/nginx/config/render.ts';
import type { EngineSettings } from '../../../src/edge/nginx/config/settings.ts';
import { installEngine } from '../../../src/edge/nginx/engine.ts';
import { edgeFolder } from '../../../src/edge/nginx/folder.ts';
import { furnishFolder } from '../../../src/edge/nginx/furnish.ts';
import { locateNginx } from '../../../src/edge/nginx/locate.ts';

/** A server of its own, as root, on Debian. */
const server: EngineSettings = {
  http: { host: '::', port: 80 },
  https: { host: '::', port: 443 },
  workers: 2,
  user: { name: 'kapal-edge', group: 'kapal-edge' },
  modules: ['/usr/lib/nginx/modules/ndk_http_module.so', '/usr/lib/nginx/modules/ngx_http_lua_module.so'],
  luaPath: ['/usr/share/lua/5.1/?.lua'],
  luaCPath: ['/usr/lib/x86_64-linux-gnu/lua/5.1/?.so'],
  engine: 'engine-0123456789abcdef',
  descriptors: 20_480,
  tableMemory: 128,
  authorities: { kind: 'folder', path: '/etc/ssl/certs' },
};

/** A laptop without root, with Lua built into nginx and few descriptors. */
const laptop: EngineSettings = {
  ...server,
  http: { host: '127.0.0.1', port: 8080 },
  https: null,
  workers: 1,
  user: null,
  modules: [],
  luaPath: ['/opt/my lua/"5.1"/?.lua'],
  luaCPath: [],
  descriptors: 1024,
  tableMemory: 16,
  authorities: null,
};

/** Compares with the file; KAPAL_GOLDEN=write writes it instead. */
async function golden(name: string, text: string): Promise<void> {
  const path = fileURLToPath(new URL(name, import.meta.url));
  if (process.env['KAPAL_GOLDEN'] === 'write') await writeFile(path, text);
  assert.equal(text, await readFile(path, 'utf8'));
}

/** What nginx itself says about a configuration in a folder made for it: nothing where it is sound. */
async function nginxSays(text: string): Promise<string> {
  const nginx = await locateNginx();
  assert.ok(nginx.found);
  const root = mkdtempSync(join(tmpdir(), 'kapal-golden-'));
  try {
    const folder = edgeFolder(join(root, 'an edge'));
    mkdirSync(folder.path);
    await furnishFolder(folder, null);
    renameSync(join(folder.path, await installEngine(folder.path)), join(folder.path, server.engine));
    writeFileSync(folder.configuration, text);
    const args = ['-t', '-q', '-p', `${folder.path}/`, '-e', 'log/error.log', '-c', 'nginx.conf'];
    const { stderr } = spawnSync(nginx.program, args, { cwd: folder.path, encoding: 'utf8' });
    return stderr;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** The same without what this machine need not have: that user, those ports. */
async function settingsHere(settings: EngineSettings): Promise<EngineSettings> {
  const nginx = await locateNginx();
  assert.ok(nginx.found);
  const { modules, luaPath, luaCPath } = nginx;
  const http = { host: '127.0.0.1', port: 0 };
  const https = settings.https === null ? null : { host: '127.0.0.1', port: 0 };
  const user = process.getuid?.() === 0 ? { name: 'nobody', group: 'root' } : null;
  return {
    ...settings,
    http: { ...http, port: 18_080 },
    https: https && { ...https, port: 18_443 },
    user,
    modules,
    luaPath,
    luaCPath,
  };
}

describe('the rendered nginx.conf', () => {
  test('of a server', () => golden('server.conf', renderConfiguration(server).text));

  test('of a laptop, with difficult paths', () => golden('laptop.conf', renderConfiguration(laptop).text));

  test('is sound to nginx', async () => {
    assert.equal(await nginxSays(renderConfiguration(await settingsHere(server)).text), '');
    assert.equal(await nginxSays(renderConfiguration(await settingsHere(laptop)).text), '');
  });

  test('is refused by nginx where it is not', async () => {
    const { text } = renderConfiguration(await settingsHere(laptop));
    assert.match(await nginxSays(text.replace('server_tokens', 'server_token')), /unknown directive "server_token"/);
  });

  test('has a digest of its own for each content', () => {
    const digests = [server, laptop, { ...server, workers: 3 }].map((settings) => renderConfiguration(settings).digest);
    assert.equal(new Set(digests).size, 3);
    assert.equal(renderConfiguration({ ...server }).digest, digests[0]);
  });

  test('refuses a path that nginx would read as a variable', () => {
    assert.throws(() => renderConfiguration({ ...server, luaPath: ['/srv/$x/?.lua'] }), RangeError);
  });
});
