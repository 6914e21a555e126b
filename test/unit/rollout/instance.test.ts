import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Exit } from '../../../src/model/instance.ts';
import { backoff } from '../../../src/rollout/backoff.ts';
import {
  applyToInstance,
  type InstanceLife,
  observeInstance,
  type Seen,
  settlesAt,
} from '../../../src/rollout/instance.ts';

const t0 = 1_000_000;
const starting: InstanceLife = {
  state: 'starting',
  since: t0,
  startedAt: t0,
  quickExits: 0,
  retryAt: null,
  lastExit: null,
  failedProbes: 0,
  detail: null,
};
const ready: InstanceLife = { ...starting, state: 'ready', since: t0 + 500 };
const running = { phase: 'running', listening: true } as const;

function exitAt(at: number): Exit {
  return { code: 1, signal: null, reason: 'exited', at, detail: null };
}

function seen(said: Partial<Seen> = {}): Seen {
  return {
    now: t0 + 1_000,
    run: running,
    probe: { ok: true, detail: 'answered 200' },
    listens: true,
    overloaded: false,
    fraction: 0.5,
    ...said,
  };
}

function after(life: InstanceLife, said: Partial<Seen>): InstanceLife {
  return observeInstance(life, seen(said)).life;
}

describe('readiness', () => {
  test('takes a good answer and a socket of the run itself', () => {
    assert.equal(after(starting, {}).state, 'ready');
    assert.equal(after(starting, { run: { phase: 'running', listening: false } }).state, 'starting');
    assert.equal(
      after(starting, { run: { phase: 'running', listening: false } }).detail,
      'it does not listen on its port',
    );
    assert.equal(after(starting, { run: { phase: 'launching' } }).state, 'starting');
    assert.equal(after(starting, { probe: null }).state, 'starting');
  });

  test('is lost by the third failed probe in a row and back with the first good one', () => {
    const bad = { probe: { ok: false, detail: 'answered 500' } };
    const twice = after(after(ready, bad), bad);
    assert.deepEqual([twice.state, twice.failedProbes], ['ready', 2]);
    const lost = after(twice, { ...bad, now: t0 + 9_000 });
    assert.deepEqual([lost.state, lost.since, lost.detail], ['unready', t0 + 9_000, 'answered 500']);
    assert.equal(after(after(twice, {}), bad).state, 'ready');
    assert.deepEqual([after(lost, {}).state, after(lost, {}).failedProbes], ['ready', 0]);
  });

  test('is not lost by an answer that comes late for all who ask', () => {
    const late = { overloaded: true, probe: { ok: false, detail: '/ no answer within 5 s', late: true } } as const;
    const often = (said: Partial<Seen>): InstanceLife => after(after(after(ready, said), said), said);
    assert.deepEqual([often(late).state, often(late).failedProbes], ['ready', 0]);
    assert.equal(often(late).detail, '/ no answer within 5 s: it is asked for more than it can answer');
    assert.equal(often({ ...late, overloaded: false }).state, 'unready', 'nobody else is answered either');
    assert.equal(
      often({ ...late, probe: { ok: false, detail: '/ answered 500' } }).state,
      'unready',
      'it says so itself',
    );
    assert.equal(after(starting, late).state, 'starting', 'it was never ready');
  });

  test('of a worker is that it has run for two seconds', () => {
    const worker = { listens: false, probe: null };
    assert.equal(after(starting, { ...worker, now: t0 + 1_999 }).state, 'starting');
    assert.equal(settlesAt(starting, false), t0 + 2_000);
    assert.equal(after(starting, { ...worker, now: t0 + 2_000 }).state, 'ready');
    assert.equal(settlesAt(starting, true), null);
  });
});

describe('an exit', () => {
  const exited = (at: number, remains = false) => ({
    now: at,
    run: { phase: 'exited', exit: exitAt(at), remains } as const,
  });

  test('leads to a wait that doubles, and to crash-looping from the fifth quick one', () => {
    const states: string[] = [];
    let life = starting;
    for (let count = 1; count <= 6; count += 1) {
      life = after(life, exited(t0 + 100));
      states.push(`${life.state} ${(life.retryAt ?? 0) - t0 - 100}`);
      life = applyToInstance(life, 'retry', t0 + 100);
    }
    assert.deepEqual(states, [
      'waiting 200',
      'waiting 400',
      'waiting 800',
      'waiting 1600',
      'crash-looping 3200',
      'crash-looping 6400',
    ]);
    assert.deepEqual([life.state, life.retryAt, life.quickExits], ['crash-looping', null, 6]);
    assert.equal(after(life, {}).state, 'ready');
  });

  test('after ten healthy minutes is not quick, and these forget former ones', () => {
    const old = { ...ready, quickExits: 4 };
    const ten = 10 * 60_000;
    assert.equal(after(old, exited(t0 + ten - 1)).quickExits, 5);
    const late = after(old, exited(t0 + ten));
    assert.deepEqual([late.quickExits, late.state, late.retryAt], [0, 'waiting', t0 + ten + 200]);
    assert.equal(after(old, { now: t0 + ten }).quickExits, 0);
    const deaf: InstanceLife = { ...old, state: 'unready', since: t0 + 1_000 };
    assert.equal(after(deaf, exited(t0 + ten)).quickExits, 5);
  });

  test('of a leader whose group lives on counts when the rest has been killed', () => {
    const left = observeInstance(ready, seen(exited(t0 + 2_000, true)));
    assert.deepEqual(left, { life: ready, clear: true });
    const stopping = applyToInstance(ready, 'terminate', t0 + 2_000);
    assert.deepEqual(observeInstance(stopping, seen(exited(t0 + 2_100, true))), { life: stopping, clear: false });
    assert.equal(after(stopping, exited(t0 + 2_200)).state, 'gone');
  });

  test('is observed once: between attempts the old run says nothing new', () => {
    const waiting = after(starting, exited(t0 + 100));
    assert.deepEqual(after(waiting, exited(t0 + 150)), waiting);
  });

  test('of a draining instance is its end', () => {
    assert.equal(after(applyToInstance(ready, 'drain', t0 + 900), exited(t0 + 1_000)).state, 'gone');
  });
});

test('actions change the record once and never bring an instance back', () => {
  const draining = applyToInstance(ready, 'drain', t0 + 900);
  assert.deepEqual([draining.state, draining.since], ['draining', t0 + 900]);
  assert.equal(applyToInstance(draining, 'drain', t0 + 950), draining);
  const stopping = applyToInstance(draining, 'terminate', t0 + 960);
  assert.deepEqual([stopping.state, stopping.since], ['stopping', t0 + 960]);
  assert.equal(applyToInstance(stopping, 'drain', t0 + 970), stopping);
  assert.equal(applyToInstance(stopping, 'terminate', t0 + 970), stopping);
  assert.equal(applyToInstance(stopping, 'retry', t0 + 970), stopping);
  assert.equal(after(draining, {}).state, 'draining');
});

test('the back-off doubles from 0.2 s to two minutes and varies by a fifth', () => {
  assert.deepEqual(
    [0, 1, 2, 9, 10, 11, 50].map((quick) => backoff(quick, 0.5)),
    [200, 200, 400, 51_200, 102_400, 120_000, 120_000],
  );
  assert.equal(backoff(1, 0), 160);
  assert.equal(backoff(11, 0), 96_000);
  assert.equal(backoff(11, 0.999_999), 144_000);
});
