import type { ProbeResult, UpstreamResult } from '../../../src/observe/probe-port.ts';

type Manner = 'sound' | 'silent' | 'refused' | 'failing';

/** How addresses answer to the checks of their endpoints; sound unless told. */
export class SimulatedAnswers {
  readonly #manners = new Map<string, Manner>();
  /** Questions whether something answers at all, by address. */
  readonly asked: string[] = [];

  set(address: string, manner: Manner): void {
    this.#manners.set(address, manner);
  }

  /** A silent process accepts connections: only its path shows that it answers nothing, and this asks without one. */
  upstream(address: string): UpstreamResult {
    const manner = this.#manners.get(address) ?? 'sound';
    if (manner === 'refused') return { ok: false, detail: 'connection refused', refused: true };
    if (manner === 'failing') return { ok: false, detail: 'answered 500', refused: false };
    return { ok: true, detail: 'accepted a connection', refused: false };
  }

  alive(address: string): ProbeResult {
    this.asked.push(address);
    const sound = (this.#manners.get(address) ?? 'sound') === 'sound';
    return sound ? { ok: true, detail: 'answered 200' } : { ok: false, detail: 'no answer within 700 ms' };
  }
}
