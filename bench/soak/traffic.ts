import { type LoadCount, LoadGenerator } from '../../src/cli/demo/load.ts';
import type { TestKapal } from '../../test/e2e/kapal.ts';
import { Talker } from './talker.ts';
import type { VisitorsCount } from './visitors-process.ts';

/** Requests a second to the shop and to the pages, half of them on connections of their own. */
const rates = { toko: 120, pages: 30 } as const;

const streamsOfEachKind = 4;

/** What visitors have met since the beginning. */
export interface Met {
  readonly requests: number;
  readonly failed: Readonly<Record<string, number>>;
  readonly cut: number;
  readonly moved: number;
  /** Broke because the visitors' own process was not let run for seconds. */
  readonly late: number;
}

/** Visitors of every kind, in processes of their own but for a few streams: requests over HTTP and HTTPS, WebSockets, event streams. */
export class Traffic implements AsyncDisposable {
  readonly #loads: readonly LoadGenerator[];
  readonly #others: Talker<VisitorsCount>;

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
    const { http, https } = kapal;
    this.#others = new Talker(new URL('./visitors-process.ts', import.meta.url), {
      http,
      https,
      host: 'toko.localhost',
      streams: streamsOfEachKind,
    });
  }

  async met(): Promise<Met> {
    const counts = Promise.all(this.#loads.map((load) => load.count()));
    return sum(await counts, await this.#others.ask('count'));
  }

  async stop(): Promise<Met> {
    const counts = Promise.all(this.#loads.map((load) => load.stop()));
    return sum(await counts, await this.#others.ask('stop'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#loads, this.#others].map((one) => one[Symbol.asyncDispose]()));
  }
}

function sum(counts: readonly LoadCount[], others: VisitorsCount): Met {
  const failed: Record<string, number> = {};
  for (const [kind, times] of [
    ...counts.flatMap((count) => Object.entries(count.failures)),
    ...others.failures.map((failure) => [`GET over TLS ${failure}`, 1] as const),
  ])
    failed[kind] = (failed[kind] ?? 0) + times;
  return {
    requests: counts.reduce((total, count) => total + count.requests, others.requests),
    failed,
    cut: others.cut,
    moved: others.moved,
    late: others.late,
  };
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
    late: now.late - before.late,
  };
}
