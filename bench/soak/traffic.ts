import { type LoadCount, LoadGenerator } from '../../src/cli/demo/load.ts';
import type { TestKapal } from '../../test/e2e/kapal.ts';
import { TlsVisitors } from '../edge/tls-visitors.ts';
import { Listener, openEvents, openWebSocket } from '../streams.ts';

/** Requests a second to the shop and to the pages, half of them on connections of their own. */
const rates = { toko: 120, pages: 30 } as const;

const streamsOfEachKind = 4;

/** What visitors have met since the beginning. */
export interface Met {
  readonly requests: number;
  readonly failed: Readonly<Record<string, number>>;
  readonly cut: number;
  readonly moved: number;
}

/** Visitors of every kind, in processes of their own but for a few streams: requests over HTTP and HTTPS, WebSockets, event streams. */
export class Traffic implements AsyncDisposable {
  readonly #loads: readonly LoadGenerator[];
  readonly #streams: readonly Listener[];
  readonly #tls: TlsVisitors;

  constructor(kapal: TestKapal) {
    const at = { host: '127.0.0.1', port: kapal.http, timeout: 30_000, answerKey: null };
    const toko = { ...at, hostHeader: 'toko.localhost', rate: rates.toko };
    const pages = { ...at, hostHeader: 'pages.localhost', rate: rates.pages };
    const order = JSON.stringify({ order: 7, items: ['kopi', 'teh'] });
    const get = (path: string) => ({ method: 'GET', path });
    const requests = [get('/'), get('/stock'), get('/list?q=kopi'), { method: 'POST', path: '/orders', body: order }];
    this.#loads = [
      new LoadGenerator({ ...toko, requests }, process.execPath),
      new LoadGenerator({ ...pages, requests: [get('/'), get('/large.txt')] }, process.execPath),
    ];
    const target = { port: kapal.http, host: 'toko.localhost' };
    this.#streams = [openEvents, openWebSocket].flatMap((open) =>
      Array.from({ length: streamsOfEachKind }, () => new Listener(target, open)),
    );
    this.#tls = new TlsVisitors(kapal.https, 'toko.localhost');
  }

  async met(): Promise<Met> {
    return this.#sum(await Promise.all(this.#loads.map((load) => load.count())));
  }

  async stop(): Promise<Met> {
    for (const stream of this.#streams) stream.close();
    const [counts] = await Promise.all([Promise.all(this.#loads.map((load) => load.stop())), this.#tls.stop()]);
    return this.#sum(counts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.#streams) stream.close();
    await Promise.all([...this.#loads, this.#tls].map((one) => one[Symbol.asyncDispose]()));
  }

  #sum(counts: readonly LoadCount[]): Met {
    const failed: Record<string, number> = {};
    for (const [kind, times] of [
      ...counts.flatMap((count) => Object.entries(count.failures)),
      ...this.#tls.failures.map((failure) => [`GET over TLS ${failure}`, 1] as const),
    ])
      failed[kind] = (failed[kind] ?? 0) + times;
    const total = (key: 'moved' | 'cut') => this.#streams.reduce((sum, stream) => sum + stream[key], 0);
    return {
      requests: counts.reduce((sum, count) => sum + count.requests, this.#tls.requests),
      failed,
      cut: total('cut'),
      moved: total('moved'),
    };
  }
}

/** What was met between two looks. */
export function metSince(before: Met, now: Met): Met {
  const failed = Object.fromEntries(
    Object.entries(now.failed)
      .map(([kind, times]) => [kind, times - (before.failed[kind] ?? 0)] as const)
      .filter(([, times]) => times > 0),
  );
  return {
    requests: now.requests - before.requests,
    failed,
    cut: now.cut - before.cut,
    moved: now.moved - before.moved,
  };
}
