import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { presented } from './edge-tls.ts';
import { TlsGround } from './edge-tls-ground.ts';
import { connectionCases } from './edge-h2.ts';
import type { FrameCase } from './edge-h2-case.ts';
import { flowCases, streamCases } from './edge-h2-streams.ts';
import { FrameClient } from './edge-h2-client.ts';
import { floodCases } from './edge-h2-floods.ts';
import { hpackCases, messageCases } from './edge-h2-messages.ts';
import { windowCases } from './edge-h2-windows.ts';
import { engines } from './engines.ts';

const groups: Readonly<Record<string, readonly FrameCase[]>> = {
  'the connection': connectionCases,
  streams: streamCases,
  windows: flowCases,
  messages: messageCases,
  'header compression': hpackCases,
};

for (const kind of engines) {
  describe(`HTTP/2 frames: ${kind.name}`, () => {
    let ground: TlsGround;
    before(async () => {
      ground = await TlsGround.start(kind);
      await ground.route(['a.test']);
      await presented(ground, [['a.test']]);
    });
    after(() => ground[Symbol.asyncDispose]());
    for (const [group, cases] of Object.entries(groups)) {
      describe(group, () => {
        for (const each of cases) test(each.name, () => judge(ground, each, kind.name));
      });
    }
    describe('windows in use', () => windowCases(() => ground));
    describe('floods', () => floodCases(() => ground));
  });
}

async function judge(ground: TlsGround, each: FrameCase, engine: string): Promise<void> {
  using client = each.greeting === 'without' ? new FrameClient(ground) : await FrameClient.open(ground, each.settings);
  await each.act(client);
  const allowed = engine === 'nginx' ? (each.nginx?.allowed ?? each.allowed) : each.allowed;
  const outcome = await client.outcome(each.stream ?? 1, allowed.includes('silent') ? 1500 : undefined);
  assert.ok(allowed.includes(outcome), `${outcome}, and only ${allowed.join(', ')} may come of it`);
  using other = await FrameClient.open(ground);
  other.headers(1, [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/'],
    [':authority', 'a.test'],
  ]);
  assert.equal(await other.outcome(1), 'status 200', 'another client');
}
