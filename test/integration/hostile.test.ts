import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inputs } from '../hostile/inputs.ts';
import { planted, unnoticed } from '../hostile/planted.ts';
import { faultsOf, runGroups } from '../hostile/run.ts';
import { World } from '../hostile/world.ts';

/** As `npm run hostile` does it: see docs/reliability.md. */
describe('hostile inputs', () => {
  let world: World;
  before(async () => void (world = await World.start()));
  after(() => world[Symbol.asyncDispose]());

  test('what is looked for would be seen: holes made on purpose are', async () => {
    const holes = await runGroups(world, [planted]);
    assert.deepEqual(unnoticed(holes), []);
    assert.equal(faultsOf(holes).length >= holes.length, true);
  });

  for (const group of inputs)
    test(`${group.door}: no file outside, no command, and an answer that says why`, async () => {
      const verdicts = await runGroups(world, [group]);
      assert.ok(verdicts.length > 5, 'there are inputs');
      assert.deepEqual(faultsOf(verdicts), []);
    });
});
