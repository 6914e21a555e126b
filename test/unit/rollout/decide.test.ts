import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decide } from '../../../src/rollout/decide.ts';
import type { Exit } from '../../../src/model/instance.ts';
import { decided, instance, now, rollout, view } from './example.ts';

const crash: Exit = { code: 1, signal: null, reason: 'exited', at: now, detail: null };

describe('before the target takes traffic', () => {
  test('preDeployCommand runs before any instance starts', () => {
    const preparing = rollout({ phase: 'preparing', prepare: 'wanted' });
    assert.deepEqual(decided(view({ rollout: preparing })), ['prepare 2']);
    assert.deepEqual(decided(view({ rollout: { ...preparing, prepare: 'running' } })), []);
    assert.deepEqual(decided(view({ rollout: { ...preparing, prepare: 'succeeded' } })), ['phase warming']);
    assert.deepEqual(decided(view({ rollout: { ...preparing, prepare: 'failed' } })), [
      'phase aborting predeploy_failed',
    ]);
  });

  test('a preDeployCommand that does not end is given up after half an hour', () => {
    const preparing = rollout({ phase: 'preparing', prepare: 'running', since: now });
    assert.equal(decide(view({ rollout: preparing })).wakeAt, now + 30 * 60_000);
    assert.deepEqual(decided(view({ rollout: { ...preparing, since: now - 30 * 60_000 } })), [
      'phase aborting predeploy_failed',
    ]);
  });

  test('rolling starts one instance and waits for it at the gate', () => {
    assert.deepEqual(decided(view({ rollout: rollout() })), ['start 2']);
    const booting = instance('c', { release: 2, state: 'starting' });
    const waiting = view({ rollout: rollout(), instances: [instance('a'), instance('b'), booting] });
    assert.deepEqual(decided(waiting), []);
    assert.equal(decide(waiting).wakeAt, booting.startedAt + 30_000);
  });

  test('what came ready while no daemon looked is not late: it is looked at first', () => {
    const booting = instance('c', { release: 2, state: 'starting', startedAt: now - 60_000 });
    const seen = view({
      rollout: rollout({ since: now - 900_000 }),
      instances: [instance('a'), instance('b'), booting],
    });
    assert.deepEqual(decided(seen), ['phase aborting health_failed']);
    assert.deepEqual(decided({ ...seen, watchedSince: now - 100 }), []);
    assert.equal(decide({ ...seen, watchedSince: now - 100 }).wakeAt, now - 100 + 3_000);
    assert.deepEqual(decided({ ...seen, watchedSince: now - 3_000 }), ['phase aborting health_failed']);
  });

  test('the gate promotes by compare-and-set from what serves', () => {
    const ready = instance('c', { release: 2, inTable: false });
    const seen = view({ rollout: rollout(), instances: [instance('a'), instance('b'), ready] });
    assert.deepEqual(decided(seen), ['promote 1 to 2', 'phase shifting']);
  });

  test('blue-green starts all that are wanted and opens the gate when all are ready', () => {
    const policy = { ...view().policy, strategy: 'blue-green' } as const;
    const old = [instance('a'), instance('b')];
    const ready = instance('c', { release: 2, inTable: false });
    assert.deepEqual(decided(view({ policy, rollout: rollout() })), ['start 2', 'start 2']);
    assert.deepEqual(decided(view({ policy, rollout: rollout(), instances: [...old, ready] })), ['start 2']);
    const all = [...old, ready, { ...ready, id: 'd' }];
    assert.deepEqual(decided(view({ policy, rollout: rollout(), instances: all })), [
      'promote 1 to 2',
      'phase shifting',
    ]);
  });

  test('a stopped service is promoted without a gate and live at once', () => {
    const stopped = view({ desired: 0, instances: [] });
    assert.deepEqual(decided({ ...stopped, rollout: rollout() }), ['promote 1 to 2', 'phase shifting']);
    assert.deepEqual(decided({ ...stopped, current: 2, rollout: rollout({ phase: 'shifting' }) }), ['finish live']);
  });

  test('the third quick exit aborts, names the instance and says how it ended', () => {
    const crashed = instance('c', { release: 2, state: 'waiting', quickExits: 3, retryAt: now + 800, lastExit: crash });
    const { actions } = decide(view({ rollout: rollout(), instances: [instance('a'), instance('b'), crashed] }));
    assert.deepEqual(
      actions.map((action) => (action.kind === 'phase' ? action.failure : null)),
      [{ code: 'boot_crashed', message: 'Instance c exited with code 1, its exit number 3 in a row', instance: 'c' }],
    );
  });

  test('an attempt that is not ready in time aborts, saying what the last probe saw', () => {
    const late = instance('c', { release: 2, state: 'starting', startedAt: now - 30_000, detail: 'answered 503' });
    const { actions } = decide(view({ rollout: rollout(), instances: [instance('a'), instance('b'), late] }));
    assert.deepEqual(
      actions.map((action) => (action.kind === 'phase' ? action.failure : null)),
      [{ code: 'health_failed', message: 'Instance c was not ready within 30 s: answered 503', instance: 'c' }],
    );
  });

  test('a cancel and a newer deploy abort', () => {
    assert.deepEqual(decided(view({ rollout: rollout({ cancel: 'requested' }) })), ['phase aborting cancelled']);
    assert.deepEqual(decided(view({ rollout: rollout({ cancel: 'superseded' }) })), ['phase aborting superseded']);
  });

  test('aborting stops the target, leaves the old alone and ends when the target is gone', () => {
    const failure = { code: 'boot_crashed', message: 'it crashed', instance: 'c' } as const;
    const aborting = rollout({ phase: 'aborting', failure });
    const old = [instance('a'), instance('b')];
    assert.deepEqual(
      decided(view({ rollout: aborting, instances: [...old, instance('c', { release: 2, state: 'starting' })] })),
      ['terminate c'],
    );
    const stopping = instance('c', { release: 2, state: 'stopping', since: now - 30_000 });
    assert.deepEqual(decided(view({ rollout: aborting, instances: [...old, stopping] })), ['kill c']);
    assert.deepEqual(decided(view({ rollout: aborting })), ['finish failed']);
    const cancelled = { ...failure, code: 'cancelled' } as const;
    assert.deepEqual(decided(view({ rollout: { ...aborting, failure: cancelled } })), ['finish cancelled']);
  });

  test('a target is tried even where what does not work of the current release fills every place', () => {
    const instances = ['a', 'b', 'c'].map((id) =>
      instance(id, { state: 'crash-looping', quickExits: 9, retryAt: now + 60_000 }),
    );
    assert.deepEqual(decided(view({ rollout: rollout(), instances })), ['drain c', 'start 2']);
  });
});

