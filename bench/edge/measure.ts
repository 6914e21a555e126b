import { benchHost, type Contestant, type Ground } from './contest.ts';
import { cpuMicroseconds, output, residentBytes } from './processes.ts';

/** One round of one contestant. */
export interface Round {
  /** Good answers per second. */
  readonly requestsPerSecond: number;
  readonly cpuPerRequest: number;
  readonly requests: number;
  /** Answers other than 2xx and 3xx, and errors of sockets: no throughput. */
  readonly failures: number;
  readonly residentBytes: number;
}

export interface Load {
  readonly connections: number;
  readonly seconds: number;
  readonly tls: boolean;
  /** Every request on a connection of its own: with TLS, a handshake each. */
  readonly fresh: boolean;
}

export async function measure(contestant: Contestant, ground: Ground, load: Load): Promise<Round> {
  const before = cpuMicroseconds(contestant.pid);
  const wrk = ['wrk', '-t', '1', '-c', String(load.connections), '-d', `${load.seconds}s`];
  if (load.fresh) wrk.push('-H', 'Connection: close');
  const url = `${load.tls ? 'https' : 'http'}://${benchHost}:${contestant.port}/`;
  const text = await output(['taskset', '-c', String(ground.otherCore), ...wrk, url]);
  const cpu = cpuMicroseconds(contestant.pid) - before;
  const { requests, seconds, failures } = readWrk(text);
  const good = requests - failures;
  return {
    requestsPerSecond: good / seconds,
    cpuPerRequest: cpu / Math.max(good, 1),
    requests,
    failures,
    residentBytes: residentBytes(contestant.pid),
  };
}

/** wrk's report: `N requests in 4.01s`, and, where there were any, `Non-2xx or 3xx responses: N` and `Socket errors: connect N, read N ...`. */
function readWrk(text: string): { requests: number; seconds: number; failures: number } {
  const [, requests, time, unit] = /(\d+) requests in ([\d.]+)(ms|s|m),/.exec(text) ?? [];
  if (requests === undefined) throw new Error(`wrk said: ${text}`);
  const scale = unit === 'm' ? 60 : unit === 'ms' ? 0.001 : 1;
  const statuses = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0);
  const errors = /Socket errors: (.*)/.exec(text)?.[1] ?? '';
  const broken = [...errors.matchAll(/\d+/g)].reduce((sum, [count]) => sum + Number(count), 0);
  return { requests: Number(requests), seconds: Number(time) * scale, failures: statuses + broken };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
