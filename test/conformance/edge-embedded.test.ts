import { EdgeGround } from '../integration/edge-fixture.ts';
import { edgeConformance } from './edge.ts';

edgeConformance('embedded', async () => {
  const ground = await EdgeGround.make();
  return {
    edge: ground.edge(),
    again: () => ground.edge(),
    [Symbol.asyncDispose]: () => ground[Symbol.asyncDispose](),
  };
});
