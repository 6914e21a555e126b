import { createInterface } from 'node:readline';
import { Lateness } from '../edge/lateness.ts';
import { TlsVisitors } from '../edge/tls-visitors.ts';
import { Listener, openEvents, openWebSocket } from '../streams.ts';

/** What the visitors over TLS and the streams have met since the beginning. */
export interface VisitorsCount {
  readonly requests: number;
  readonly failures: readonly string[];
  readonly cut: number;
  readonly moved: number;
  /** Requests and streams that broke because this process itself was not let run for seconds. */
  readonly late: number;
}

/**
 * The process of the visitors that are not plain requests: argv is `{http, https, host, streams}` as JSON, ports and the number of streams of each kind; the
 * lines `count` and `stop` of stdin are answered with a VisitorsCount.
 */
const told = JSON.parse(process.argv[2] ?? '{}') as {
  readonly http: number;
  readonly https: number;
  readonly host: string;
  readonly streams: number;
};
const lateness = new Lateness();
const tls = new TlsVisitors(told.https, told.host, lateness);
const streams = [openEvents, openWebSocket].flatMap((open) =>
  Array.from({ length: told.streams }, () => new Listener({ port: told.http, host: told.host }, open, lateness)),
);

function count(): VisitorsCount {
  const sum = (key: 'cut' | 'moved' | 'late') => streams.reduce((total, stream) => total + stream[key], 0);
  return {
    requests: tls.requests,
    failures: tls.failures,
    cut: sum('cut'),
    moved: sum('moved'),
    late: tls.late + sum('late'),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'stop') break;
  process.stdout.write(`${JSON.stringify(count())}\n`);
}
for (const stream of streams) stream.close();
await tls.stop();
process.stdout.write(`${JSON.stringify(count())}\n`);
process.exit(0);
