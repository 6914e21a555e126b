import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { serviceId, type ServiceId } from '../../../src/model/service.ts';
import { StartTurns } from '../../../src/reconcile/start-turns.ts';

function idOf(service: string): ServiceId {
  return serviceId({ project: 'p', environment: 'production', service });
}

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(idOf) as [ServiceId, ServiceId, ServiceId, ServiceId];
const none = new Set<never>();
const rollout = new Set(['rollout'] as const);

describe('turns of programs that boot', () => {
  test('as many as there are; the next when one is ready, in the order of their asking', () => {
    const woken: ServiceId[] = [];
    const turns = new StartTurns(2, (service) => woken.push(service));
    assert.deepEqual(
      [a, b, c, d].map((service) => turns.take(service, 'rollout')),
      [true, true, false, false],
    );
    assert.ok(turns.isWaiting(c) && turns.isWaiting(d) && !turns.isWaiting(a));
    turns.sees(a, [{ instance: 'a1', kind: 'rollout' }]);
    assert.deepEqual(woken, []);
    turns.sees(a, []);
    assert.deepEqual(woken, [c]);
    assert.equal(turns.take(d, 'rollout'), false, 'nobody is overtaken');
    assert.equal(turns.take(c, 'rollout'), true);
    assert.equal(turns.take(d, 'rollout'), false);
  });

  test('one that does not want to start any more leaves the line', () => {
    const woken: ServiceId[] = [];
    const turns = new StartTurns(1, (service) => woken.push(service));
    assert.deepEqual(
      [a, b, c].map((service) => turns.take(service, 'rollout')),
      [true, false, false],
    );
    turns.waits(b, none);
    turns.sees(a, []);
    assert.deepEqual(woken, [c]);
    turns.waits(c, rollout);
    assert.ok(turns.isWaiting(c));
    turns.forget(c);
    assert.ok(!turns.isWaiting(c));
  });

  test('what has to be restarted does not wait for rollouts that hang', () => {
    const turns = new StartTurns(1, () => undefined);
    assert.ok(turns.take(a, 'rollout'));
    assert.ok(!turns.take(b, 'rollout'));
    assert.ok(turns.take(c, 'keeping'));
    assert.ok(!turns.take(d, 'keeping'));
  });

  test('what warms when the daemon comes back counts, even where it is more than there may be', () => {
    const turns = new StartTurns(1, () => undefined);
    turns.sees(a, [
      { instance: 'a1', kind: 'keeping' },
      { instance: 'a2', kind: 'keeping' },
    ]);
    assert.ok(!turns.take(b, 'keeping'));
    turns.sees(a, [{ instance: 'a1', kind: 'keeping' }]);
    assert.ok(!turns.take(b, 'keeping'));
    turns.sees(a, []);
    assert.ok(turns.take(b, 'keeping'));
  });
});
