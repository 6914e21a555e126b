import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { exportProcfile } from '../../../src/convert/export/procfile.ts';
import { exportRender } from '../../../src/convert/export/render.ts';
import type { Spec } from '../../../src/spec/spec.ts';
import { read } from '../spec/source.ts';
import { importing, node, specOf } from './converting.ts';

const runs = { numRuns: 25 };

/** What both ends must agree about: not where it was read, nor what was warned of. */
function said({ services, groups }: Spec): unknown {
  return { services, groups };
}

const name = fc.stringMatching(/^[a-z]([a-z0-9-]{0,10}[a-z0-9])?$/);
const command = fc.oneof(
  fc.constantFrom('npm start', 'node a.js --x "$A" \'b\' 100% # c', 'a\nb: c', '- x', '{x}', '"q"', '007', 'true'),
  fc.stringMatching(/^[!-~][ -~]{0,30}[!-~]$/),
);
const key = fc.constantFrom('LEVEL', 'NODE_ENV', 'A_1', 'URL', '_x');
const text = fc.oneof(
  fc.constantFrom(
    '',
    'yes',
    '1.10',
    '0x1',
    'null',
    ' a ',
    'a\nb',
    '#',
    '"',
    '~',
    '@x',
    'ä',
    '2026-01-01',
    '1_000',
    '12:30',
  ),
  fc.string({ maxLength: 12 }).filter((one) => !one.includes('\0')),
);

const variable = fc.oneof(
  fc.record({ key, value: text }),
  fc.record({ key, generateValue: fc.constant(true) }),
  fc.record({ key, sync: fc.constant(false) }),
);
const variables = fc.uniqueArray(variable, { maxLength: 4, selector: (one) => one.key });

const running = fc.record(
  {
    type: fc.constantFrom('web', 'pserv', 'worker'),
    name,
    startCommand: command,
    buildCommand: command,
    preDeployCommand: command,
    numInstances: fc.integer({ min: 1, max: 500 }),
    maxShutdownDelaySeconds: fc.integer({ min: 1, max: 300 }),
    envVars: variables,
  },
  { requiredKeys: ['type', 'name', 'startCommand'] },
);
const web = fc.record(
  {
    type: fc.constant('web'),
    name,
    startCommand: command,
    healthCheckPath: fc.stringMatching(/^\/[a-z?=&%]{0,10}$/),
    domains: fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}\.example\.com$/), { maxLength: 2 }),
    ipAllowList: fc.constantFrom([{ source: '10.0.0.0/8' }], [{ source: '192.0.2.1' }, { source: '2001:db8::/32' }]),
    maintenanceMode: fc.constant({ enabled: true }),
    envVars: variables,
  },
  { requiredKeys: ['type', 'name', 'startCommand'] },
);
const site = fc.record(
  {
    type: fc.constant('static'),
    name,
    staticPublishPath: fc.constantFrom('dist', 'a b/c', '.'),
    staticFallback: fc.constantFrom('index.html', 'app/main.html'),
    routes: fc.constantFrom(
      [{ type: 'redirect', source: '/a/:b', destination: '/c/:b?d=1' }],
      [{ type: 'rewrite', source: '/x', destination: '/y' }],
    ),
    headers: fc.constantFrom(
      [{ path: '/*', name: 'X-A', value: 'b' }],
      [{ path: '/a/*', name: 'x-c', value: 'd "e"' }],
    ),
    buildCommand: command,
  },
  { requiredKeys: ['type', 'name', 'staticPublishPath'] },
);
const declaration = fc.record({
  services: fc.uniqueArray(fc.oneof(running, web, site), { minLength: 1, maxLength: 4, selector: (one) => one.name }),
  envVarGroups: fc.constantFrom([], [{ name: 'shared', envVars: [{ key: 'LEVEL', value: '1' }] }]),
});

