import { NginxGround } from '../integration/nginx-ground.ts';
import { edgeConformance } from './edge.ts';

edgeConformance('nginx', async () => {
  const ground = await NginxGround.make();
  return {
    edge: ground.edge(),
    again: () => ground.edge(),
    [Symbol.asyncDispose]: () => ground[Symbol.asyncDispose](),
  };
});
