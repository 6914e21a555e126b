import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OperationDocument, OperationEvent } from '../../../src/api/contract/types.ts';
import { Progress } from '../../../src/reconcile/operations/progress.ts';

const stage = (message: string): OperationEvent => ({ kind: 'stage', service: 'shop', stage: 'build', message });
const operation: OperationDocument = {
  id: 'o1',
  kind: 'deploy',
  state: 'finished',
  createdAt: '2026-01-01T00:00:00.000Z',
  finishedAt: '2026-01-01T00:00:01.000Z',
  result: null,
  error: null,
};
const finished: OperationEvent = { kind: 'finished', operation };

test('who follows from before the end has every event, however slowly; what is said after the end begins nothing anew', async () => {
  const progress = new Progress();
  const { signal } = new AbortController();
  const following = progress.follow('o1', signal)[Symbol.asyncIterator]();
  const first = following.next();
  for (const message of ['one', 'two', 'three']) progress.publish('o1', stage(message));
  assert.deepEqual(await first, { done: false, value: stage('one') });
  progress.publish('o1', finished);
  progress.publish('o1', stage('too late'));
  const rest: OperationEvent[] = [];
  for (let next = await following.next(); next.done !== true; next = await following.next()) rest.push(next.value);
  assert.deepEqual(rest, [stage('two'), stage('three'), finished]);

  const late = new AbortController();
  const nothing = progress.follow('o1', late.signal)[Symbol.asyncIterator]().next();
  progress.publish('o1', stage('far too late'));
  late.abort();
  assert.equal((await nothing).done, true);
});
