import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { TestKapal } from './kapal.ts';
import { processesOf, text } from './install.ts';

describe('the API over TCP', () => {
  test('lets in only who bears the token, at an address of this machine, from no other page', async () => {
    await using kapal = await TestKapal.start();
    const token = readFileSync(join(kapal.data, 'keys/api-token'), 'utf8').trim();
    const bearer = { authorization: `Bearer ${token}` };
    const get = (headers: Record<string, string>, path = '/api/v1/services', method = 'GET') =>
      call(kapal, { headers, path, method });

    assert.equal(await get(bearer), 200);
    for (const wrong of [
      {},
      { authorization: `Bearer ${token}x` },
      { authorization: `Bearer ${token.slice(0, -1)}` },
      { authorization: 'Bearer ' },
      { authorization: `Basic ${token}` },
      { authorization: token },
    ]) {
      for (const path of [
        '/api/v1/services',
        '/api/v1/status',
        '/api/v1/events',
        '/api/v1/services/x/variables?reveal=true',
        '/api/v1/edge/config',
      ])
        assert.equal(await get(wrong, path), 401, `${JSON.stringify(wrong)} ${path}`);
      for (const [method, path] of [
        ['POST', '/api/v1/shutdown'],
        ['DELETE', '/api/v1/projects/x'],
        ['POST', '/api/v1/deploys'],
        ['PUT', '/api/v1/sources/x'],
      ] as const)
        assert.equal(await get(wrong, path, method), 401, `${method} ${path}`);
    }
    assert.equal((await kapal.run('ps')).code, 0, 'it was not shut down');

    for (const host of [
      'evil.example.com',
      `evil.example.com:${kapal.api}`,
      'localhost.evil.example.com',
      '10.0.0.1',
      '127.0.0.1.evil.example.com',
    ])
      assert.equal(await get({ ...bearer, host }), 403, host);
    for (const host of [`127.0.0.1:${kapal.api}`, `localhost:${kapal.api}`])
      assert.equal(await get({ ...bearer, host }), 200, host);
    for (const origin of ['http://evil.example.com', 'null', 'http://127.0.0.1:1'])
      assert.equal(await get({ ...bearer, origin }, '/api/v1/services/x/restart', 'POST'), 403, origin);

    const remote = (KAPAL_TOKEN: string) =>
      kapal.runWith({ env: { KAPAL_API: `http://127.0.0.1:${kapal.api}`, KAPAL_TOKEN } }, 'ps', '--json');
    assert.equal((await remote(token)).code, 0);
    assert.equal((await remote('wrong')).code, 4);
    assert.equal((await remote('')).code, 4);
    assert.equal((await kapal.run('token')).stdout.trim(), token);
    for (const { pid } of processesOf(kapal)) assert.ok(!text(`/proc/${pid}/cmdline`).includes(token));
  });
});

function call(
  kapal: TestKapal,
  { headers, path, method }: { headers: Record<string, string>; path: string; method: string },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: kapal.api,
        path,
        method,
        headers: { ...headers, ...(method === 'GET' ? {} : { 'content-length': '0' }) },
        agent: false,
      },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}
