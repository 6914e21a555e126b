import type { LogLine, LogStore } from '../../../src/observe/logs/port.ts';

/** Keeps what Kapal itself writes; simulated runs print nothing. */
export function silentLogs(): LogStore {
  const lines: LogLine[] = [];
  return {
    attach: () => Promise.resolve(),
    detach: () => Promise.resolve(),
    flush: () => Promise.resolve(),
    write: (line) => void lines.push({ ...line, sequence: lines.length + 1, time: 0 }),
    query: ({ service, limit }) =>
      Promise.resolve(lines.filter((line) => service === undefined || line.service === service).slice(-limit)),
    watch: () => ({ [Symbol.dispose]: () => undefined }),
    reclaim: () => Promise.resolve(0),
    forget: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
