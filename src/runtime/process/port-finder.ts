import type { RunHandle } from '../port.ts';

/** A listening TCP socket: `address` as text (`127.0.0.1`, `0.0.0.0`, `::`, `::1`). */
export interface Listener {
  readonly address: string;
  readonly port: number;
}

/**
 * An ability beyond the port: where a run's own processes listen, for messages such as "it listens on 3000, not on PORT" or
 * "it listens on ::1 only, which 127.0.0.1 does not reach".
 */
export interface PortFinder {
  /** Empty when nothing listens or the run is gone. */
  listeners(handle: RunHandle): Promise<readonly Listener[]>;
  /** The ports of `listeners`, each once, ascending. */
  listeningPorts(handle: RunHandle): Promise<readonly number[]>;
}
