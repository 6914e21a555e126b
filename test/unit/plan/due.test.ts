import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { admit, due, type OpenJob, turns } from '../../../src/plan/due.ts';
import { lastSlot, nextSlot } from '../../../src/spec/schedule.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const nightly = { expression: '0 2 * * *', timeZone: 'UTC' };
const at = (text: string): number => Date.parse(text);

function ask(now: string, cursor: string | null, more: Partial<Parameters<typeof due>[0]> = {}) {
  const input = { schedule: nightly, missed: 'once', isTaken: () => false, ...more } as const;
  return due({ ...input, now: at(now), cursor: cursor === null ? null : at(cursor) });
}

describe('which slot is due', () => {
  test('none before the schedule counts, and none that lies before it', () => {
    const found = ask('2026-11-22T02:00:30Z', null);
    assert.deepEqual(found, {
      slot: null,
      passed: null,
      cursor: at('2026-11-22T02:00:30Z'),
      next: at('2026-11-23T02:00:00Z'),
    });
  });

  test('one that came, in its very millisecond and a minute late', () => {
    for (const now of ['2026-11-22T02:00:00Z', '2026-11-22T02:01:00Z']) {
      const { slot, next } = ask(now, '2026-11-21T02:00:00Z');
      assert.deepEqual(slot, { at: at('2026-11-22T02:00:00Z'), cause: 'schedule' });
      assert.equal(next, at('2026-11-23T02:00:00Z'));
    }
    assert.equal(ask('2026-11-22T01:59:59.999Z', '2026-11-21T02:00:00Z').slot, null);
  });

  test('what was missed is made up for once, within a day, and not where that is not wanted', () => {
    const since = '2026-11-19T02:00:00Z';
    assert.deepEqual(ask('2026-11-22T20:00:00Z', since).slot, { at: at('2026-11-22T02:00:00Z'), cause: 'missed' });
    const skipped = ask('2026-11-22T20:00:00Z', since, { missed: 'skip' });
    assert.deepEqual([skipped.slot, skipped.passed], [null, at('2026-11-22T02:00:00Z')]);
    const weekly = { expression: '0 2 * * FRI', timeZone: 'UTC' };
    const old = ask('2026-11-22T20:00:00Z', '2026-11-19T02:00:00Z', { schedule: weekly });
    assert.deepEqual([old.slot, old.passed], [null, at('2026-11-20T02:00:00Z')], 'Friday is not made up for on Sunday');
    assert.equal(old.cursor, at('2026-11-20T02:00:00Z'), 'and that is decided once');
  });

  test('a clock that was set back brings no slot twice', () => {
    const back = ask('2026-11-20T12:00:00Z', '2026-11-22T02:00:00Z');
    assert.deepEqual([back.slot, back.cursor], [null, at('2026-11-20T12:00:00Z')]);
    const again = ask('2026-11-22T02:00:10Z', '2026-11-21T02:00:00Z', { isTaken: () => true });
    assert.deepEqual([again.slot, again.cursor], [null, at('2026-11-22T02:00:00Z')]);
  });
});

/** A machine whose clock, daemon and life are arbitrary: what the record keeps is kept as the reconciler keeps it. */
interface Moment {
  /** Milliseconds by which the clock moves, back too. */
  readonly by: number;
  /** The daemon died, and asks again without having recorded what it decided. */
  readonly forgets: boolean;
}

const moments: fc.Arbitrary<Moment[]> = fc.array(
  fc.record({
    by: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 1, max: 5 * minute }) },
      { weight: 2, arbitrary: fc.integer({ min: minute, max: 3 * hour }) },
      { weight: 1, arbitrary: fc.constantFrom(-day, -hour, -1, day, 3 * day) },
    ),
    forgets: fc.boolean(),
  }),
  { maxLength: 120 },
);

const schedules = fc.record({
  expression: fc.constantFrom(
    '* * * * *',
    '*/7 * * * *',
    '0 * * * *',
    '30 2 * * *',
    '0,30 1-3 * * *',
    '@hourly',
    '15 2 L * *',
  ),
  timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Jakarta'),
});

