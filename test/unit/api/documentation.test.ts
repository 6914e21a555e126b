import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { paths } from '../../../src/api/contract/paths.ts';
import { errorDocs } from '../../../scripts/write-error-docs.ts';
import { askTcp, serve } from './serving.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

interface Described {
  readonly openapi: string;
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<string, { operationId?: string; summary?: string; responses: Record<string, { description: string }> }>
      >
    >
  >;
  readonly components: { readonly schemas: Readonly<Record<string, Json>> };
}

async function described(): Promise<{ document: Described; text: string }> {
  await using served = await serve();
  const { text, headers } = await askTcp(served, '/api/openapi.json');
  assert.match(String(headers['content-type']), /application\/json/);
  return { document: JSON.parse(text) as Described, text };
}

function walk(value: Json, visit: (value: Json, path: string) => void, path = '#'): void {
  visit(value, path);
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) walk(inner as Json, visit, `${path}/${key}`);
}

describe('the OpenAPI document', () => {
  test('names every path of the contract', async () => {
    const { document } = await described();
    assert.equal(document.openapi, '3.1.0');
    const known = Object.keys(document.paths).map((path) => path.replaceAll(/\{\w+\}/g, 'x'));
    const at = { environment: 'x' };
    const built = [
      paths.status,
      paths.shutdown,
      paths.deploys,
      paths.plans,
      paths.events,
      paths.edgeConfig,
      paths.edgeCheck,
      paths.source('x'),
      paths.operation('x'),
      paths.operationEvents('x'),
      paths.project('x'),
      paths.gc,
      paths.disks({}),
      paths.disk({ project: 'x', environment: 'x', service: 'x' }, 'x'),
      paths.repositories,
      paths.hooks,
      paths.hook('x'),
      paths.called('x'),
      paths.repository('x'),
      paths.services({}),
      paths.jobs({}),
      paths.job('x'),
      paths.jobInput('x'),
      paths.jobTerminal('x'),
      ...(
        [
          'releases',
          'runJob',
          'runs',
          'rollback',
          'restart',
          'stop',
          'start',
          'scale',
          'cancel',
          'variables',
          'domains',
          'logs',
        ] as const
      ).map((name) => paths[name]('x', at)),
      paths.domain('x', 'x', at),
      paths.domainCheck('x', 'x', at),
    ].map((path) => path.split('?')[0] ?? path);
    assert.deepEqual(new Set(built), new Set(known));
  });

  test('says of every operation what it does and what it answers', async () => {
    const { document } = await described();
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    for (const { operationId, summary, responses } of operations) {
      assert.ok(operationId !== undefined && summary !== undefined);
      assert.ok('4XX' in responses && '5XX' in responses, operationId);
      assert.ok(
        Object.keys(responses).some((status) => status.startsWith('2')),
        operationId,
      );
      for (const { description } of Object.values(responses)) assert.notEqual(description, 'Default Response');
    }
    assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length);
  });

  test('has no reference that leads nowhere, no empty schema, and each shape once', async () => {
    const { document, text } = await described();
    const names = Object.keys(document.components.schemas);
    walk(document as unknown as Json, (value, path) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
      assert.notDeepEqual(value, {}, path);
      const reference = (value as Record<string, Json>)['$ref'];
      if (typeof reference === 'string')
        assert.ok(names.includes(reference.replace('#/components/schemas/', '')), `${path}: ${reference}`);
    });
    for (const name of names) assert.ok(!name.endsWith('Input'), name);
    for (const name of ['Service', 'Deploy', 'Operation', 'Failure'])
      assert.ok(text.includes(`"#/components/schemas/${name}"`), name);
  });

  test('describes every field of every shape', async () => {
    const { document } = await described();
    const bare: string[] = [];
    for (const [name, schema] of Object.entries(document.components.schemas)) {
      const { properties = {} } = schema as { properties?: Record<string, { description?: string }> };
      for (const [field, { description }] of Object.entries(properties))
        if (description === undefined) bare.push(`${name}.${field}`);
    }
    assert.deepEqual(bare, []);
  });
});

test('the pages to read it are there without a token, and load nothing from elsewhere', async () => {
  await using served = await serve();
  for (const path of ['/api/docs', '/api/docs/']) {
    const { status, text, headers } = await askTcp(served, path);
    assert.equal(status, 200, path);
    assert.doesNotMatch(text, /(?:src|href)="(?:https?:)?\/\//);
    assert.ok(headers['content-security-policy'] !== undefined);
  }
  assert.equal((await askTcp(served, '/api/docs/static/swagger-ui.css')).status, 200);
  assert.equal((await askTcp(served, '/api/docs/json')).status, 200);
  assert.equal((await askTcp(served, '/api/docs/../v1/status')).status, 404);
});

test('docs/errors.md is what the catalogue says', async () => {
  const written = await readFile(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  assert.equal(written, errorDocs(), 'run: scripts/node24 scripts/write-error-docs.ts');
});
