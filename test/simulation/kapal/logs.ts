import type { LogLine, LogStore } from '../../../src/observe/logs/port.ts';

/** Lines that Kapal itself writes for the services (simulated runs print nothing), and which files are being read: both outlive the daemon. */
export class Logs {
  readonly lines: LogLine[] = [];
  /** Runs whose files are read. */
  readonly attached = new Set<string>();

  store(): LogStore {
    const { lines, attached } = this;
    return {
      attach: ({ run }) => Promise.resolve(void attached.add(run)),
      detach: (run) => Promise.resolve(void attached.delete(run)),
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
}
