import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FailureDocument, LogDocument, ReleaseDocument, VariableDocument } from '../../src/api/contract/types.ts';
import { webApp } from './apps.ts';
import { until } from '../patience.ts';
import { TestKapal } from './kapal.ts';

const declaration = `
project: bank
services:
  - type: web
    name: teller
    runtime: node
    startCommand: node server.js
    buildCommand: 'echo "token is $TOKEN"'
    envVars:
      - {key: SESSION_KEY, generateValue: true}
      - {key: TOKEN, sync: false}
      - {key: GREETING, value: halo}
`;

const token = 's3cr3t-of-the-bank';

/** Values: asked for, generated, set, shown to who asks for them, and nowhere else. */
describe('variables', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  const bank = (text: string) => kapal.project('bank', { ...webApp(text), 'kapal.yaml': declaration });
  const value = async (key: string) => (await kapal.visit('teller.localhost', `/env/${key}`)).body;
  const set = (input: string, ...words: readonly string[]) => kapal.runWith({ input }, 'env', 'set', ...words);

  test('sync: false without a value is refused before the build, with the command that sets it', async () => {
    const { error } = await kapal.json<FailureDocument>(['deploy', await bank('one')], 2);
    assert.equal(error.code, 'variable_missing');
    assert.match(error.message, /teller TOKEN/);
    assert.match(error.hint ?? '', /kapal env set teller TOKEN=/);
    assert.deepEqual(await kapal.ps(), []);
  });

  test('env set works before the first deploy and reads a value from stdin', async () => {
    const ran = await set(`${token}\n`, 'teller', 'TOKEN=-');
    assert.equal(ran.code, 0, ran.stderr);
    assert.doesNotMatch(ran.stdout + ran.stderr, new RegExp(token));
    const document = await kapal.deploy(await bank('one'));
    assert.equal(document.services[0]?.outcome, 'live');
    assert.equal(await value('TOKEN'), token);
    assert.equal(await value('GREETING'), 'halo');
  });

  test('a generated value is the same after every deploy', async () => {
    const first = await value('SESSION_KEY');
    assert.ok(Buffer.from(first, 'base64').length >= 32);
    await kapal.deploy(await bank('two'));
    assert.equal((await kapal.visit('teller.localhost')).body, 'two');
    assert.equal(await value('SESSION_KEY'), first);
  });

  test('env list shows names and where they come from; values only with --reveal', async () => {
    const hidden = await kapal.json<readonly VariableDocument[]>(['env', 'list', 'teller']);
    assert.deepEqual(
      hidden.map(({ key, source, value: shown }) => [key, source, shown]),
      [
        ['GREETING', 'declared', null],
        ['SESSION_KEY', 'generated', null],
        ['TOKEN', 'set', null],
      ],
    );
    const plain = await kapal.run('env', 'list', 'teller');
    assert.match(plain.stdout, /TOKEN +set/);
    assert.doesNotMatch(plain.stdout, new RegExp(`${token}|halo`));
    const revealed = await kapal.json<readonly VariableDocument[]>(['env', 'list', 'teller', '--reveal']);
    assert.equal(revealed.find(({ key }) => key === 'TOKEN')?.value, token);
  });

  test('env set on a running service rolls the change out as a release of its own', async () => {
    assert.equal((await set('', 'teller', 'GREETING=selamat pagi', 'EXTRA=1=2')).code, 0);
    assert.deepEqual([await value('GREETING'), await value('EXTRA')], ['selamat pagi', '1=2']);
    const [newest] = await kapal.json<readonly ReleaseDocument[]>(['releases', 'teller']);
    assert.deepEqual([newest?.status, newest?.cause], ['current', 'env set GREETING EXTRA']);
    await kapal.deploy(await bank('three'));
    assert.deepEqual(
      [await value('GREETING'), await value('EXTRA')],
      ['selamat pagi', '1=2'],
      'what was set outlives a deploy',
    );
  });

  test('env unset gives back what was declared', async () => {
    assert.equal((await kapal.run('env', 'unset', 'teller', 'GREETING', 'EXTRA')).code, 0);
    assert.deepEqual([await value('GREETING'), await value('EXTRA')], ['halo', '(unset)']);
    const again = await kapal.json<FailureDocument>(['env', 'unset', 'teller', 'EXTRA'], 1);
    assert.equal(again.error.code, 'not_found');
    assert.equal((await kapal.json<FailureDocument>(['env', 'set', 'teller', '1BAD=x'], 2)).error.code, 'name_invalid');
    assert.equal((await kapal.json<FailureDocument>(['env', 'set', 'teller', 'NOVALUE'], 2)).error.code, 'usage');
  });

  test('logs of build and app show no value', async () => {
    await kapal.visit('teller.localhost', `/print?line=${encodeURIComponent(`the token ${token} leaked`)}`);
    const leaked = ({ text }: LogDocument) => text.includes(token);
    const lines = async () => kapal.json<readonly LogDocument[]>(['logs', 'teller']);
    assert.ok((await lines()).some(({ kind, text }) => kind === 'build' && /^token is (?!s3cr3t)/.test(text)));
    await until('what the app printed is in the log', async () =>
      (await lines()).some(({ text }) => text.includes('leaked')),
    );
    assert.equal((await lines()).find(leaked), undefined);
  });

  test('a rollback brings back the values that its release had', async () => {
    assert.equal((await set('', 'teller', 'GREETING=baru')).code, 0);
    assert.equal(await value('GREETING'), 'baru');
    assert.equal((await kapal.run('rollback', 'teller')).code, 0);
    assert.equal(await value('GREETING'), 'halo');
    assert.equal(await value('TOKEN'), token);
  });
});
