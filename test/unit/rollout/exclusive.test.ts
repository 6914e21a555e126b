import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decide } from '../../../src/rollout/decide.ts';
import { routable } from '../../../src/rollout/table.ts';
import type { ServiceView } from '../../../src/rollout/view.ts';
import { decided, instance, now, rollout, view } from './example.ts';

/** A service with a disk, whose one instance serves, but for what is said. */
function disk(said: Partial<ServiceView> = {}): ServiceView {
  return view({ exclusive: true, desired: 1, instances: [instance('a')], ...said });
}

describe('a service with a disk', () => {
  test('is left alone while its one instance serves', () => assert.deepEqual(decided(disk()), []));

  test('stops what runs, waits until it is gone, and only then starts the next release', () => {
    assert.deepEqual(decided(disk({ rollout: rollout() })), ['drain a']);
    const draining = instance('a', { state: 'draining', inTable: false, inFlight: 0 });
    assert.deepEqual(decided(disk({ rollout: rollout(), instances: [draining] })), ['terminate a']);
    const stopping = instance('a', { state: 'stopping' });
    assert.deepEqual(decided(disk({ rollout: rollout(), instances: [stopping] })), []);
    assert.deepEqual(decided(disk({ rollout: rollout(), instances: [] })), ['start 2']);
    const [start] = decide(disk({ rollout: rollout(), instances: [] })).actions;
    assert.equal(start?.kind === 'start' && start.alone, true);
    const ready = instance('b', { release: 2, inTable: false });
    assert.deepEqual(decided(disk({ rollout: rollout(), instances: [ready] })), ['promote 1 to 2', 'phase shifting']);
  });

  test('runs preDeployCommand when nothing else has the disk, and starts nothing beside it', () => {
    const preparing = rollout({ phase: 'preparing', prepare: 'wanted' });
    assert.deepEqual(decided(disk({ rollout: preparing })), ['drain a']);
    assert.deepEqual(decided(disk({ rollout: preparing, instances: [instance('a', { state: 'stopping' })] })), []);
    assert.deepEqual(decided(disk({ rollout: preparing, instances: [] })), ['prepare 2']);
    assert.deepEqual(decided(disk({ rollout: { ...preparing, prepare: 'running' }, instances: [] })), []);
    const failed = { ...preparing, prepare: 'failed' } as const;
    assert.deepEqual(decided(disk({ rollout: failed, instances: [] })), ['phase aborting predeploy_failed']);
  });

  test('starts the old release again after a failure, and ends the rollout when that serves', () => {
    const failure = { code: 'boot_crashed', message: 'it crashed', instance: 'b' } as const;
    const aborting = rollout({ phase: 'aborting', failure });
    const failed = instance('b', { release: 2, state: 'waiting', retryAt: now + 100 });
    assert.deepEqual(decided(disk({ rollout: aborting, instances: [failed] })), ['terminate b']);
    assert.deepEqual(decided(disk({ rollout: aborting, instances: [] })), ['start 1']);
    assert.deepEqual(decided(disk({ rollout: { ...aborting, prepare: 'running' }, instances: [] })), []);
    const booting = instance('c', { state: 'starting' });
    assert.deepEqual(decided(disk({ rollout: aborting, instances: [booting] })), []);
    assert.deepEqual(decided(disk({ rollout: aborting })), ['finish failed']);
  });

  test('starts nothing for the sake of a newer deploy, which would stop it again', () => {
    const failure = { code: 'superseded', message: 'a newer one', instance: null } as const;
    const aborting = rollout({ phase: 'aborting', cancel: 'superseded', failure });
    assert.deepEqual(decided(disk({ rollout: aborting, instances: [] })), ['finish cancelled']);
  });

  test('withdraws by stopping the new release before the old one starts', () => {
    const failure = { code: 'rollout_regressed', message: 'it broke', instance: 'b' } as const;
    const withdrawing = rollout({ phase: 'withdrawing', failure });
    const seen = { rollout: withdrawing, current: 2 };
    assert.deepEqual(decided(disk({ ...seen, instances: [instance('b', { release: 2 })] })), ['drain b']);
    assert.deepEqual(decided(disk({ ...seen, instances: [] })), ['start 1']);
    assert.deepEqual(decided(disk({ ...seen, instances: [instance('c')] })), ['promote 2 to 1']);
  });

  test('replaces an instance that hangs only when that one is gone', () => {
    const hung = instance('a', { state: 'unready', since: now - 60_000 });
    assert.deepEqual(decided(disk({ instances: [hung] })), ['drain a']);
    assert.deepEqual(decided(disk({ instances: [instance('a', { state: 'stopping' })] })), []);
    assert.deepEqual(decided(disk({ instances: [] })), ['start 1']);
  });

  test('is not routed any more to what has to let go of the disk', () => {
    const draining = instance('a', { state: 'draining', inTable: true });
    assert.deepEqual(routable(disk({ rollout: rollout(), instances: [draining] })), []);
    assert.deepEqual(routable({ ...disk({ rollout: rollout(), instances: [draining] }), exclusive: false }), ['a']);
  });
});

describe('what cannot run here as it is wanted', () => {
  const obstacle = 'api always listens on port 3000';

  test('ends its rollout before anything of what serves is stopped', () => {
    const seen = { rollout: rollout(), obstacle, instances: [instance('a'), instance('b', { release: 2 })] };
    assert.deepEqual(decided(view(seen)), ['phase aborting port_insisted']);
    const [phase] = decide(view(seen)).actions;
    assert.equal(phase?.reason, obstacle);
  });

  test('is withdrawn where it takes traffic already', () => {
    const shifting = rollout({ phase: 'shifting' });
    const seen = { rollout: shifting, current: 2, obstacle, instances: [instance('b', { release: 2 })] };
    assert.deepEqual(decided(view(seen)), ['phase withdrawing rollout_regressed']);
  });

  test('without a rollout nothing is done about it', () => assert.deepEqual(decided(view({ obstacle })), []));
});
