import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openStore } from '../../../src/state/open.ts';
import type { HookRow, RepositoryRow } from '../../../src/state/records.ts';

const hook: HookRow = {
  id: 'hook-1',
  project: 'shop',
  environment: 'production',
  provider: 'forgejo',
  url: 'https://git.example.com/shop.git',
  branch: 'main',
  poll: 300_000,
  sealed: 'v1:sealed',
  publicKey: 'ssh-ed25519 AAAA kapal-shop',
  dueAt: 5,
  seen: 'c',
  failures: 2,
  problem: 'away',
  createdAt: 1,
};

describe('hooks on record', () => {
  test('come out as they went in; a known one changes in what is due and what was seen alone', () => {
    const { hooks } = openStore(':memory:');
    hooks.put(hook);
    assert.deepEqual(hooks.all(), [hook]);
    hooks.put({
      ...hook,
      url: 'https://elsewhere.example.com/',
      sealed: 'x',
      dueAt: null,
      seen: 'd',
      failures: 0,
      problem: null,
    });
    assert.deepEqual(hooks.get('hook-1'), { ...hook, dueAt: null, seen: 'd', failures: 0, problem: null });
    assert.deepEqual([hooks.remove('hook-1'), hooks.remove('hook-1'), hooks.get('hook-1')], [true, false, null]);
  });

  test('a delivery is taken once by any of its marks, of which the newest thousand are kept; with its hook they go', () => {
    const { hooks } = openStore(':memory:');
    hooks.put(hook);
    hooks.put({ ...hook, id: 'hook-2' });
    assert.equal(hooks.take('hook-1', ['id a', 'body x'], 1), true);
    assert.equal(hooks.take('hook-1', ['id a', 'body y'], 2), false);
    assert.equal(hooks.take('hook-1', ['id b', 'body x'], 3), false);
    assert.equal(hooks.take('hook-2', ['id a', 'body x'], 4), true);
    for (let at = 10; at < 1_010; at += 1) assert.equal(hooks.take('hook-1', [`id ${at}`], at), true);
    assert.equal(hooks.take('hook-1', ['id 1009'], 2_000), false);
    assert.equal(hooks.take('hook-1', ['id a'], 2_001), true, 'older than the newest thousand');
    hooks.remove('hook-2');
    hooks.put({ ...hook, id: 'hook-2' });
    assert.equal(hooks.take('hook-2', ['id a'], 3_000), true);
  });
});

test('repositories on record come out as they went in, and are replaced whole', () => {
  const { repositories } = openStore(':memory:');
  const row: RepositoryRow = {
    project: 'shop',
    branch: 'main',
    requireDeploy: true,
    tip: 'a',
    deployed: 'b',
    operation: 'o1',
    createdAt: 7,
  };
  repositories.put(row);
  repositories.put({
    ...row,
    project: 'api',
    branch: null,
    requireDeploy: false,
    tip: null,
    deployed: null,
    operation: null,
  });
  assert.deepEqual(repositories.get('shop'), row);
  assert.deepEqual(
    repositories.all().map(({ project }) => project),
    ['api', 'shop'],
  );
  repositories.remove('shop');
  assert.equal(repositories.get('shop'), null);
});
