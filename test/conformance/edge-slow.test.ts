import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { get, startBackend } from '../integration/edge-fixture.ts';
import { until } from '../patience.ts';
import { proxyPool } from './edge.ts';
import { SlowClients } from './edge-slow-clients.ts';
import { type EngineKind, type EngineUnderTest, engines } from './engines.ts';

const host = 'slow.test';
const hang = { timeout: 600_000 };

for (const kind of engines) {
  describe(`slow clients: ${kind.name}`, () => {
    let ground: SlowGround;
    before(async () => void (ground = await SlowGround.start(kind)));
    after(() => ground[Symbol.asyncDispose]());

    test('2,000 heads that never end harm nobody, and are ended', hang, async () => {
      const before = await ground.workers();
      using slow = new SlowClients();
      await slow.open(ground.port, {
        count: 2000,
        first: `GET /slow HTTP/1.1\r\nHost: ${host}\r\nX-Slow: `,
        reads: true,
      });
      slow.drip('a', 3000);
      await ground.honest(400);
      await until('the end of all slow connections', () => slow.closed === slow.count);
      await ground.honest(50);
      assert.equal(ground.asked('/slow'), 0);
      assert.deepEqual(await ground.workers(), before);
    });

    test('500 bodies that come byte by byte hold no place at the endpoint', hang, async () => {
      using slow = new SlowClients();
      await slow.open(ground.port, {
        count: 500,
        first: `POST /slow-body HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 60000\r\n\r\n`,
        reads: true,
      });
      slow.drip('a', 200);
      await ground.honest(300);
      assert.equal(ground.asked('/slow-body'), 0);
      assert.equal(slow.closed, 0);
    });

    test('100 readers that do not read 8 MiB each cost the edge little memory', hang, async () => {
      // Of its own: what the others took is not given back at once.
      await using fresh = await SlowGround.start(kind);
      using slow = new SlowClients();
      await slow.open(fresh.port, { count: 100, first: `GET /large HTTP/1.1\r\nHost: ${host}\r\n\r\n`, reads: false });
      await until('all of them at the endpoint', () => fresh.asked('/large') === 100);
      await fresh.honest(300);
      const { workers } = await fresh.edge.status();
      const resident = workers.reduce((sum, { residentBytes }) => sum + residentBytes, 0);
      assert.ok(resident < 500e6, `${resident} bytes`);
    });
  });
}

class SlowGround implements AsyncDisposable {
  readonly #under: EngineUnderTest;
  readonly #asked: Map<string, number>;
  readonly #rest: AsyncDisposableStack;

  private constructor(under: EngineUnderTest, asked: Map<string, number>, rest: AsyncDisposableStack) {
    this.#under = under;
    this.#asked = asked;
    this.#rest = rest;
  }

  static async start(kind: EngineKind): Promise<SlowGround> {
    await using stack = new AsyncDisposableStack();
    const asked = new Map<string, number>();
    const large = Buffer.alloc(8 << 20, 'x');
    const backend = stack.use(
      await startBackend((request, response) => {
        const path = request.url ?? '';
        asked.set(path, (asked.get(path) ?? 0) + 1);
        response.end(path === '/large' ? large : 'ok');
      }),
    );
    const under = stack.use(await kind.make());
    await under.edge.ensure();
    const pool = { ...proxyPool('p', [backend.port]), idleTimeout: null };
    await under.edge.apply({ version: 1, routes: [{ host, path: '/', pool: 'p' }], pools: [pool], streams: [] });
    return new SlowGround(under, asked, stack.move());
  }

  get port(): number {
    return this.#under.http;
  }

  get edge(): EngineUnderTest['edge'] {
    return this.#under.edge;
  }

  asked(path: string): number {
    return this.#asked.get(path) ?? 0;
  }

  /** So many requests over four lanes, each on a connection of its own: every one is answered. */
  async honest(count: number): Promise<void> {
    let left = count;
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const { status, body } = await get(this.port, '/honest', { headers: { host } });
        assert.deepEqual([status, body], [200, 'ok']);
      }
    };
    await Promise.all([lane(), lane(), lane(), lane()]);
  }

  async workers(): Promise<number[]> {
    return (await this.edge.status()).workers.map(({ pid }) => pid).toSorted((a, b) => a - b);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rest[Symbol.asyncDispose]();
  }
}
