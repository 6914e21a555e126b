import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { explainExit, parseExit, parseIdentity } from '../../../src/runtime/process/record.ts';

const BOOT = '2e2c5a0e-6a39-4f4c-8a4f-0c1f5f3a9d11';
const reached = { reached: true, refusal: '', starved: null, at: 1 };

describe('records of a keeper', () => {
  test('are read whole or not at all', () => {
    const identity = `4242 1234567 ${BOOT} end\n`;
    assert.deepEqual(parseIdentity(identity), { pid: 4242, start: 1234567, boot: BOOT });
    const exit = 'status=143 told=1 oom=2 end\n';
    assert.deepEqual(parseExit(exit), { status: 143, told: true, oomKills: 2 });
    for (let length = 0; length < identity.length; length += 1)
      assert.equal(parseIdentity(identity.slice(0, length)), null);
    for (let length = 0; length < exit.length; length += 1) assert.equal(parseExit(exit.slice(0, length)), null);
    assert.equal(parseIdentity('withdrawn\n'), null);
  });

  for (const [record, expected] of [
    [
      { status: 0, told: false, oomKills: 0 },
      { code: 0, signal: null, reason: 'exited' },
    ],
    [
      { status: 137, told: false, oomKills: 0 },
      { code: 137, signal: null, reason: 'exited' },
    ],
    [
      { status: 137, told: true, oomKills: 0 },
      { code: null, signal: 'SIGKILL', reason: 'signalled' },
    ],
    [
      { status: 134, told: true, oomKills: 0 },
      { code: null, signal: 'SIGABRT', reason: 'signalled' },
    ],
    [
      { status: 130, told: false, oomKills: 0 },
      { code: null, signal: 'SIGINT', reason: 'signalled' },
    ],
    [
      { status: 141, told: false, oomKills: 0 },
      { code: null, signal: 'SIGPIPE', reason: 'signalled' },
    ],
    [
      { status: 255, told: false, oomKills: 0 },
      { code: 255, signal: null, reason: 'exited' },
    ],
    [
      { status: 137, told: true, oomKills: 1 },
      { code: null, signal: 'SIGKILL', reason: 'out-of-memory' },
    ],
    [
      { status: 137, told: false, oomKills: 1 },
      { code: 137, signal: null, reason: 'out-of-memory' },
    ],
    [
      { status: 1, told: false, oomKills: 3 },
      { code: 1, signal: null, reason: 'out-of-memory' },
    ],
    [
      { status: 0, told: false, oomKills: 1 },
      { code: 0, signal: null, reason: 'exited' },
    ],
    [
      { status: 143, told: true, oomKills: 1 },
      { code: null, signal: 'SIGTERM', reason: 'signalled' },
    ],
  ] as const) {
    test(`${JSON.stringify(record)} means ${expected.reason}, ${expected.signal ?? expected.code}`, () => {
      assert.deepEqual(explainExit(record, reached), { ...expected, at: 1, detail: null });
    });
  }

  test('what ended before the program was reached was not started, unless a signal ended it', () => {
    const record = { status: 127, told: false, oomKills: 0 };
    const refused = explainExit(record, {
      reached: false,
      refusal: 'setpriv: setresuid failed\n',
      starved: null,
      at: 1,
    });
    assert.deepEqual(
      { reason: refused.reason, detail: refused.detail, code: refused.code },
      { reason: 'not-started', detail: 'setpriv: setresuid failed', code: null },
    );
    const ended = explainExit(
      { status: 143, told: true, oomKills: 0 },
      { reached: false, refusal: '', starved: null, at: 1 },
    );
    assert.equal(ended.signal, 'SIGTERM');
  });
});
