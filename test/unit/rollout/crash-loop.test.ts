import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Exit } from '../../../src/model/instance.ts';
import { decide } from '../../../src/rollout/decide.ts';
import { applyToInstance, type InstanceLife, observeInstance, type RunSeen } from '../../../src/rollout/instance.ts';
import type { InstanceView, ServiceView } from '../../../src/rollout/view.ts';

const minutes = 60_000;
const window = 10 * minutes;
const most = 15;

/** What an attempt does, in milliseconds after its start; `null`: never. */
interface Attempt {
  readonly readyAfter: number | null;
  readonly silentAfter: number | null;
  readonly endsAfter: number | null;
  /** Jitter of the back-off that follows. */
  readonly fraction: number;
}

interface Slot {
  readonly id: string;
  life: InstanceLife;
  attempt: Attempt;
}

const policy = { strategy: 'rolling', maxSurge: 1, startTimeout: 30_000, shutdownDelay: 30_000 } as const;

/** One service of one instance over simulated time: the pure machine decides, and every decision is carried out at once. Answers when attempts began. */
function startsOf(
  attempts: readonly Attempt[],
  { until, daemonAway }: { until: number; daemonAway: readonly number[] },
): number[] {
  const starts: number[] = [];
  const slots: Slot[] = [];
  const next = (): Attempt => attempts[starts.length % attempts.length] ?? assert.fail();
  const begin = (slot: Slot, now: number): void => {
    slot.attempt = next();
    starts.push(now);
    if (!slots.includes(slot)) slots.push(slot);
  };
  let now = 0;
  while (now < until) {
    for (const slot of slots) look(slot, now);
    const view = viewOf(slots, now);
    const decision = decide(view);
    for (const action of decision.actions) {
      if (action.kind === 'start') {
        const life = { ...fresh, since: now, startedAt: now, quickExits: action.setbacks ?? 0 };
        begin({ id: `i${starts.length}`, life, attempt: next() }, now);
      } else if (action.kind === 'retry') {
        const slot = slots.find(({ id }) => id === action.instance) ?? assert.fail();
        slot.life = applyToInstance(slot.life, 'retry', now);
        begin(slot, now);
      } else if (action.kind === 'drain') {
        slots.splice(
          slots.findIndex(({ id }) => id === action.instance),
          1,
        );
      } else assert.fail(action.kind);
    }
    if (decision.actions.length > 0) continue;
    const changes = slots.flatMap((slot) => changesOf(slot)).filter((at) => at > now);
    const step = Math.min(until, decision.wakeAt ?? until, ...changes, now + 5_000);
    // A daemon that is away looks at nothing; what it finds then is later than it was.
    const away = daemonAway.find((from) => from <= step && step < from + minutes);
    now = away === undefined ? step : away + minutes;
  }
  return starts;
}

const fresh: InstanceLife = {
  state: 'starting',
  since: 0,
  startedAt: 0,
  quickExits: 0,
  retryAt: null,
  lastExit: null,
  failedProbes: 0,
  detail: null,
};

function changesOf({ life, attempt }: Slot): number[] {
  const after = [attempt.readyAfter, attempt.silentAfter, attempt.endsAfter];
  return after.flatMap((milliseconds) => (milliseconds === null ? [] : [life.startedAt + milliseconds]));
}

function look(slot: Slot, now: number): void {
  const { attempt } = slot;
  if (slot.life.retryAt !== null) return;
  const reached = (after: number | null): boolean => after !== null && now >= slot.life.startedAt + after;
  if (reached(attempt.endsAfter)) {
    const at = slot.life.startedAt + (attempt.endsAfter ?? 0);
    const exit: Exit = { code: 1, signal: null, reason: 'exited', at, detail: null };
    observe(slot, { now, run: { phase: 'exited', exit, remains: false }, ok: false });
    return;
  }
  const ok = reached(attempt.readyAfter) && !reached(attempt.silentAfter);
  // Three bad answers take it out; how fast they come is the prober's business.
  for (let probes = 0; probes < (ok ? 1 : 3); probes += 1)
    observe(slot, { now, run: { phase: 'running', listening: true }, ok });
}

function observe(slot: Slot, { now, run, ok }: { now: number; run: RunSeen; ok: boolean }): void {
  const probe = { ok, detail: ok ? 'answered 200' : 'no answer' };
  const { fraction } = slot.attempt;
  slot.life = observeInstance(slot.life, { now, run, probe, listens: true, overloaded: false, fraction }).life;
}

function viewOf(slots: readonly Slot[], now: number): ServiceView {
  const instances = slots.map(({ id, life }): InstanceView => {
    const { state, since, startedAt, quickExits, retryAt, lastExit, detail } = life;
    return {
      id,
      release: 1,
      state,
      since,
      startedAt,
      quickExits,
      retryAt,
      lastExit,
      detail,
      inTable: state === 'ready',
      inFlight: 0,
    };
  });
  return {
    now,
    watchedSince: 0,
    desired: 1,
    routed: true,
    exclusive: false,
    instanceless: [],
    unrouted: [],
    obstacle: null,
    current: 1,
    rollout: null,
    instances,
    policy,
  };
}

function mostInWindow(starts: readonly number[]): number {
  return Math.max(...starts.map((from) => starts.filter((at) => at >= from && at <= from + window).length));
}

describe('a service that does not stay up', () => {
  test('that exits at once is started fifteen times in ten minutes, and less after that', () => {
    const attempt: Attempt = { readyAfter: null, silentAfter: null, endsAfter: 0, fraction: 0 };
    const starts = startsOf([attempt], { until: 60 * minutes, daemonAway: [] });
    assert.equal(starts.filter((at) => at <= window).length, most);
    assert.equal(mostInWindow(starts), most);
    assert.ok(mostInWindow(starts.filter((at) => at > window)) <= 8);
  });

  test('that always hangs at boot is replaced less and less often', () => {
    const attempt: Attempt = { readyAfter: null, silentAfter: null, endsAfter: null, fraction: 0 };
    const starts = startsOf([attempt], { until: 60 * minutes, daemonAway: [] });
    assert.ok(mostInWindow(starts) <= 8, String(mostInWindow(starts)));
  });

  test('is never started more than fifteen times in any ten minutes, whatever its attempts do and whenever a daemon is away', () => {
    const moment = fc.oneof(
      fc.integer({ min: 0, max: 2_000 }),
      fc.integer({ min: 0, max: 60_000 }),
      fc.integer({ min: 0, max: 15 * minutes }),
    );
    const maybe = fc.option(moment, { nil: null });
    const attempt: fc.Arbitrary<Attempt> = fc.record({
      readyAfter: maybe,
      silentAfter: maybe,
      endsAfter: fc.option(moment, { nil: null, freq: 9 }),
      fraction: fc.double({ min: 0, max: 0.999, noNaN: true }),
    });
    const away = fc.array(fc.integer({ min: 0, max: 120 * minutes }), { maxLength: 3 });
    fc.assert(
      fc.property(fc.array(attempt, { minLength: 1, maxLength: 12 }), away, (attempts, daemonAway) => {
        const starts = startsOf(attempts, { until: 120 * minutes, daemonAway: daemonAway.toSorted((a, b) => a - b) });
        assert.ok(mostInWindow(starts) <= most, `${mostInWindow(starts)} starts: ${starts.join(' ')}`);
      }),
      { numRuns: 200 },
    );
  });
});
