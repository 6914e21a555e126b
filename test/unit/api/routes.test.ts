import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { paths } from '../../../src/api/contract/paths.ts';
import {
  checked,
  digest,
  domain,
  finished,
  garbage,
  persistentDisk,
  running,
  service,
  status,
} from './recording-commands.ts';
import { askSocket, json, serve } from './serving.ts';

const at = { environment: 'staging' };
const api = 'shop/staging/api';
const folder = { kind: 'folder', digest, name: 'shop', git: null };

const changes: readonly {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
  readonly call: readonly [name: string, ...input: unknown[]];
  readonly answer: readonly [status: number, body: unknown];
}[] = [
  { method: 'GET', path: paths.status, call: ['status'], answer: [200, status] },
  {
    method: 'GET',
    path: paths.services({ environment: 'staging' }, 'api'),
    call: ['services', { environment: 'staging', service: 'api' }],
    answer: [200, [service]],
  },
  {
    method: 'POST',
    path: paths.deploys,
    body: { ...at, source: folder },
    call: ['deploy', { ...at, source: folder }],
    answer: [202, running],
  },
  {
    method: 'GET',
    path: paths.operation('op7'),
    call: ['operation', 'op7'],
    answer: [200, { ...finished, id: 'op7' }],
  },
  { method: 'GET', path: paths.releases('api', at), call: ['releases', api], answer: [200, []] },
  {
    method: 'POST',
    path: paths.rollback('api', at),
    body: { release: 3 },
    call: ['rollback', api, 3],
    answer: [202, { ...running, kind: 'rollback' }],
  },
  {
    method: 'POST',
    path: paths.rollback('api', at),
    body: { release: null },
    call: ['rollback', api, null],
    answer: [202, { ...running, kind: 'rollback' }],
  },
  {
    method: 'POST',
    path: paths.restart('api', at),
    call: ['restart', api],
    answer: [202, { ...running, kind: 'restart' }],
  },
  { method: 'POST', path: paths.stop('api', at), call: ['stop', api], answer: [202, { ...running, kind: 'stop' }] },
  { method: 'POST', path: paths.start('api', at), call: ['start', api], answer: [202, { ...running, kind: 'start' }] },
  {
    method: 'POST',
    path: paths.scale('api', at),
    body: { instances: 0 },
    call: ['scale', api, 0],
    answer: [202, { ...running, kind: 'scale' }],
  },
  { method: 'POST', path: paths.cancel('api', at), call: ['cancel', api], answer: [204, null] },
  {
    method: 'GET',
    path: paths.variables('api', at),
    call: ['variables', api, false],
    answer: [200, [{ key: 'KEY', source: 'set', value: null }]],
  },
  {
    method: 'GET',
    path: paths.variables('api', at, true),
    call: ['variables', api, true],
    answer: [200, [{ key: 'KEY', source: 'set', value: 'value' }]],
  },
  {
    method: 'PATCH',
    path: paths.variables('new', { ...at, project: 'shop' }),
    body: { changes: { A: 'b', C: null } },
    call: ['setVariables', { project: 'shop', environment: 'staging', service: 'new' }, { A: 'b', C: null }],
    answer: [202, { operation: null }],
  },
  {
    method: 'PUT',
    path: paths.domain('api', '*.example.com', at),
    call: ['addDomain', api, '*.example.com', {}],
    answer: [200, { ...domain, host: '*.example.com' }],
  },
  {
    method: 'PUT',
    path: paths.domain('api', 'a.example.com/v1', at),
    body: { acme: true },
    call: ['addDomain', api, 'a.example.com/v1', { acme: true }],
    answer: [200, { ...domain, host: 'a.example.com/v1' }],
  },
  {
    method: 'GET',
    path: paths.domainCheck('api', 'a.example.com', at),
    call: ['checkDomain', api, 'a.example.com'],
    answer: [200, checked],
  },
  {
    method: 'DELETE',
    path: paths.domain('api', 'a.example.com', at),
    call: ['removeDomain', api, 'a.example.com'],
    answer: [204, null],
  },
  { method: 'GET', path: paths.edgeConfig, call: ['edgeConfig'], answer: [200, { text: 'listen 80' }] },
  { method: 'GET', path: paths.edgeCheck, call: ['edgeCheck'], answer: [200, { problems: [] }] },
  {
    method: 'DELETE',
    path: paths.project('shop'),
    call: ['removeProject', 'shop', { withDisks: false }],
    answer: [204, null],
  },
  {
    method: 'DELETE',
    path: paths.project('shop', true),
    call: ['removeProject', 'shop', { withDisks: true }],
    answer: [204, null],
  },
  {
    method: 'POST',
    path: paths.gc,
    body: { dryRun: true },
    call: ['collectGarbage', true],
    answer: [200, { ...garbage, dryRun: true }],
  },
  {
    method: 'GET',
    path: paths.disks({ project: 'shop' }),
    call: ['persistentDisks', { project: 'shop' }],
    answer: [200, [persistentDisk]],
  },
  {
    method: 'DELETE',
    path: paths.disk(persistentDisk, 'data'),
    call: ['removeDisk', 'shop/production/api', 'data'],
    answer: [204, null],
  },
  { method: 'POST', path: paths.shutdown, body: { apps: true }, call: ['shutdown', true], answer: [204, null] },
];

