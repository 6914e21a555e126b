import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type {
  DomainDocument,
  FailureDocument,
  ServiceDocument,
  VariablesChanged,
} from '../../src/api/contract/types.ts';
import { webApp } from './apps.ts';
import { TestKapal } from './kapal.ts';

/** Where a service answers: environments, projects, domains. */
describe('host names', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
    await kapal.deploy(await project('shop', 'the shop'));
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  const project = (name: string, text: string, fields: Readonly<Record<string, unknown>> = {}) => {
    const service = { type: 'web', name: 'api', runtime: 'node', startCommand: 'node server.js', ...fields };
    return kapal.project(name, {
      ...webApp(text),
      'kapal.yaml': JSON.stringify({ project: name, services: [service] }),
    });
  };
  const says = async (host: string) => (await kapal.visit(host)).body;
  const status = async (host: string) => (await kapal.visit(host)).status;
  const refused = async (words: readonly string[], code: number) =>
    (await kapal.json<FailureDocument>(words, code)).error;

  test('an environment of its own: another host, other releases, other values', async () => {
    await kapal.json<VariablesChanged>(['env', 'set', 'api', 'LEVEL=debug', '-e', 'staging']);
    const document = await kapal.deploy(await project('shop', 'staged'), '-e', 'staging');
    assert.equal(document.environment, 'staging');
    assert.deepEqual(document.services[0]?.urls, [`http://api-staging.localhost:${kapal.http}`]);
    assert.equal(document.services[0]?.release, 1);
    assert.deepEqual([await says('api-staging.localhost'), await says('api.localhost')], ['staged', 'the shop']);
    assert.equal((await kapal.visit('api-staging.localhost', '/env/LEVEL')).body, 'debug');
    assert.equal((await kapal.visit('api.localhost', '/env/LEVEL')).body, '(unset)');
    const everywhere = await kapal.ps();
    assert.deepEqual(
      everywhere.map(({ environment }) => environment),
      ['production', 'staging'],
    );
    const staged = await kapal.json<readonly ServiceDocument[]>(['ps', '-e', 'staging']);
    assert.deepEqual(
      staged.map(({ environment }) => environment),
      ['staging'],
    );
    assert.equal((await kapal.runWith({ env: { KAPAL_ENVIRONMENT: 'staging' } }, 'stop', 'api')).code, 0);
    assert.deepEqual([await status('api-staging.localhost'), await status('api.localhost')], [503, 200]);
  });

  test('two projects with a service of one name: the second has its project in the host', async () => {
    const document = await kapal.deploy(await project('bank', 'the bank'));
    assert.deepEqual(document.services[0]?.urls, [`http://api-bank.localhost:${kapal.http}`]);
    assert.deepEqual([await says('api-bank.localhost'), await says('api.localhost')], ['the bank', 'the shop']);
    await kapal.deploy(await project('bank', 'the bank again'));
    assert.equal(await says('api-bank.localhost'), 'the bank again', 'a name once given stays');
  });

  test('a name that several projects have is ambiguous, and says how to be clear', async () => {
    for (const words of [
      ['releases', 'api'],
      ['restart', 'api'],
      ['logs', 'api'],
      ['env', 'set', 'api', 'A=1'],
      ['domain', 'add', 'api', 'x.test'],
    ]) {
      const error = await refused(words, 2);
      assert.equal(error.code, 'ambiguous', words.join(' '));
      assert.match(error.message, /2 projects have a service api/);
      assert.match(error.hint ?? '', /--project (bank|shop)/);
    }
    assert.equal((await kapal.run('restart', 'api', '--project', 'bank')).code, 0);
    assert.equal((await kapal.runWith({ env: { KAPAL_PROJECT: 'bank' } }, 'releases', 'api')).code, 0);
    assert.equal((await kapal.json<readonly ServiceDocument[]>(['ps', 'api', '--project', 'bank'])).length, 1);
  });

  test('--project names another project for the same folder', async () => {
    const document = await kapal.deploy(await project('shop', 'a copy'), '--project', 'copy');
    assert.equal(document.project, 'copy');
    assert.equal(await says('api-copy.localhost'), 'a copy');
    assert.equal(await says('api.localhost'), 'the shop');
    const { code } = await refused(['deploy', await project('shop', 'a copy'), '--project', 'No Good'], 2);
    assert.equal(code, 'usage');
  });

  test('domain add answers at once, in any case of letters; domain remove ends it', async () => {
    await kapal.json(['domain', 'add', 'api', 'Toko.Example.COM', '--project', 'shop']);
    assert.equal(await says('toko.example.com'), 'the shop');
    assert.equal(await says('TOKO.example.com'), 'the shop');
    assert.equal(await status('other.example.com'), 404);
    const listed = await kapal.json<readonly DomainDocument[]>(['domain', 'list', 'api', '--project', 'shop']);
    assert.deepEqual(
      listed.map(({ host, path, source, url }) => ({ host, path, source, url })),
      [
        { host: 'toko.example.com', path: '/', source: 'added', url: `http://toko.example.com:${kapal.http}` },
        { host: 'api.localhost', path: '/', source: 'default', url: `http://api.localhost:${kapal.http}` },
      ],
    );
    assert.match(listed[0]?.certificate.hint ?? '', /--acme-email/);
    await kapal.json(['domain', 'remove', 'api', 'toko.example.com', '--project', 'shop']);
    assert.equal(await status('toko.example.com'), 404);
    assert.equal(
      (await refused(['domain', 'remove', 'api', 'toko.example.com', '--project', 'shop'], 1)).code,
      'not_found',
    );
    assert.equal(
      (await refused(['domain', 'add', 'api', 'http://x.test/', '--project', 'shop'], 2)).code,
      'name_invalid',
    );
  });

  test('declared domains come and go with the declaration, added ones stay', async () => {
    await kapal.json(['domain', 'add', 'api', 'added.test', '--project', 'shop']);
    await kapal.deploy(await project('shop', 'the shop', { domains: ['one.test', 'two.test'] }));
    assert.deepEqual(
      [await says('one.test'), await says('two.test'), await says('added.test')],
      Array(3).fill('the shop'),
    );
    const declared = await refused(['domain', 'remove', 'api', 'one.test', '--project', 'shop'], 1);
    assert.deepEqual([declared.code, /declaration/.test(declared.message)], ['conflict', true]);
    await kapal.deploy(await project('shop', 'the shop', { domains: ['two.test'] }));
    assert.deepEqual([await status('one.test'), await status('two.test'), await status('added.test')], [404, 200, 200]);
  });

  test('a domain that another service holds is refused, by command and by declaration, before a build', async () => {
    const added = await refused(['domain', 'add', 'api', 'two.test', '--project', 'bank'], 1);
    assert.equal(added.code, 'domain_taken');
    assert.match(added.message, /shop/);
    const other = await refused(['domain', 'add', 'api', 'api.localhost', '--project', 'bank'], 1);
    assert.equal(other.code, 'domain_taken');
    const release = (await kapal.json<readonly ServiceDocument[]>(['ps', 'api', '--project', 'bank']))[0]?.release;
    const declared = await refused(['deploy', await project('bank', 'thief', { domains: ['two.test'] })], 1);
    assert.equal(declared.code, 'domain_taken');
    assert.equal(
      (await kapal.json<readonly ServiceDocument[]>(['ps', 'api', '--project', 'bank']))[0]?.release,
      release,
    );
    assert.equal(await says('two.test'), 'the shop');
  });

  test('a service that is not there in this environment: where there is one', async () => {
    const error = await refused(['logs', 'api', '-e', 'qa', '--project', 'shop'], 1);
    assert.equal(error.code, 'not_found');
    assert.match(error.hint ?? '', /project shop, environment (production|staging)/);
  });
});

test('up --domain is the base of every name', async () => {
  await using kapal = await TestKapal.prepare();
  await kapal.up(['--domain', 'apps.test']);
  const document = await kapal.deploy(await kapal.project('shop', webApp('the shop')));
  assert.deepEqual(document.services[0]?.urls, [`http://shop.apps.test:${kapal.http}`]);
  assert.equal((await kapal.visit('shop.apps.test')).body, 'the shop');
  assert.equal((await kapal.visit('shop.localhost')).status, 404);
});
