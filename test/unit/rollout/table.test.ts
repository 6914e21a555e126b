import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routable } from '../../../src/rollout/table.ts';
import { instance, now, rollout, view } from './example.ts';

const target = instance('c', { release: 2, inTable: false });

test('the edge names what is ready of the current release', () => {
  const instances = [
    instance('b'),
    instance('a'),
    instance('x', { state: 'starting' }),
    instance('y', { state: 'draining' }),
  ];
  assert.deepEqual(routable(view({ instances })), ['a', 'b']);
});

test('a target is named from its promotion on, not before', () => {
  const instances = [instance('a'), target];
  for (const phase of ['warming', 'shifting', 'aborting'] as const) {
    assert.deepEqual(routable(view({ instances, rollout: rollout({ phase }) })), ['a'], phase);
  }
  assert.deepEqual(routable(view({ instances, current: 2, rollout: rollout({ phase: 'shifting' }) })), ['a', 'c']);
  assert.deepEqual(routable(view({ instances, current: 1, rollout: rollout({ phase: 'withdrawing' }) })), ['a', 'c']);
});

test('what is left of another release keeps its place and gets no new one', () => {
  assert.deepEqual(routable(view({ instances: [instance('a'), instance('x', { release: 0 })] })), ['a', 'x']);
  assert.deepEqual(routable(view({ instances: [instance('a'), instance('x', { release: 0, inTable: false })] })), [
    'a',
  ]);
});

test('where nothing is ready, what runs or drains beats nothing', () => {
  const deaf = instance('a', { state: 'unready', inTable: true });
  const draining = instance('b', { state: 'draining', inTable: true });
  assert.deepEqual(routable(view({ instances: [deaf, draining] })), ['a', 'b']);
  assert.deepEqual(routable(view({ instances: [{ ...draining, inTable: false }] })), []);
  const older = { ...draining, release: 0, since: now - 29_999 };
  assert.deepEqual(routable(view({ instances: [older] })), ['b']);
  assert.deepEqual(routable(view({ instances: [{ ...older, since: now - 30_000 }] })), []);
});

test('stopped services and workers have no table', () => {
  assert.deepEqual(routable(view({ desired: 0 })), []);
  assert.deepEqual(routable(view({ routed: false })), []);
});
