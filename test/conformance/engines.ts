import type { Edge } from '../../src/edge/port.ts';
import { EdgeGround } from '../integration/edge-fixture.ts';
import { NginxGround } from '../integration/nginx-ground.ts';

/** An engine on ports of its own; after `dispose` no process and no file of it is left. */
export interface EngineUnderTest extends AsyncDisposable {
  readonly edge: Edge;
  /** Port of plain HTTP on 127.0.0.1. */
  readonly http: number;
  /** Port of HTTPS on 127.0.0.1. */
  readonly https: number;
  /** Another driver over the same folder, as a restarted daemon makes one. */
  again(): Edge;
}

export interface EngineKind {
  readonly name: string;
  make(): Promise<EngineUnderTest>;
}

/** The engines that serve real sockets: every case of `edge-*.ts` in this folder runs over each. */
export const engines: readonly EngineKind[] = [
  {
    name: 'embedded',
    async make() {
      const ground = await EdgeGround.make();
      return {
        edge: ground.edge(),
        http: ground.port,
        https: ground.httpsPort,
        again: () => ground.edge(),
        [Symbol.asyncDispose]: () => ground[Symbol.asyncDispose](),
      };
    },
  },
  {
    name: 'nginx',
    async make() {
      const ground = await NginxGround.make();
      return {
        edge: ground.edge(),
        http: ground.port,
        https: ground.httpsPort,
        again: () => ground.edge(),
        [Symbol.asyncDispose]: () => ground[Symbol.asyncDispose](),
      };
    },
  },
];