/** Near both changes of clocks of both zones. */
const starts = fc.constantFrom(
  '2026-03-07T00:00:00Z',
  '2026-03-28T12:00:00Z',
  '2026-06-29T12:00:00Z',
  '2026-10-24T12:00:00Z',
  '2026-10-31T12:00:00Z',
);

const lives = fc.record({
  schedule: schedules,
  start: starts,
  history: moments,
  missed: fc.constantFrom('once', 'skip'),
});

test('no slot is taken twice, whatever clock and daemon do', () => {
  fc.assert(
    fc.property(lives, ({ schedule, start, history, missed }) => {
      const taken = new Set<number>();
      let cursor: number | null = null;
      let now = at(start);
      for (const { by, forgets } of history) {
        now += by;
        const found = due({ now, schedule, missed, cursor, isTaken: (slot) => taken.has(slot) });
        assert.ok(found.next === null || found.next > now, 'the next one lies ahead');
        if (forgets) continue;
        if (found.slot !== null) {
          assert.ok(!taken.has(found.slot.at), `${new Date(found.slot.at).toISOString()} twice`);
          assert.ok(found.slot.at <= now, 'not before its time');
          taken.add(found.slot.at);
        }
        cursor = found.cursor;
      }
    }),
  );
});

test('none is lost: after each look the last slot of the past day had its job, where the clock only goes on', () => {
  fc.assert(
    fc.property(schedules, starts, moments, (schedule, start, history) => {
      const taken = new Set<number>();
      const begun = at(start);
      let cursor: number | null = null;
      let now = begun;
      for (const { by, forgets } of [{ by: 0, forgets: false }, ...history]) {
        now += Math.abs(by);
        const found = due({ now, schedule, missed: 'once', cursor, isTaken: (slot) => taken.has(slot) });
        if (forgets) continue;
        if (found.slot !== null) taken.add(found.slot.at);
        cursor = found.cursor;
        const last = lastSlot(schedule, { after: Math.max(begun, now - day), until: now });
        assert.ok(last === null || taken.has(last), `${last === null ? '' : new Date(last).toISOString()} is lost`);
      }
    }),
  );
});

test('a daemon that looks at every slot takes all of them', () => {
  fc.assert(
    fc.property(schedules, starts, (schedule, start) => {
      let cursor: number | null = null;
      const taken: number[] = [];
      const wanted: number[] = [];
      let now = at(start);
      for (let count = 0; count < 60; count += 1) {
        const found = due({ now, schedule, missed: 'skip', cursor, isTaken: () => false });
        if (found.slot !== null) taken.push(found.slot.at);
        cursor = found.cursor;
        const next = nextSlot(schedule, now) ?? now;
        assert.equal(found.next, next);
        wanted.push(next);
        now = next;
      }
      assert.deepEqual(taken, wanted.slice(0, -1));
    }),
  );
});

describe('how jobs of a schedule meet', () => {
  const running: OpenJob = { id: 'a', cause: 'schedule', state: 'running' };
  const queued: OpenJob = { id: 'b', cause: 'manual', state: 'queued' };
  const command: OpenJob = { id: 'c', cause: 'command', state: 'queued' };

  test('skip admits none beside another, queue one that waits, replace any', () => {
    assert.deepEqual(admit('skip', []), { admitted: true, replaced: [] });
    assert.deepEqual(admit('skip', [running]), { admitted: false, replaced: [] });
    assert.deepEqual(admit('queue', [running]), { admitted: true, replaced: [] });
    assert.deepEqual(admit('queue', [running, queued]), { admitted: false, replaced: [] });
    assert.deepEqual(admit('replace', [running, queued]), { admitted: true, replaced: ['a', 'b'] });
    assert.deepEqual(admit('replace', [{ ...running, state: 'ending' }]), { admitted: true, replaced: [] });
  });

  test('commands of people are in nobody’s way', () => {
    assert.deepEqual(admit('skip', [{ ...command, state: 'running' }]), { admitted: true, replaced: [] });
    assert.deepEqual(turns([running, queued, command]), ['c']);
    assert.deepEqual(turns([queued, { ...queued, id: 'd' }, command]), ['b', 'c']);
    assert.deepEqual(turns([{ ...running, state: 'ending' }, queued]), []);
  });
});
