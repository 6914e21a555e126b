import { after, before, describe, test } from 'node:test';
import { type BalancingCase, Stage } from './balancing-stage.ts';
import { choiceCases } from './edge-balancing-choice.ts';
import { failureCases } from './edge-balancing-failure.ts';
import { placeCases } from './edge-balancing-places.ts';
import { stoppedCases } from './edge-balancing-stopped.ts';
import { type EngineKind, type EngineUnderTest, engines } from './engines.ts';

const groups: readonly { readonly name: string; readonly cases: readonly BalancingCase[] }[] = [
  { name: 'choice', cases: choiceCases },
  { name: 'failure', cases: failureCases },
  { name: 'places', cases: placeCases },
  { name: 'a stopped process', cases: stoppedCases },
];

for (const kind of engines) {
  for (const { name, cases } of groups) describe(`balancing, ${name}: ${kind.name}`, () => group(kind, cases));
}

/** One engine for all cases of a group: each has a host, a pool and endpoints of its own, and tables only follow each other. */
function group(kind: EngineKind, cases: readonly BalancingCase[]): void {
  const versions = { next: 0 };
  let under: EngineUnderTest | null = null;
  before(async () => {
    under = await kind.make();
    await under.edge.ensure();
  });
  after(() => under?.[Symbol.asyncDispose]());
  for (const [i, { name, run }] of cases.entries()) {
    test(name, { timeout: 120_000 }, async () => {
      if (under === null) throw new Error('the engine did not start');
      await using stage = new Stage(under, `case${i + 1}`, versions);
      await run(stage);
    });
  }
}
