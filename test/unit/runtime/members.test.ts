import assert from 'node:assert/strict';
import { test } from 'node:test';
import { membersAmong, type RunOfProcesses } from '../../../src/runtime/process/members.ts';

const run: RunOfProcesses = { id: 'web.1', mark: 'here.web.1', leader: { pid: 100, start: 50, boot: 'b' }, uid: null };

const blank = { state: 'S', parent: 1, ticks: 0 };

/** php-fpm and nginx write their titles over their environment: no mark is left, and only the session tells. */
test('without a cgroup and a user of its own, a session counts as long as its leader lives', () => {
  const leader = { pid: 100, start: 50, session: 100, group: 100 };
  const title = { pid: 101, start: 60, session: 100, group: 101 };
  const marked = { pid: 102, start: 60, session: 102, group: 102 };
  const foreign = { pid: 103, start: 60, session: 100, group: 103 };
  const marks: Readonly<Record<number, string>> = { 100: 'here.web.1', 102: 'here.web.1', 103: 'here.web.2' };
  const found = (pids: readonly (typeof leader)[], start = run.leader.start) =>
    membersAmong(
      { ...run, leader: { ...run.leader, start } },
      { stats: pids.map((stat) => ({ ...blank, ...stat })), markOn: (pid) => marks[pid] ?? null },
    ).map(({ pid }) => pid);
  assert.deepEqual(found([leader, title, marked, foreign]), [100, 101, 102]);
  assert.deepEqual(found([title, marked]), [102], 'its number may be anybody else by now');
  assert.deepEqual(found([leader, title, marked], 40), [102], 'its number is another process by now');
});
