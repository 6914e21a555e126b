import type { InstanceState } from '../model/instance.ts';
import type { ProbeResult } from '../observe/probe-port.ts';
import type { HealthSpec } from '../spec/spec.ts';
import type { Dependencies } from './dependencies.ts';

/** Milliseconds between probes of an instance that is not ready. */
const pace = { starting: 50, unready: 1_000 } as const;

/** A probe of a ready instance may come so many milliseconds early: then those of one service share a pass. */
const early = 500;

/** Milliseconds between wakings for probes of ready instances, at most. */
const longestBeat = 2_500;

export interface ProbeSubject {
  readonly instance: string;
  /** A probe of an earlier run says nothing about this one. */
  readonly run: string;
  /** Null: at loopback. */
  readonly address: string | null;
  readonly port: number;
  readonly state: InstanceState;
  readonly listening: boolean;
  readonly health: HealthSpec;
  /** The Host that a health check carries: frameworks refuse unknown ones. */
  readonly host: string;
}

interface Watched {
  readonly run: string;
  due: number;
  probing: boolean;
  fresh: ProbeResult | null;
}

/** Probes the instances of one service at their own pace, off the passes: a pass takes what has come in. */
export class Probing {
  readonly #needs: Pick<Dependencies, 'prober' | 'clock'>;
  readonly #wake: () => void;
  readonly #watched = new Map<string, Watched>();
  #closed = false;

  constructor(needs: Pick<Dependencies, 'prober' | 'clock'>, wake: () => void) {
    this.#needs = needs;
    this.#wake = wake;
  }

  /** The answer that has come in since the last call, and starts the next probe when it is due. */
  take(subject: ProbeSubject): ProbeResult | null {
    const watched = this.#of(subject);
    const slack = subject.state === 'ready' ? early : 0;
    if (!watched.probing && this.#needs.clock.monotonic() >= watched.due - slack) this.#ask(subject, watched);
    const { fresh } = watched;
    watched.fresh = null;
    return fresh;
  }

  /** The first answer of a run that this daemon did not start, waited for. */
  async first(subject: ProbeSubject): Promise<ProbeResult | null> {
    const instant = this.take(subject);
    if (instant !== null) return instant;
    return this.#answer(subject, Math.min(subject.health.timeout, 1_000));
  }

  /** Milliseconds until a pass should ask for the next probe, never less than half a second: one that is overdue may not be wanted now. */
  dueIn(): number {
    const dues = [...this.#watched.values()].map(({ due }) => due);
    return Math.max(early, Math.min(...dues) - this.#needs.clock.monotonic());
  }

  retain(instances: ReadonlySet<string>): void {
    for (const instance of this.#watched.keys()) if (!instances.has(instance)) this.#watched.delete(instance);
  }

  close(): void {
    this.#closed = true;
  }

  /** What the socket table alone answers is there in the same pass. It does not show who takes IPv6 alone (ipv6(7), IPV6_V6ONLY), so the first answer is asked for. */
  #ask(subject: ProbeSubject, watched: Watched): void {
    const { health, listening } = subject;
    watched.due = this.#nextDue(subject);
    if (!listening) {
      watched.fresh = { ok: false, detail: `nothing of it listens on port ${subject.port}` };
      return;
    }
    if (health.path === null && subject.state === 'ready') {
      watched.fresh = { ok: true, detail: accepts(subject.port) };
      return;
    }
    watched.probing = true;
    void this.#answer(subject, health.timeout).then((result) => {
      watched.probing = false;
      watched.fresh = result;
      // That a ready instance is ready is no news: the next pass takes it, and most of an idle daemon's passes were for this.
      const isNews = !result.ok || subject.state !== 'ready';
      if (isNews && !this.#closed) this.#wake();
    });
  }

  async #answer(subject: ProbeSubject, timeout: number): Promise<ProbeResult> {
    const { prober } = this.#needs;
    const { port, host, health } = subject;
    const { path, content } = health;
    if (path !== null) {
      const result = await prober.http({ ...at(subject), path, content, host, timeout });
      return { ...result, detail: `${path} ${result.detail}` };
    }
    const result = await prober.tcp({ ...at(subject), timeout });
    return { ...result, detail: result.ok ? accepts(port) : `its port ${port}: ${result.detail}` };
  }

  /**
   * Probes of ready instances keep to a common beat, half their interval at most: then a daemon that has nothing else to do wakes for many services
   * at once. Spread out they cost twice the processor, since its caches are cold by the next.
   */
  #nextDue({ state, health }: ProbeSubject): number {
    const now = this.#needs.clock.monotonic();
    if (state !== 'ready') return now + (state === 'unready' ? pace.unready : pace.starting);
    const beat = Math.min(longestBeat, health.interval / 2);
    return Math.floor((now + health.interval) / beat) * beat;
  }

  #of(subject: ProbeSubject): Watched {
    const known = this.#watched.get(subject.instance);
    if (known?.run === subject.run) return known;
    const begun: Watched = { run: subject.run, due: 0, probing: false, fresh: null };
    this.#watched.set(subject.instance, begun);
    return begun;
  }
}

function accepts(port: number): string {
  return `its port ${port} accepts`;
}

function at({ address, port }: ProbeSubject): { readonly address?: string; readonly port: number } {
  return address === null ? { port } : { address, port };
}
