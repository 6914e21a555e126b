import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type Asked,
  type EndpointHealth,
  heard,
  isNews,
  soundFromTheBeginning,
} from '../../../src/reconcile/endpoint-health.ts';

const answer = (change: Partial<Asked> = {}): Asked => ({
  asked: 'check',
  ok: true,
  refused: false,
  detail: 'answered 200',
  now: 1_000_000,
  monotonic: 500,
  ...change,
});
const failed = (change: Partial<Asked> = {}) => answer({ ok: false, detail: 'answered 500', ...change });
const after = (...all: readonly Asked[]): EndpointHealth => all.reduce(heard, soundFromTheBeginning);

describe('the health of an endpoint', () => {
  test('one failed check is no news, the second in a row is', () => {
    assert.equal(after(failed()).state, 'sound');
    assert.equal(after(failed(), answer(), failed()).state, 'sound');
    assert.deepEqual(after(failed(), failed()), {
      state: 'down',
      cause: 'check',
      detail: 'answered 500',
      unresolved: false,
      failures: 2,
    });
  });

  test('a refused connection needs no second look, nor does silence', () => {
    assert.equal(after(failed({ refused: true })).state, 'down');
    assert.deepEqual(after(failed({ asked: 'alive', detail: 'no answer' })), {
      state: 'down',
      cause: 'silent',
      detail: 'no answer',
      unresolved: false,
      failures: 0,
    });
  });

  test('one good answer brings it back, at that moment', () => {
    const back = after(failed(), failed(), answer({ now: 7_000, monotonic: 70 }));
    assert.deepEqual(back, { state: 'sound', failures: 0, trustedUntil: 3_070, since: 7_000 });
  });

  test('what went silent comes back by an answer, not by an accepted connection', () => {
    const silent = after(failed({ asked: 'alive' }));
    assert.equal(heard(silent, answer()).state, 'down');
    assert.equal(heard(silent, answer({ asked: 'alive' })).state, 'sound');
  });

  test('who answers though it stalls is trusted for a while', () => {
    assert.deepEqual(after(answer({ asked: 'alive' })), {
      state: 'sound',
      failures: 0,
      trustedUntil: 3_500,
      since: null,
    });
  });

  test('news are going down, coming back, and a name that stops resolving or resolves again meanwhile', () => {
    const nowhere = failed({ unresolved: true, detail: 'app.internal does not resolve (ENOTFOUND)' });
    const states = [failed(), failed(), failed({ detail: 'answered 502' }), nowhere, nowhere, failed(), answer()];
    let health: EndpointHealth = soundFromTheBeginning;
    const news = states.map((asked) => {
      const before = health;
      health = heard(before, asked);
      return isNews(before, health);
    });
    assert.deepEqual(news, [false, true, false, true, false, true, true]);
    assert.equal(after(nowhere).state, 'sound', 'one that does not resolve gets a second look');
  });

  test('whatever comes, an answer to a request ends in soundness, and a refusal of a check in none', () => {
    const any: fc.Arbitrary<Asked> = fc.record({
      asked: fc.constantFrom('check', 'alive'),
      ok: fc.boolean(),
      refused: fc.boolean(),
      detail: fc.string(),
      now: fc.nat(),
      monotonic: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(any), (all) => {
        assert.equal(heard(after(...all), answer({ asked: 'alive' })).state, 'sound');
        assert.equal(heard(after(...all), failed({ refused: true })).state, 'down');
      }),
    );
  });
});
