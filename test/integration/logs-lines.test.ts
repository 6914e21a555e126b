import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { longestText, longestWait, type Position, takeLines } from '../../src/observe/logs/lines.ts';
import { createMasker } from '../../src/secrets/mask.ts';

/** Reads a whole content as the collector does: pieces of the file as it grows, each from where the last one was done. */
function drain(content: Buffer, growth: readonly number[], masks: readonly string[] = []): string[] {
  const options = { mask: createMasker(masks), longestForm: 9 * Math.max(0, ...masks.map((mask) => mask.length)) };
  const lines: string[] = [];
  let offset = 0;
  let position: Position = 'start';
  const ends = [...growth.map((part) => part % (content.length + 1)), content.length].sort((a, b) => a - b);
  for (const end of ends) {
    const taken = takeLines(content.subarray(offset, end), position, { ...options, last: end === content.length });
    lines.push(...taken.lines);
    offset += taken.consumed;
    position = taken.position;
  }
  return lines;
}

const growth = fc.array(fc.nat(), { maxLength: 8 });

describe('splitting into lines', () => {
  test('however the file grows, the lines are those of the whole', () => {
    const content = fc.array(fc.constantFrom('a', 'bc', '\n', '\n\n', '\r\n', '\0', 'é', '\u{1F6A2}', ' '), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(content, growth, (parts, cuts) => {
        const text = parts.join('');
        const whole = text.split('\n');
        if (whole.at(-1) === '') whole.pop();
        assert.deepEqual(drain(Buffer.from(text), cuts), whole);
      }),
      { numRuns: 5000 },
    );
  });

  test('any bytes at all make lines, and none of them holds a newline', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), growth, (bytes, cuts) => {
        const whole = Buffer.from(bytes).toString('utf8').split('\n');
        if (whole.at(-1) === '') whole.pop();
        assert.deepEqual(drain(Buffer.from(bytes), cuts), whole);
      }),
      { numRuns: 5000 },
    );
  });

  test('around the limits every line is cut once and the next begins where it should', () => {
    const length = fc.oneof(
      ...[longestText, longestWait, 2 * longestWait].map((limit) => fc.integer({ min: limit - 3, max: limit + 3 })),
    );
    fc.assert(
      fc.property(fc.array(length, { minLength: 1, maxLength: 3 }), growth, (lengths, cuts) => {
        const content = Buffer.from(lengths.map((size, index) => `${String(index).repeat(size)}\n`).join(''));
        const lines = drain(content, cuts);
        assert.equal(lines.length, lengths.length);
        for (const [index, line] of lines.entries()) {
          const kept = String(index).repeat(Math.min(longestText, lengths[index] ?? 0));
          assert.ok(line.startsWith(kept));
          assert.equal(line.length > longestText, (lengths[index] ?? 0) > longestText);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('no secret value shows, however the file grows and wherever long lines are cut', () => {
    const secret = 'hunter2-correct-horse-battery-staple-hunter2';
    const piece = fc.oneof(
      fc.constant(secret),
      fc.constant('\n'),
      fc.integer({ min: 1, max: 40_000 }).map((size) => 'x'.repeat(size)),
    );
    const many = fc.integer({ min: 1, max: 3_000 }).map((count) => secret.repeat(count));
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, many), { maxLength: 12 }), growth, (parts, cuts) => {
        const lines = drain(Buffer.from(parts.join('')), cuts, [secret]);
        for (const line of lines) assert.ok(!/hunter|horse|staple/.test(line), line.slice(-200));
      }),
      { numRuns: 300 },
    );
  });
});