describe('while traffic shifts', () => {
  const shifting = view({ current: 2, rollout: rollout({ phase: 'shifting' }) });

  test('an old instance drains once the edge has confirmed the new one, and the next starts in its place', () => {
    const unconfirmed = instance('c', { release: 2, inTable: null });
    assert.deepEqual(decided({ ...shifting, instances: [instance('a'), instance('b'), unconfirmed] }), []);
    const confirmed = instance('c', { release: 2 });
    assert.deepEqual(decided({ ...shifting, instances: [instance('a'), instance('b'), confirmed] }), [
      'drain b',
      'start 2',
    ]);
  });

  test('it is live when all that are wanted serve and nothing else is named, whatever still drains', () => {
    const fresh = [instance('c', { release: 2 }), instance('d', { release: 2 })];
    const old = (inTable: boolean | null) => instance('a', { state: 'draining', inTable, inFlight: 3 });
    assert.deepEqual(decided({ ...shifting, instances: [instance('a'), ...fresh] }), ['drain a']);
    assert.deepEqual(decided({ ...shifting, instances: [old(true), ...fresh] }), []);
    assert.deepEqual(decided({ ...shifting, instances: [old(null), ...fresh] }), []);
    assert.deepEqual(decided({ ...shifting, instances: [old(false), ...fresh] }), ['finish live']);
  });

  test('what serves as wanted is live at the limit, though the edge never confirmed that the old is out', () => {
    const instances = [
      instance('a', { state: 'draining', inTable: null, inFlight: null }),
      instance('c', { release: 2 }),
      instance('d', { release: 2 }),
    ];
    const late = rollout({ phase: 'shifting', since: now - 3 * 35_000 });
    assert.deepEqual(decided({ ...shifting, rollout: late, instances }), ['finish live']);
  });

  test('old instances that do not work go first and wait for nobody', () => {
    const instances = [
      instance('a'),
      instance('b', { state: 'waiting', retryAt: now + 9 }),
      instance('c', { release: 2, inTable: null }),
    ];
    assert.deepEqual(decided({ ...shifting, instances }), ['drain b', 'start 2']);
  });

  test('a lost promotion is asked for again', () => {
    const instances = [instance('a'), instance('b'), instance('c', { release: 2, inTable: false })];
    assert.deepEqual(decided({ ...shifting, current: 1, instances }), ['promote 1 to 2']);
  });

  test('a third quick exit withdraws the target', () => {
    const crashed = instance('d', { release: 2, state: 'waiting', quickExits: 3, retryAt: now + 800, lastExit: crash });
    const seen = { ...shifting, instances: [instance('a'), instance('c', { release: 2 }), crashed] };
    assert.deepEqual(decided(seen), ['phase withdrawing rollout_regressed']);
  });

  test('a cancel withdraws; a newer deploy lets it be live with the first that serves', () => {
    const instances = [instance('a'), instance('b'), instance('c', { release: 2 })];
    const cancelled = { ...shifting, rollout: rollout({ phase: 'shifting', cancel: 'requested' }), instances };
    assert.deepEqual(decided(cancelled), ['phase withdrawing cancelled']);
    const superseded = { ...shifting, rollout: rollout({ phase: 'shifting', cancel: 'superseded' }), instances };
    assert.deepEqual(decided(superseded).at(-1), 'finish live');
  });

  test('withdrawing starts the old again, promotes it back when it is ready and only then drains the target', () => {
    const withdrawing = { ...shifting, rollout: rollout({ phase: 'withdrawing' }) };
    const target = [instance('c', { release: 2 }), instance('d', { release: 2 })];
    assert.deepEqual(decided({ ...withdrawing, instances: target }), ['start 1']);
    const back = { ...withdrawing, instances: [...target, instance('e', { inTable: false })] };
    assert.deepEqual(decided(back), ['promote 2 to 1']);
    const confirmed = { ...withdrawing, current: 1, instances: [...target, instance('e')] };
    assert.deepEqual(decided(confirmed), ['drain d', 'start 1']);
    const done = { ...withdrawing, current: 1, instances: [instance('e'), instance('f')] };
    assert.deepEqual(decided(done), ['finish rolled_back']);
  });

  test('a first release that is withdrawn leaves nothing', () => {
    const first = rollout({ from: null, to: 1, phase: 'withdrawing' });
    assert.deepEqual(decided(view({ rollout: first })), ['drain b', 'drain a', 'promote 1 to null']);
  });
});

