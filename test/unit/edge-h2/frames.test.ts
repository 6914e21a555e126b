import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Patience } from '../../../src/edge/embedded/h2/bounds.ts';
import { ConnectionError } from '../../../src/edge/embedded/h2/codes.ts';
import { FrameReader } from '../../../src/edge/embedded/h2/frame-reader.ts';
import { frameHead, headersFrames } from '../../../src/edge/embedded/h2/frames.ts';
import { type FrameHandler, Inbound } from '../../../src/edge/embedded/h2/inbound.ts';
import { ReceiveWindow } from '../../../src/edge/embedded/h2/receive-window.ts';

const head = fc
  .record({
    type: fc.integer({ min: 0, max: 255 }),
    flags: fc.integer({ min: 0, max: 255 }),
    stream: fc.integer({ min: 0, max: 0x7fff_ffff }),
  })
  .map((each) => ({ ...each }));

describe('frames', () => {
  test('are the same however they are cut into segments', () => {
    const frames = fc.array(fc.tuple(head, fc.uint8Array({ maxLength: 300 })), { maxLength: 8 });
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }), (list, cuts) => {
        const bytes = Buffer.concat(
          list.map(([each, payload]) =>
            Buffer.concat([Buffer.from(frameHead(payload.length, each), 'latin1'), payload]),
          ),
        );
        const read: unknown[] = [];
        const reader = new FrameReader();
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = cuts[turn % cuts.length] ?? 1;
          reader.feed(bytes.subarray(at, at + size), (each, payload) => {
            read.push([each, [...payload]]);
            return true;
          });
          at += size;
        }
        assert.deepEqual(
          read,
          list.map(([each, payload]) => [each, [...payload]]),
        );
        assert.equal(reader.partial, false);
      }),
    );
  });

  test('larger than the largest are refused by their head alone', () => {
    const reader = new FrameReader();
    const large = Buffer.from(frameHead(16_385, { type: 0, flags: 0, stream: 1 }), 'latin1');
    assert.throws(() => reader.feed(large, () => true), { code: 6 });
  });

  test('a head longer than a frame goes on in CONTINUATION', () => {
    const block = 'h'.repeat(40_000);
    const read: [number, number, number][] = [];
    new FrameReader().feed(Buffer.from(headersFrames(7, block, true), 'latin1'), ({ type, flags }, payload) => {
      read.push([type, flags, payload.length]);
      return true;
    });
    assert.deepEqual(read, [
      [1, 1, 16_384],
      [9, 0, 16_384],
      [9, 4, 7232],
    ]);
  });

  test('whatever comes, it is handled or an error of the connection', () => {
    const ignore: FrameHandler = {
      data: () => undefined,
      block: () => undefined,
      resetBy: () => undefined,
      settings: () => undefined,
      ping: () => undefined,
      windowUpdate: () => undefined,
      priority: () => undefined,
      goAway: () => undefined,
      unknown: () => undefined,
    };
    const small = fc.record({ ...headParts, type: fc.integer({ min: 0, max: 10 }) });
    fc.assert(
      fc.property(fc.array(fc.tuple(small, fc.uint8Array({ maxLength: 20 })), { maxLength: 20 }), (list) => {
        const inbound = new Inbound(ignore);
        inbound.feed(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1'));
        try {
          for (const [each, payload] of list) {
            inbound.feed(Buffer.concat([Buffer.from(frameHead(payload.length, each), 'latin1'), payload]));
          }
        } catch (error) {
          assert.ok(error instanceof ConnectionError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

const headParts = { flags: fc.integer({ min: 0, max: 255 }), stream: fc.integer({ min: 0, max: 5 }) };

describe('bounds', () => {
  test('a window takes what it gave and no byte more', () => {
    const grants: number[] = [];
    const window = new ReceiveWindow(100, (bytes) => grants.push(bytes));
    assert.equal(window.take(100), true);
    window.giveBack(24);
    assert.deepEqual(grants, []);
    window.giveBack(1);
    assert.deepEqual(grants, [25]);
    assert.equal(window.take(25), true);
    assert.equal(window.take(1), false);
  });

  test('what comes at the pace of people is free, what comes as a flood is not', () => {
    const patience = new Patience(0);
    for (let second = 0; second < 600; second += 1) {
      for (let i = 0; i < 30; i += 1) patience.reset(second * 1000);
    }
    assert.throws(
      () => {
        for (let i = 0; i < 1000; i += 1) patience.reset(600_000);
      },
      { code: 11 },
    );
    const other = new Patience(0);
    assert.throws(
      () => {
        for (let i = 0; i < 2000; i += 1) other.nuisance(0);
      },
      { code: 11 },
    );
  });
});
