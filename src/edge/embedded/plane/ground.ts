import { randomFillSync } from 'node:crypto';
import { Doors } from './door.ts';
import { FieldTable } from '../http/fields.ts';
import type { HeadLimits } from '../http/head-scanner.ts';
import { PolicyBook } from '../policy/compiled.ts';
import { Derivations } from '../policy/passwords.ts';
import { Quotas } from '../policy/quotas.ts';
import { Holds } from './holds.ts';
import { defaultLimits } from './limits.ts';
import { OwnPlaces, type Places } from './places.ts';
import type { PlaneLimits, PlaneOptions } from './types.ts';
import { TlsConnector } from './upstream-tls.ts';

const readSize = 64 * 1024;
const idBytes = 12;

/** What everything in one plane stands on: its options, its clock, and memory that all connections share because one event loop uses it at a time. */
export class Ground {
  readonly options: PlaneOptions;
  readonly limits: PlaneLimits;
  /** Monotonic milliseconds, as of the last request or sweep: near enough for deadlines, and free to read. */
  readonly clock = { now: 0 };
  readonly fields: FieldTable;
  /** Upstream connections read into this; what has to outlive the read is copied. */
  readonly readBuffer = Buffer.allocUnsafeSlow(readSize);
  readonly upstreamHeadLimits: HeadLimits;
  readonly holds: Holds;
  /** For endpoints that are spoken to over TLS. */
  readonly tls = new TlsConnector();
  readonly places: Places;
  readonly doors = new Doors();
  readonly policies = new PolicyBook(new Derivations());
  readonly quotas = new Quotas();
  draining = false;
  /** `Date: ... CRLF` of the current second. */
  dateLine = '';
  readonly #random = Buffer.allocUnsafeSlow(idBytes * 256);
  #randomUsed = this.#random.length;

  constructor(options: PlaneOptions) {
    this.options = options;
    this.limits = { ...defaultLimits, ...options.limits };
    this.fields = new FieldTable(this.limits.headerCount);
    this.upstreamHeadLimits = { headSize: this.limits.headSize, requestLineSize: this.limits.headSize };
    this.holds = new Holds(this.limits.holdTime);
    this.places = options.places ?? new OwnPlaces();
    this.tick();
  }

  /** Reads the clocks. */
  tick(): void {
    this.clock.now = performance.now();
    this.dateLine = `Date: ${new Date(this.options.now()).toUTCString()}\r\n`;
  }

  /** A handler of events whose exceptions end one connection: a fault met by one visitor is not to end all others. */
  guard<T>(target: { destroy(): void }, step: (argument: T) => void): (argument: T) => void {
    return (argument) => {
      try {
        step(argument);
      } catch (error) {
        this.fault(error);
        target.destroy();
      }
    };
  }

  fault(error: unknown): void {
    if (this.options.fault === undefined) process.emitWarning(error instanceof Error ? error : String(error));
    else this.options.fault(error);
  }

  /** 24 hexadecimal digits, not to be guessed. */
  requestId(): string {
    if (this.#randomUsed === this.#random.length) {
      randomFillSync(this.#random);
      this.#randomUsed = 0;
    }
    const start = this.#randomUsed;
    this.#randomUsed += idBytes;
    return this.#random.toString('hex', start, start + idBytes);
  }
}
