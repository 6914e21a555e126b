import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createDnsHook } from '../../src/certificates/hook/program.ts';
import { CertificatesKapal } from './certificates-kapal.ts';
import { Pebble } from './certificates-pebble.ts';

async function settle(kapal: CertificatesKapal): Promise<void> {
  await kapal.loop.pass();
  await kapal.loop.idle();
  await kapal.loop.pass();
}

function namesHeld(kapal: CertificatesKapal): string[] {
  return kapal.store.certificates.all().flatMap(({ source, host }) => (source === 'acme' ? [host] : []));
}

describe('ways to prove a name', () => {
  test('TLS-ALPN-01 where port 80 is not served; the proof is gone afterwards', async () => {
    await using kapal = await CertificatesKapal.start();
    await using pebble = await Pebble.start({ httpPort: 1, tlsPort: kapal.tlsPort });
    kapal.addDomain('shop.example.com');
    await kapal.begin(pebble, { ports: [8080, 443] });
    await settle(kapal);
    assert.deepEqual(namesHeld(kapal), ['shop.example.com'], kapal.events().join('\n'));
    assert.deepEqual(
      kapal.edge.presented().map(({ purpose }) => purpose),
      [undefined, undefined],
    );
  });

  test('HTTP-01 where the edge presents no proofs over TLS', async () => {
    await using kapal = await CertificatesKapal.start();
    kapal.takesProofs = false;
    await using pebble = await Pebble.start({ httpPort: kapal.httpPort, tlsPort: 1 });
    kapal.addDomain('shop.example.com');
    await kapal.begin(pebble, { ports: [8080, 443] });
    await settle(kapal);
    assert.deepEqual(namesHeld(kapal), ['shop.example.com'], kapal.events().join('\n'));
    assert.deepEqual(kapal.complaints, []);
  });

  test('DNS-01 for a wildcard, by a program that writes the record', async () => {
    await using kapal = await CertificatesKapal.start();
    await using pebble = await Pebble.start({ httpPort: 1, tlsPort: 1 });
    await using hook = await script(`
      case "$1" in
        present) curl -sf -d "{\\"host\\":\\"$2.\\",\\"value\\":\\"$3\\"}" ${pebble.dnsManagement('set-txt')} ;;
        cleanup) curl -sf -d "{\\"host\\":\\"$2.\\"}" ${pebble.dnsManagement('clear-txt')} ;;
      esac
      echo "$1 $2" >> "$0.log"`);
    kapal.addDomain('*.example.com');
    await kapal.begin(pebble, { dns: createDnsHook({ program: hook.path }) });
    await settle(kapal);
    assert.deepEqual(namesHeld(kapal), ['*.example.com'], kapal.events().join('\n'));
    const shown = kapal.edge.presented().find(({ names }) => names.includes('*.example.com'));
    assert.equal(new X509Certificate(shown?.chain ?? '').checkHost('a.example.com'), '*.example.com');
    const name = '_acme-challenge.example.com';
    assert.equal(await readFile(`${hook.path}.log`, 'utf8'), `present ${name}\ncleanup ${name}\n`);
    // A name below it needs none of its own.
    kapal.addDomain('a.example.com');
    await settle(kapal);
    assert.deepEqual(namesHeld(kapal), ['*.example.com']);
    assert.equal(kapal.loop.trust('a.example.com').trusted, true);
    const again = kapal.edge.presented().find(({ names }) => names.includes('*.example.com'));
    assert.deepEqual(again?.names, ['*.example.com', 'a.example.com']);
  });

  test('a program that fails is told with its own words, and tried again later', async () => {
    await using kapal = await CertificatesKapal.start();
    await using pebble = await Pebble.start({ httpPort: 1, tlsPort: 1 });
    await using hook = await script('echo "no such zone" >&2; exit 3');
    kapal.addDomain('*.example.com');
    await kapal.begin(pebble, { dns: createDnsHook({ program: hook.path }) });
    await settle(kapal);
    const order = kapal.store.certificates.order('*.example.com');
    assert.match(order?.problem ?? '', /ended with code 3 at "present _acme-challenge\.example\.com": no such zone/);
    assert.equal(order?.failures, 1);
  });

  test('a program that hangs is ended', async () => {
    await using hook = await script('sleep 100');
    await assert.rejects(
      createDnsHook({ program: hook.path, timeout: 100 }).present('_acme-challenge.a.b', 'x'),
      /did not end within 0\.1 s/,
    );
  });
});

async function script(text: string): Promise<{ readonly path: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'kapal-hook-'));
  const path = join(folder, 'hook');
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
