import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTimeZone, lastSlot, nextSlot, scheduleProblem } from '../../../src/spec/schedule.ts';

const now = Date.UTC(2026, 0, 1);

/** The next slots after a moment, in UTC. */
function slots(expression: string, timeZone: string, after: string): string[] {
  const found: string[] = [];
  let moment = Date.parse(after);
  for (let count = 0; count < 4; count += 1) {
    moment = nextSlot({ expression, timeZone }, moment) ?? moment;
    found.push(new Date(moment).toISOString().slice(5, 16));
  }
  return found;
}

describe('expressions', () => {
  for (const sound of [
    '* * * * *',
    '*/15 * * * *',
    '0 9-17 * * MON-FRI',
    '0 0 1,15 * *',
    '0 0 L * *',
    '@hourly',
    '@daily',
    '@WEEKLY',
    '0 0 1 JAN *',
    '0 0 * * 7',
    '0 0 29 2 *',
  ])
    test(`${sound} is one`, () => assert.equal(scheduleProblem(sound, now), null));

  const faulty: readonly (readonly [string, RegExp])[] = [
    ['60 * * * *', /^: "60" is no minute \(0 to 59\)$/],
    ['0 24 * * *', /^: "24" is no hour \(0 to 23\)$/],
    ['0 0 0 * *', /^: "0" is no day of month/],
    ['0 0 * FOO *', /^: "FOO" is no month \(1 to 12, or JAN to DEC\)$/],
    ['0 0 * * 8', /^: "8" is no day of week/],
    ['5/5 * * * *', /^: "5\/5" is no minute/],
    ['0 3 * *', /^has 4 fields, a schedule has five: minute, hour/],
    ['0 0 3 * * *', /^has 6 fields/],
    ['', /^has 1 field,/],
    ['@reboot', /^is no nickname: there are @yearly/],
    ['0 0 30 2 *', /^names no moment that ever comes$/],
    ['2026-01-01T00:00:00Z', /^has 1 field,/],
  ];
  for (const [text, problem] of faulty)
    test(`${JSON.stringify(text)} is none, and says why`, () =>
      assert.match(scheduleProblem(text, now) ?? '', problem));

  test('zones have names', () => {
    assert.deepEqual(['Europe/Berlin', 'Asia/Jakarta', 'UTC'].map(isTimeZone), [true, true, true]);
    assert.deepEqual(['Nowhere/Else', '+07:00', '', 'Europe/Berlin; x'].map(isTimeZone), [false, false, false, false]);
  });
});

describe('slots', () => {
  test('lie after the moment, and the last one may be the moment itself', () => {
    const schedule = { expression: '0 * * * *', timeZone: 'UTC' };
    const slot = Date.UTC(2026, 5, 1, 12);
    assert.equal(nextSlot(schedule, slot), slot + 3_600_000);
    assert.equal(nextSlot(schedule, slot - 1), slot);
    assert.equal(lastSlot(schedule, { after: slot - 1, until: slot }), slot);
    assert.equal(lastSlot(schedule, { after: slot - 3_600_001, until: slot - 1 }), slot - 3_600_000);
    assert.equal(lastSlot(schedule, { after: slot, until: slot + 3_599_999 }), null);
  });

  test('go by the clocks of their zone', () => {
    assert.deepEqual(slots('0 2 * * *', 'Asia/Jakarta', '2026-06-01T00:00:00Z').slice(0, 2), [
      '06-01T19:00',
      '06-02T19:00',
    ]);
  });

  test('Berlin, spring: half past two does not exist, and runs once when it would be past', () => {
    assert.deepEqual(slots('30 2 * * *', 'Europe/Berlin', '2026-03-27T12:00:00Z'), [
      '03-28T01:30',
      '03-29T01:00',
      '03-30T00:30',
      '03-31T00:30',
    ]);
    assert.deepEqual(slots('0,30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z').slice(0, 2), [
      '03-29T01:00',
      '03-30T00:00',
    ]);
  });

  test('Berlin, autumn: half past two exists twice, and runs once', () => {
    assert.deepEqual(slots('30 2 * * *', 'Europe/Berlin', '2026-10-23T12:00:00Z'), [
      '10-24T00:30',
      '10-25T00:30',
      '10-26T01:30',
      '10-27T01:30',
    ]);
  });

  test('New York, both', () => {
    assert.deepEqual(slots('30 2 * * *', 'America/New_York', '2026-03-07T00:00:00Z').slice(0, 3), [
      '03-07T07:30',
      '03-08T07:00',
      '03-09T06:30',
    ]);
    assert.deepEqual(slots('30 1 * * *', 'America/New_York', '2026-10-31T00:00:00Z').slice(0, 3), [
      '10-31T05:30',
      '11-01T05:30',
      '11-02T06:30',
    ]);
  });

  test('intervals go by the hours that there are', () => {
    assert.deepEqual(slots('0 * * * *', 'Europe/Berlin', '2026-10-24T23:30:00Z'), [
      '10-25T00:00',
      '10-25T01:00',
      '10-25T02:00',
      '10-25T03:00',
    ]);
    assert.deepEqual(slots('*/30 * * * *', 'Europe/Berlin', '2026-03-29T00:10:00Z'), [
      '03-29T00:30',
      '03-29T01:00',
      '03-29T01:30',
      '03-29T02:00',
    ]);
  });
});