describe('without a rollout', () => {
  test('what is missing starts, and nothing is asked for when all is well', () => {
    assert.deepEqual(decided(view({ desired: 4 })), ['start 1', 'start 1']);
    assert.deepEqual(decide(view()), { actions: [], wakeAt: null });
  });

  test('of a surplus goes what is least useful: not ready first, then the newest', () => {
    const starting = instance('c', { state: 'starting' });
    assert.deepEqual(decided(view({ instances: [instance('a'), instance('b'), starting] })), ['drain c']);
    const newest = instance('c', { startedAt: now - 10 });
    assert.deepEqual(decided(view({ instances: [instance('a'), newest, instance('b')] })), ['drain c']);
  });

  test('the back-off of an instance is awaited', () => {
    const waiting = instance('b', { state: 'waiting', retryAt: now + 400, quickExits: 2 });
    assert.equal(decide(view({ instances: [instance('a'), waiting] })).wakeAt, now + 400);
    assert.deepEqual(decided(view({ now: now + 400, instances: [instance('a'), waiting] })), ['retry b']);
  });

  test('an instance that answers nothing for long is replaced, the last one only after its replacement serves', () => {
    const silent = instance('b', { state: 'unready', since: now - 30_000 });
    assert.deepEqual(decided(view({ instances: [instance('a'), silent] })), ['drain b', 'start 1']);
    assert.deepEqual(decided(view({ desired: 1, instances: [silent] })), ['start 1']);
    assert.deepEqual(decided(view({ desired: 1, instances: [silent, instance('c', { state: 'starting' })] })), []);
    assert.deepEqual(decided(view({ desired: 1, instances: [silent, instance('c')] })), ['drain b']);
  });

  test('what is left of other releases drains as the current one can do without it', () => {
    const left = [instance('x', { release: 0 }), instance('y', { release: 0 })];
    assert.deepEqual(decided(view({ instances: [instance('a'), ...left] })), ['drain y', 'start 1']);
    assert.deepEqual(decided(view({ instances: [instance('a'), instance('b'), ...left] })), ['drain y', 'drain x']);
  });

  test('a stopped service keeps nothing', () => {
    assert.deepEqual(decided(view({ desired: 0 })), ['drain b', 'drain a']);
  });
});

describe('the end of an instance', () => {
  const others = [instance('a'), instance('b')];
  const draining = instance('x', { release: 0, state: 'draining', since: now - 1_000 });
  const end = (said: Partial<typeof draining>, service = {}) =>
    decided(view({ instances: [...others, { ...draining, ...said }], ...service }));

  test('SIGTERM waits for the confirmed table and for what is under way', () => {
    assert.deepEqual(end({ inTable: true, inFlight: 0 }), []);
    assert.deepEqual(end({ inTable: null, inFlight: 0, since: now - 60_000 }), []);
    assert.deepEqual(end({ inTable: false, inFlight: 3 }), []);
    assert.deepEqual(end({ inTable: false, inFlight: null }), []);
    assert.deepEqual(end({ inTable: false, inFlight: 0 }), ['terminate x']);
    assert.deepEqual(end({ inTable: false, inFlight: 3, since: now - 30_000 }), ['terminate x']);
  });

  test('a worker is told to stop at once', () => {
    assert.deepEqual(end({ inTable: false }, { routed: false }), ['terminate x']);
  });

  test('SIGTERM is sent once, and SIGKILL follows as often as it takes', () => {
    assert.deepEqual(end({ state: 'stopping' }), []);
    assert.deepEqual(end({ state: 'stopping', since: now - 30_000 }), ['kill x']);
    assert.deepEqual(end({ state: 'stopping', since: now - 90_000 }), ['kill x']);
  });

  test('a stopped service does not wait for a dead edge longer than for its requests', () => {
    const stopped = { desired: 0, instances: [{ ...draining, inTable: null, since: now - 30_000 }] };
    assert.deepEqual(decided(view(stopped)), ['terminate x']);
  });
});
