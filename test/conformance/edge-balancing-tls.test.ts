import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeCertificate } from '../integration/nginx-certificates.ts';
import { type PoolParts, Stage } from './balancing-stage.ts';
import { until } from '../patience.ts';
import { type SecureBackend, secureBackend } from './secure-backend.ts';
import { type EngineKind, type EngineUnderTest, engines } from './engines.ts';

const folder = mkdtempSync(join(tmpdir(), 'kapal-authorities-'));
const usual = process.env['SSL_CERT_FILE'];
after(() => {
  rmSync(folder, { recursive: true, force: true });
  if (usual === undefined) delete process.env['SSL_CERT_FILE'];
  else process.env['SSL_CERT_FILE'] = usual;
});

for (const kind of engines) describe(`balancing, endpoints over TLS: ${kind.name}`, () => cases(kind));

/** The engine trusts the authority of `known` and no other. */
function cases(kind: EngineKind): void {
  const versions = { next: 0 };
  const ends: AsyncDisposable[] = [];
  let under: EngineUnderTest;
  let known: SecureBackend;
  let stranger: SecureBackend;
  let number = 0;

  before(async () => {
    const certificate = await makeCertificate(['known.test', '*.wide.test']);
    const file = join(folder, `${kind.name}.pem`);
    chmodSync(folder, 0o755);
    writeFileSync(file, certificate.chain, { mode: 0o644 });
    process.env['SSL_CERT_FILE'] = file;
    known = await secureBackend('known', certificate);
    stranger = await secureBackend('stranger', await makeCertificate(['known.test']));
    under = await kind.make();
    ends.push(under, known, stranger);
    await under.edge.ensure();
  });
  after(async () => {
    for (const end of ends) await end[Symbol.asyncDispose]();
  });

  const stageOf = (): Stage => {
    number += 1;
    return new Stage(under, `secure${number}`, versions);
  };
  const statusOf = async (backend: SecureBackend, tls: PoolParts['tls']): Promise<number> => {
    await using stage = stageOf();
    await stage.serve([backend], tls === undefined ? {} : { tls });
    return (await stage.ask()).status;
  };

  test('an endpoint of a trusted authority answers under its name', async () => {
    await using stage = stageOf();
    await stage.serve([known], { tls: { serverName: 'known.test', verify: true } });
    const first = known.asked.length;
    for (let i = 0; i < 20; i += 1) {
      const answer = await stage.ask(i % 2 === 0 ? {} : { method: 'POST', body: 'order' });
      assert.deepEqual([answer.status, answer.body], [200, `known ${stage.host}`]);
    }
    const names = known.asked.slice(first);
    assert.deepEqual(new Set(names), new Set(['known.test']));
    assert.ok(names.length < 20, 'connections are used again');
    assert.equal(await statusOf(known, { serverName: 'a.wide.test', verify: true }), 200);
  });

  test('a certificate of nobody known, or of another name, is 502 where it is verified, and will do where it is not', async () => {
    assert.equal(await statusOf(stranger, { serverName: 'known.test', verify: true }), 502);
    assert.equal(await statusOf(known, { serverName: 'other.test', verify: true }), 502);
    assert.equal(await statusOf(stranger, { serverName: 'known.test', verify: false }), 200);
    assert.equal(await statusOf(known, { serverName: 'other.test', verify: false }), 200);
  });

  test('a connection that was not verified is never used where it has to be', async () => {
    await using loose = stageOf();
    await loose.serve([stranger], { tls: { serverName: 'known.test', verify: false } });
    assert.equal((await loose.ask()).status, 200);
    await loose.serve([stranger], { tls: { serverName: 'known.test', verify: true } });
    for (let i = 0; i < 6; i += 1) assert.equal((await loose.ask()).status, 502);
    await loose.serve([stranger], { tls: { serverName: 'known.test', verify: false } });
    assert.equal((await loose.ask()).status, 200);
  });

  test('an endpoint that does not verify is passed over, for a POST too', async () => {
    await using stage = stageOf();
    await stage.serve([stranger, known], { tls: { serverName: 'known.test', verify: true } });
    for (let i = 0; i < 10; i += 1) {
      const answer = await stage.ask(i % 2 === 0 ? {} : { method: 'POST', body: 'order' });
      assert.deepEqual([answer.status, answer.body], [200, `known ${stage.host}`]);
    }
  });

  test('without a name of its own, the Host is the name', async () => {
    await using stage = stageOf();
    await stage.serve([known], { tls: { serverName: null, verify: false } });
    const first = known.asked.length;
    assert.equal((await stage.ask()).status, 200);
    await until('it was asked for', () => known.asked.length > first);
    assert.deepEqual(new Set(known.asked.slice(first)), new Set([stage.host]));
    await stage.serve([known], { tls: { serverName: null, verify: true } });
    assert.equal((await stage.ask()).status, 502, 'its certificate is for another');
  });

  test('plain HTTP to an endpoint of TLS, and TLS to one of plain HTTP, is 502', async () => {
    await using stage = stageOf();
    const plain = await stage.backend('plain');
    await stage.serve([plain], { tls: { serverName: 'known.test', verify: false } });
    assert.equal((await stage.ask()).status, 502);
    const status = await statusOf(known, undefined);
    assert.ok(status === 502 || status === 400, `${status}`);
  });
}
