import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { proxyPool } from './edge.ts';
import { tell } from './edge-strictness-client.ts';
import { Judge, type JudgedRequest } from './edge-strictness-judge.ts';
import { type SpoofingCase, spoofingCases } from './edge-spoofing-cases.ts';
import { type EngineUnderTest, engines } from './engines.ts';

/** Behind the first host nobody is trusted, behind the second one this machine and a private network. */
const hosts = { doubted: 'a.test', trusted: 'trusting.test' };

test('at least 150 claims about who asks, each with a name of its own', () => {
  assert.ok(spoofingCases.length >= 150, `${spoofingCases.length}`);
  assert.equal(new Set(spoofingCases.map(({ name }) => name)).size, spoofingCases.length);
});

for (const kind of engines) {
  describe(`spoofing: ${kind.name}`, () => {
    test(`${spoofingCases.length} claims change nothing of what the edge itself says`, async (context) => {
      await using judge = await Judge.start();
      await using under = await kind.make();
      await serve(under, judge.port);
      for (const one of spoofingCases) {
        judge.clear();
        await context.test(one.name, () => rule(under.http, judge, one));
      }
    });
  });
}

async function serve({ edge }: EngineUnderTest, port: number): Promise<void> {
  await edge.ensure();
  await edge.apply({
    version: 1,
    routes: [
      { host: hosts.doubted, path: '/', pool: 'p' },
      { host: hosts.trusted, path: '/', pool: 'p', policy: 'trusting' },
    ],
    policies: [{ id: 'trusting', trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] }],
    pools: [proxyPool('p', [port])],
    streams: [],
  });
}

async function rule(port: number, judge: Judge, one: SpoofingCase): Promise<void> {
  const host = one.trusted === true ? hosts.trusted : hosts.doubted;
  const heard = await tell(port, [['GET / HTTP/1.1', `Host: ${host}`, ...one.lines, '', ''].join('\r\n')]);
  assert.deepEqual(judge.problems, []);
  const [request] = judge.requests;
  assert.ok(request !== undefined, heard.text.slice(0, 300));
  assertOrigin(request, one, host);
  for (const name of one.absent ?? []) assert.deepEqual(valuesOf(request, name), [], name);
  for (const [name, value] of Object.entries(one.present ?? {}))
    assert.deepEqual(valuesOf(request, name), [value], name);
}

/** Each of the edge's fields once, and nothing else of their families. */
function assertOrigin(request: JudgedRequest, one: SpoofingCase, host: string): void {
  const client = one.client ?? '127.0.0.1';
  const proto: string = one.proto ?? 'http';
  const node = client.includes(':') ? `"[${client}]"` : client;
  const expected: Readonly<Record<string, readonly string[]>> = {
    'x-forwarded-for': [client],
    'x-forwarded-proto': [proto],
    'x-forwarded-host': [host],
    'x-forwarded-port': [proto === 'https' ? '443' : '80'],
    'x-forwarded-prefix': [],
    'x-real-ip': [client],
    forwarded: [`for=${node};host="${host}";proto=${proto}`],
    host: [host],
  };
  for (const [name, values] of Object.entries(expected)) assert.deepEqual(valuesOf(request, name), values, name);
  const id = valuesOf(request, 'x-request-id');
  assert.equal(id.length, 1);
  assert.match(id[0] ?? '', /^[A-Za-z0-9.-]{8,64}$/);
  const others = request.fields
    .map(([name]) => name.toLowerCase())
    .filter((name) => /^(?:x[-_]forwarded|proxy)/.test(name) && !(name in expected));
  assert.deepEqual(others, []);
}

function valuesOf({ fields }: JudgedRequest, wanted: string): string[] {
  return fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
}
