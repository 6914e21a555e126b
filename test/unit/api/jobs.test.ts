import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { encodeFrame, type Frame, readFrames } from '../../../src/api/contract/frames.ts';
import { paths } from '../../../src/api/contract/paths.ts';
import { answers, job, jobs } from './recording-commands.ts';
import { askSocket, json, serve, token } from './serving.ts';

const at = { environment: 'staging' };
const request = { command: ['true'], detach: true, timeoutSeconds: null, terminal: null };

describe('the API of jobs', () => {
  test('lists, starts, shows and ends them', async () => {
    await using served = await serve();
    const asked: readonly (readonly [
      method: string,
      path: string,
      body: object | null,
      status: number,
      answer: unknown,
    ])[] = [
      ['GET', paths.jobs({}), null, 200, [jobs]],
      ['GET', paths.job('x'), null, 200, { ...job, id: 'x' }],
      ['POST', paths.runJob('api', at), null, 202, job],
      ['POST', paths.runs('api', at), request, 202, { ...job, cause: 'command' }],
      ['DELETE', paths.job('x'), null, 200, { ...job, id: 'x', state: 'ending' }],
    ];
    for (const [method, path, body, status, answer] of asked) {
      const sent = body === null ? {} : sending(body);
      const found = await askSocket(served, path, { method, ...sent });
      assert.deepEqual([found.status, JSON.parse(found.text)], [status, answer], `${method} ${path}`);
    }
  });

  test('refuses what is no command, and an unknown service', async () => {
    await using served = await serve();
    for (const wrong of [
      { ...request, command: [] },
      { ...request, command: 'true' },
      { ...request, timeoutSeconds: 0 },
    ]) {
      const { status, text } = await askSocket(served, paths.runs('api', at), { method: 'POST', ...sending(wrong) });
      assert.deepEqual([status, codeOf(text)], [400, 'usage']);
    }
    const terminal = { ...request, terminal: { rows: 24, columns: 80, term: 'x; reboot' } };
    const refused = await askSocket(served, paths.runs('api', at), { method: 'POST', ...sending(terminal) });
    assert.equal(refused.status, 400);
    assert.equal((await askSocket(served, paths.runJob('nothing', at), { method: 'POST' })).status, 404);
  });

  test('an attached one answers its streams and its end, and is let go of', async () => {
    const gone = Promise.withResolvers<void>();
    const attached = {
      job,
      async *frames() {
        yield { kind: 'stdout', bytes: Buffer.from('one') } as const;
        yield { kind: 'ended', job } as const;
      },
      [Symbol.dispose]: () => gone.resolve(),
    };
    await using served = await serve({ jobs: { ...answers().jobs, attach: async () => attached } });
    const found = await fetch(`${served.url}${paths.runs('api', at)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ ...request, detach: false }),
    });
    const frames: Frame[] = [];
    if (found.body !== null) for await (const frame of readFrames(found.body)) frames.push(frame);
    assert.deepEqual(
      frames.map((frame) => ('bytes' in frame ? Buffer.from(frame.bytes).toString() : frame.kind)),
      ['job', 'one', 'ended'],
    );
    await gone.promise;
  });
});

function sending(body: object) {
  return { body: JSON.stringify(body), headers: json };
}

function codeOf(text: string): unknown {
  const { error } = JSON.parse(text) as { error: { code: string } };
  return error.code;
}

test('frames survive being cut anywhere', async () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((piece) => Buffer.from(piece));
  const frame: fc.Arbitrary<Frame> = fc.oneof(
    fc.record({ kind: fc.constantFrom('stdout', 'stderr'), bytes }, { noNullPrototype: true }),
    fc.constant<Frame>({ kind: 'alive' }),
    fc.constantFrom<Frame>({ kind: 'job', job }, { kind: 'ended', job }, { kind: 'failed', message: 'galat ✗' }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(frame), fc.integer({ min: 1, max: 50 }), async (frames, size) => {
      const whole = Buffer.concat(frames.map(encodeFrame));
      async function* pieces() {
        for (let from = 0; from < whole.length; from += size) yield whole.subarray(from, from + size);
      }
      const read: Frame[] = [];
      for await (const one of readFrames(pieces())) read.push(one);
      assert.deepEqual(read, frames);
    }),
  );
});
