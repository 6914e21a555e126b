import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { courseOf, isFlat, type Point } from '../../bench/soak/series.ts';

const minute = 60_000;
const tolerance = { share: 0.04, grain: 2 };

/** Half an hour, a look every ten seconds. */
function course(value: (minutes: number, look: number) => number) {
  const points: Point[] = Array.from({ length: 181 }, (_, look) => ({
    at: (look * minute) / 6,
    value: value(look / 6, look),
  }));
  return courseOf(points);
}

/** The saw of a heap that is swept now and then. */
const saw = (look: number) => (look % 7) * 2;

describe('the course of a figure', () => {
  test('a leak under noise grows, and is measured', () => {
    const leak = course((minutes, look) => 100 + minutes * 0.5 + saw(look));
    assert.equal(isFlat(leak, tolerance), false);
    assert.ok(Math.abs(leak.slope - 30) < 3, `${leak.slope} an hour`);
  });

  test('noise, outliers, what falls, and a load that comes and goes are flat', () => {
    assert.ok(
      isFlat(
        course((_, look) => 100 + saw(look)),
        tolerance,
      ),
    );
    assert.ok(
      isFlat(
        course((_, look) => (look % 20 === 0 ? 400 : 100)),
        tolerance,
      ),
    );
    assert.ok(
      isFlat(
        course((minutes) => 100 - minutes),
        tolerance,
      ),
    );
    assert.ok(
      isFlat(
        course((minutes) => (minutes > 25 ? 130 : 100)),
        tolerance,
      ),
    );
  });

  test('a descriptor that is left open every few minutes is not flat', () => {
    assert.equal(
      isFlat(
        course((minutes) => 38 + Math.floor(minutes / 10) + 0.5),
        { share: 0, grain: 0.9 },
      ),
      false,
    );
    assert.equal(
      isFlat(
        course((minutes) => 38 + Math.floor(minutes / 7)),
        { share: 0, grain: 2 },
      ),
      false,
    );
  });

  test('says where it began, where it ended, and what was the most', () => {
    const { first, last, highest, time } = course((minutes) => (minutes < 15 ? 1 : 3));
    assert.deepEqual([first, last, highest, time], [1, 3, 3, 30 * minute]);
  });
});
