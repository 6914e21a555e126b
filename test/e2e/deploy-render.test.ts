import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FailureDocument, PlanDocument, VariableDocument } from '../../src/api/contract/types.ts';
import { webApp } from './apps.ts';
import { TestKapal } from './kapal.ts';

/** Written for Render, with what a repository there usually says: a plan, a region, previews. */
const blueprint = `
previews:
  generation: off
envVarGroups:
  - name: settings
    envVars:
      - key: TIMEZONE
        value: Asia/Jakarta
services:
  - type: web
    name: api
    runtime: node
    region: singapore
    plan: starter
    repo: https://github.com/someone/shop
    branch: main
    autoDeploy: false
    buildCommand: echo built
    startCommand: node server.js
    healthCheckPath: /healthz
    numInstances: 2
    maxShutdownDelaySeconds: 5
    envVars:
      - key: NODE_ENV
        value: production
      - key: SESSION_SECRET
        generateValue: true
      - key: SITE_HOST
        fromService: {type: web, name: site, property: host}
        value: ignored
      - fromGroup: settings
  - type: web
    name: site
    runtime: static
    buildCommand: mkdir -p public && echo '<h1>site</h1>' > public/index.html
    staticPublishPath: ./public
    routes:
      - type: rewrite
        source: /*
        destination: /index.html
`;

describe('a render.yaml as it is', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  const shop = (text: string) => kapal.project('shop', { ...webApp('api'), 'render.yaml': text });
  const sound = blueprint.replace(
    '        fromService: {type: web, name: site, property: host}\n        value: ignored\n',
    '        value: localhost\n',
  );

  test('what contradicts itself is refused where it stands', async () => {
    const { error } = await kapal.json<FailureDocument>(['deploy', await shop(blueprint)], 2);
    assert.equal(error.code, 'declaration_invalid');
    assert.match(error.message, /render\.yaml:\d+:\d+: .*SITE_HOST|render\.yaml:\d+:\d+: .*sources of its value/);
  });

  test("plan warns by name of what means nothing on a server of one's own", async () => {
    const plan = await kapal.json<PlanDocument>(['plan', await shop(sound)]);
    assert.equal(plan.origin, 'render.yaml');
    for (const field of ['region', 'plan', 'branch', 'repo', 'previews']) {
      assert.ok(
        plan.warnings.some((warning) => /^render\.yaml:\d+:\d+: /.test(warning) && warning.includes(field)),
        `${field} in ${plan.warnings.join('\n')}`,
      );
    }
    assert.deepEqual(
      plan.changes.map(({ service, action }) => [service, action]),
      [
        ['api', 'create'],
        ['site', 'create'],
      ],
    );
  });

  test('it deploys: 2 instances behind a health check, and a single-page site', async () => {
    const ran = await kapal.run('deploy', await shop(sound));
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stderr, /render\.yaml:\d+:\d+: .*region/);
    assert.equal((await kapal.service('api')).instances.length, 2);
    assert.equal((await kapal.visit('api.localhost', '/env/TIMEZONE')).body, 'Asia/Jakarta');
    assert.equal((await kapal.visit('api.localhost', '/env/NODE_ENV')).body, 'production');
    assert.equal((await kapal.service('site')).type, 'static');
    const route = await kapal.visit('site.localhost', '/any/route', { headers: { accept: 'text/html' } });
    assert.deepEqual([route.status, route.body.trim()], [200, '<h1>site</h1>']);
    const variables = await kapal.json<readonly VariableDocument[]>(['env', 'list', 'api']);
    assert.deepEqual(
      variables.map(({ key, source }) => [key, source]),
      [
        ['NODE_ENV', 'declared'],
        ['SESSION_SECRET', 'generated'],
        ['SITE_HOST', 'declared'],
        ['TIMEZONE', 'group settings'],
      ],
    );
  });

  test('what this version does not do is refused by name with line and column', async () => {
    const unable = `${sound}  - {type: workflow, name: nightly, runtime: node}\ndatabases:\n  - {name: main}\n`;
    const { error } = await kapal.json<FailureDocument>(['deploy', await shop(unable)], 2);
    assert.match(error.message, /render\.yaml:\d+:\d+: .*workflows/);
    assert.match(error.message, /render\.yaml:\d+:\d+: .*databases/);
  });
});