describe('what Render can say comes back the same', () => {
  test('kapal.yaml -> render.yaml, read as it is', () => {
    fc.assert(
      fc.property(declaration, (declared) => {
        const spec = distinct(declared);
        if (spec === null) return;
        const [file] = exportRender(spec).files;
        assert.deepEqual(said(read({ ...node, 'render.yaml': file?.text ?? '' })), said(spec));
      }),
      runs,
    );
  });

  test('kapal.yaml -> render.yaml -> kapal.yaml', () => {
    fc.assert(
      fc.property(declaration, (declared) => {
        const spec = distinct(declared);
        if (spec === null) return;
        const [file] = exportRender(spec).files;
        const back = importing('render', { tree: { 'render.yaml': file?.text ?? '' } });
        assert.deepEqual(said(specOf(back)), said(spec));
        assert.deepEqual(
          back.notes.filter(({ kind }) => kind === 'refused'),
          [],
        );
      }),
      runs,
    );
  });

  test('references, too', () => {
    const text = `services:
  - {type: web, name: api, startCommand: a, envVars: [{fromGroup: g}, {key: M, fromService: {name: mail, property: hostport}}, {key: L, fromService: {name: mail, envVarKey: L}}]}
  - {type: pserv, name: mail, startCommand: b, envVars: [{key: L, value: x}]}
envVarGroups: [{name: g, envVars: [{key: A, generateValue: true}, {key: B, sync: false}]}]
`;
    const spec = read({ ...node, 'kapal.yaml': text });
    const exported = exportRender(spec);
    assert.deepEqual(said(read({ ...node, 'render.yaml': exported.files[0]?.text ?? '' })), said(spec));
    // Render wants the type of what is referred to.
    assert.match(exported.files[0]?.text ?? '', /fromService:\n\s+type: pserv\n\s+name: mail\n/);
  });

  test('what starts at the top of a workspace stays there, on both ways', () => {
    const tree = { 'package.json': '{"workspaces":["apps/*"]}', 'apps/api/package.json': '{"scripts":{"start":"x"}}' };
    const service = { type: 'web', name: 'api', rootDir: '.', startCommand: 'npm start -w api' };
    const spec = read({ ...tree, 'kapal.yaml': stringify({ services: [service] }) });
    assert.equal(spec.services[0]?.rootDir, '.');
    const [file] = exportRender(spec).files;
    assert.deepEqual(said(read({ ...tree, 'render.yaml': file?.text ?? '' })), said(spec));
    const back = importing('render', { tree: { 'render.yaml': file?.text ?? '', ...tree } });
    assert.deepEqual(said(read({ ...tree, 'kapal.yaml': back.declaration })), said(spec));
  });

  test('disks, wherever they are seen', () => {
    const disks = ['/var/data', 'data', '/opt/render/project/src/up/files'];
    const services = disks.map((path, index) => ({
      type: 'web',
      name: `s${index}`,
      startCommand: 'a',
      disk: { name: `d${index}`, mountPath: path, sizeGB: index + 1 },
    }));
    const spec = read({ ...node, 'kapal.yaml': stringify({ services }) });
    assert.deepEqual(said(read({ ...node, 'render.yaml': exportRender(spec).files[0]?.text ?? '' })), said(spec));
  });
});

/** `null` where two services want the same domain, which is a mistake and no matter of this test. */
function distinct(declared: { readonly services: readonly object[] }): Spec | null {
  const domains = declared.services.flatMap((service) =>
    'domains' in service && Array.isArray(service.domains) ? service.domains.map(String) : [],
  );
  if (new Set(domains).size !== domains.length) return null;
  return read({ ...node, 'kapal.yaml': stringify(declared) });
}

describe('what a Procfile can say comes back the same', () => {
  const line = fc.stringMatching(/^[!-~][ -~]{0,30}[!-~]$/);
  const lines = fc.record({ web: line, release: line, clock: line, mail: line }, { requiredKeys: ['web'] });

  test('Procfile -> detected -> Procfile, and over kapal.yaml', () => {
    fc.assert(
      fc.property(lines, (processes) => {
        const Procfile = Object.entries(processes)
          .map(([process, run]) => `${process}: ${run}\n`)
          .join('');
        const spec = read({ ...node, Procfile });
        const [file] = exportProcfile(spec).files;
        assert.deepEqual(said(read({ ...node, Procfile: file?.text ?? '' })), said(spec));
        assert.deepEqual(said(specOf(importing('procfile', { tree: { Procfile } }))), said(spec));
      }),
      runs,
    );
  });
});
