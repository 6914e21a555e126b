import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstanceView } from '../../../src/rollout/view.ts';
import { serviceStatus } from '../../../src/rollout/status.ts';
import { instance, now, rollout, view } from './example.ts';

const facts = { stopped: false, everFailed: false };
const of = (...instances: InstanceView[]) => serviceStatus(view({ instances }), facts);

test('a service is what its instances are', () => {
  const booting = instance('c', { state: 'starting' });
  const looping = instance('c', { state: 'crash-looping', quickExits: 5, retryAt: now + 1 });
  assert.equal(of(instance('a'), instance('b')), 'running');
  assert.equal(of(instance('a'), looping), 'degraded');
  assert.equal(of(looping), 'crash-looping');
  assert.equal(of(instance('a', { state: 'unready' })), 'degraded');
  assert.equal(of(booting, { ...booting, id: 'd' }), 'pending');
  assert.equal(of({ ...booting, quickExits: 1 }), 'degraded');
  assert.equal(of(), 'pending');
});

test('what its user and its rollouts did comes first', () => {
  assert.equal(serviceStatus(view({ rollout: rollout() }), facts), 'deploying');
  assert.equal(serviceStatus(view({ rollout: rollout() }), { ...facts, stopped: true }), 'stopped');
  assert.equal(serviceStatus(view({ current: null, instances: [] }), facts), 'pending');
  assert.equal(serviceStatus(view({ current: null, instances: [] }), { ...facts, everFailed: true }), 'failed');
});

test('a service that needs no instances runs with none', () => {
  assert.equal(serviceStatus(view({ desired: 0, instances: [] }), facts), 'running');
});
