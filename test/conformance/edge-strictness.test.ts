import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { proxyPool } from './edge.ts';
import { fieldCases } from './edge-strictness-fields.ts';
import { tell } from './edge-strictness-client.ts';
import type { Forwarded, StrictnessCase } from './edge-strictness-form.ts';
import { framingCases } from './edge-strictness-framing.ts';
import { Judge, type JudgedRequest } from './edge-strictness-judge.ts';
import { lineCases } from './edge-strictness-lines.ts';
import { type EngineUnderTest, engines } from './engines.ts';

const cases: readonly StrictnessCase[] = [...framingCases, ...lineCases, ...fieldCases];

test('at least 200 malformed or ambiguous requests, each with a name of its own', () => {
  assert.ok(cases.length >= 200, `${cases.length}`);
  assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length);
});

for (const kind of engines) {
  describe(`strictness: ${kind.name}`, () => {
    test(`${cases.length} requests are refused, or forwarded in one unambiguous form`, async (context) => {
      // Before the engine, which is given ports that are free at that moment.
      await using judge = await Judge.start();
      await using under = await kind.make();
      await serve(under, judge.port);
      const before = await workers(under);
      for (const one of cases) {
        judge.clear();
        await context.test(one.name, () => rule(under, judge, one));
      }
      assert.deepEqual(await workers(under), before, 'a worker died');
    });
  });
}

async function serve({ edge }: EngineUnderTest, port: number): Promise<void> {
  await edge.ensure();
  await edge.apply({
    version: 1,
    routes: ['a.test', 'b.test'].map((host) => ({ host, path: '/', pool: 'p' })),
    pools: [proxyPool('p', [port])],
    streams: [],
  });
}

async function workers({ edge }: EngineUnderTest): Promise<number[]> {
  return (await edge.status()).workers.map(({ pid }) => pid).toSorted((a, b) => a - b);
}

async function rule(under: EngineUnderTest, judge: Judge, { bytes, verdict }: StrictnessCase): Promise<void> {
  const heard = await tell(under.http, typeof bytes === 'string' ? [bytes] : bytes);
  assert.deepEqual(judge.problems, []);
  const got = judge.requests.filter(({ target }) => target !== '/last');
  assert.deepEqual(
    got.map(({ target }) => target).filter((target) => target.includes('smuggled')),
    [],
  );
  const [status] = heard.statuses;
  if (verdict === 'refused') {
    assert.deepEqual(got, []);
    assertRefused(status, heard.text);
    return;
  }
  const isFree = 'either' in verdict;
  if (isFree && got.length === 0) {
    assertRefused(status, heard.text);
    return;
  }
  assert.equal(got.length, 1, `${got.length} requests; heard ${JSON.stringify(heard.text.slice(0, 300))}`);
  assertForm(got[0], isFree ? verdict.either : verdict);
  assert.equal(status, 200);
}

/** By an answer that says so, or by the end of the connection: what is no HTTP gets no HTTP back. */
function assertRefused(status: number | undefined, text: string): void {
  if (text !== '')
    assert.ok(
      status === undefined ? /^<!doctype html>/i.test(text) : status >= 400 && status <= 505,
      text.slice(0, 300),
    );
}

function assertForm(request: JudgedRequest | undefined, form: Forwarded): void {
  assert.ok(request !== undefined);
  if (form.method !== undefined) assert.equal(request.method, form.method);
  assert.equal(request.target, form.target ?? '/');
  if (form.body !== undefined) assert.equal(request.body, form.body);
}
