import { after, before, describe, test } from 'node:test';
import { type BalancingCase, Stage } from './balancing-stage.ts';
import { choiceCases } from './edge-balancing-choice.ts';
import { failureCases } from './edge-balancing-failure.ts';
import { gapCases } from './edge-balancing-gap.ts';
import { placeCases } from './edge-balancing-places.ts';
import { stoppedCases } from './edge-balancing-stopped.ts';
import { type EngineUnderTest, engines } from './engines.ts';

const groups: readonly { readonly name: string; readonly cases: readonly BalancingCase[] }[] = [
  { name: 'choice', cases: choiceCases },
  { name: 'failure', cases: failureCases },
  { name: 'places', cases: placeCases },
  { name: 'gap', cases: gapCases },
  { name: 'stopped process', cases: stoppedCases },
];

/** One engine for all cases: each has a host, a pool and endpoints of its own, and tables only follow each other. */
for (const kind of engines) {
  describe(`balancing: ${kind.name}`, () => {
    const versions = { next: 0 };
    let under: EngineUnderTest | null = null;
    before(async () => {
      under = await kind.make();
      await under.edge.ensure();
    });
    after(() => under?.[Symbol.asyncDispose]());
    const openStage = (name: string): Stage => {
      if (under === null) throw new Error('the engine did not start');
      return new Stage(under, name, versions);
    };
    for (const { name, cases } of groups)
      describe(name, () => group(cases, (number) => openStage(`${name[0]}${number}`)));
  });
}

function group(cases: readonly BalancingCase[], openStage: (number: number) => Stage): void {
  for (const [i, { name, run }] of cases.entries()) {
    test(name, async () => {
      await using stage = openStage(i + 1);
      await run(stage);
    });
  }
}