describe('routes', () => {
  for (const { method, path, body, call, answer } of changes) {
    test(`${method} ${path} asks for ${call[0]}`, async () => {
      await using served = await serve();
      const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: json };
      const { status: code, text } = await askSocket(served, path, { method, ...sent });
      assert.deepEqual([code, text === '' ? null : JSON.parse(text)], answer);
      const made = served.calls.find(({ name }) => name === call[0]);
      assert.deepEqual([made?.name, ...(made?.input ?? [])], call);
    });
  }

  test('logs take moments, patterns and cursors', async () => {
    await using served = await serve();
    const before = Date.now() - 600_000;
    const { text } = await askSocket(served, paths.logs('api', { ...at, since: '10m', grep: 'err|warn', limit: '5' }));
    assert.equal((JSON.parse(text) as unknown[]).length, 2);
    const [service, query] = served.calls.find(({ name }) => name === 'logs')?.input ?? [];
    const { since, ...rest } = query as { since: number };
    assert.equal(service, api);
    assert.deepEqual(rest, { grep: 'err|warn', limit: 5 });
    assert.ok(since >= before && since <= Date.now() - 600_000, String(since));
    await askSocket(served, paths.logs('api', { ...at, since: '2026-01-31T08:00:00Z' }));
    const [, dated] = served.calls.findLast(({ name }) => name === 'logs')?.input ?? [];
    assert.deepEqual(dated, { since: Date.UTC(2026, 0, 31, 8), limit: 200 });
  });
});

describe('failures', () => {
  const failing: readonly [
    path: string,
    asking: Parameters<typeof askSocket>[2],
    status: number,
    code: string,
    message: RegExp,
  ][] = [
    ['/api/v1/nothing', {}, 404, 'not_found', /no GET \/api\/v1\/nothing/],
    ['/', {}, 404, 'not_found', /no GET \//],
    ['/%zz', {}, 400, 'usage', /url/i],
    [paths.restart('web', at), { method: 'POST' }, 404, 'not_found', /no service web/],
    [paths.deploys, { method: 'POST', headers: json, body: '{' }, 400, 'usage', /JSON/],
    [
      paths.deploys,
      { method: 'POST', headers: json, body: '{}' },
      400,
      'usage',
      /body\.environment: .*string.*; body\.source: /,
    ],
    [
      paths.deploys,
      { method: 'POST', headers: json, body: JSON.stringify({ environment: 'A b', source: folder }) },
      400,
      'usage',
      /body\.environment: expected lower-case/,
    ],
    [
      paths.deploys,
      { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' },
      415,
      'usage',
      /media type/i,
    ],
    [
      paths.scale('api', at),
      { method: 'POST', headers: json, body: '{"instances":-1}' },
      400,
      'usage',
      /body\.instances: /,
    ],
    [
      paths.logs('api', { ...at, since: 'yesterday' }),
      {},
      400,
      'usage',
      /since: "yesterday" is no moment: expected a duration such as/,
    ],
    [paths.logs('api', { ...at, limit: 'x' }), {}, 400, 'usage', /querystring\.limit: .*number/],
    [paths.source('sha256-xyz'), { method: 'HEAD' }, 400, '', /^/],
    [paths.source(digest), { method: 'HEAD' }, 404, '', /^/],
    [paths.source(digest), { method: 'PUT', headers: json, body: '{}' }, 400, 'usage', /application\/x-tar/],
  ];
  for (const [path, asking, expected, code, message] of failing) {
    test(`${asking?.method ?? 'GET'} ${path} ${asking?.body ?? ''} is ${expected}`, async () => {
      await using served = await serve();
      const { status: answered, text, headers } = await askSocket(served, path, asking);
      assert.equal(answered, expected, text);
      if (code === '') return;
      const { error } = JSON.parse(text) as { error: { code: string; message: string; hint: unknown; log: unknown } };
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.ok(Array.isArray(error.log));
      assert.match(String(headers['content-type']), /^application\/json/);
      assert.deepEqual(served.faults, []);
    });
  }

  test('a body of more than 1 MiB is refused', async () => {
    await using served = await serve();
    const body = JSON.stringify({ changes: { A: 'x'.repeat(1024 * 1024) } });
    const { status: code, text } = await askSocket(served, paths.variables('api', at), {
      method: 'PATCH',
      headers: json,
      body,
    });
    assert.equal(code, 413);
    assert.match(text, /"code":"usage"/);
  });

  test('a fault of ours says that it is one, and the log says which', async () => {
    await using served = await serve({ status: () => Promise.reject(new Error('secret path /root/x')) });
    const { status: code, text } = await askSocket(served, paths.status);
    assert.equal(code, 500);
    assert.doesNotMatch(text, /secret|stack|\bat /);
    assert.match(text, /"code":"internal"/);
    assert.equal(served.faults.length, 1);
  });

  test('an answer that is not of its shape is a fault of ours', async () => {
    await using served = await serve({ status: async () => ({ ...status, pid: 'one' }) as never });
    const { status: code, text } = await askSocket(served, paths.status);
    assert.equal(code, 500);
    assert.match(text, /"code":"internal"/);
  });
});
