import type { Edge } from '../edge/port.ts';
import type { Endpoint, Pool } from '../edge/pool.ts';
import type { Clock } from '../lib/clock.ts';
import type { ServiceId } from '../model/service.ts';
import type { Prober } from '../observe/probe-port.ts';
import type { EndpointCheck } from './endpoint-check.ts';
import { type Asked, type EndpointHealth, heard, isNews, soundFromTheBeginning } from './endpoint-health.ts';

export interface EndpointChecksOptions {
  readonly edge: Pick<Edge, 'stalled'>;
  readonly prober: Pick<Prober, 'upstream' | 'alive'>;
  readonly clock: Clock;
  /** An endpoint of the service went down, or for another reason, or came back: the table has to say so. `detail`: why, null where it came back. */
  readonly changed: (service: ServiceId, endpoint: string, detail: string | null) => void;
  readonly failed: (error: unknown) => void;
}

/** Milliseconds: between questions for what stalls, between questions to what is down, for one such question, and after a fault of the edge. */
const pace = { stalled: 500, down: 1_000, alive: 700, fault: 2_000 } as const;

interface Checked {
  readonly service: ServiceId;
  check: EndpointCheck;
  /** Others share its pool, so that it can be passed over. */
  shared: boolean;
  health: EndpointHealth;
  /** Questions under way, one of each kind at most: a check that hangs must not keep the other waiting. */
  readonly asking: Set<Asked['asked']>;
  timer: Disposable | null;
}

/** Finds endpoints that do not answer and tells the table. It starts, stops and restarts nothing. */
export class EndpointChecks {
  readonly #options: EndpointChecksOptions;
  readonly #checked = new Map<string, Checked>();
  #polling: Disposable | null = null;
  #closed = false;

  constructor(options: EndpointChecksOptions) {
    this.#options = options;
  }

  /** The endpoints of a service that are checked from now on; what is known of others of it is forgotten. */
  watch(service: ServiceId, checks: readonly EndpointCheck[]): void {
    const named = new Set(checks.map(({ endpoint }) => keyOf(service, endpoint)));
    for (const [key, checked] of this.#checked) {
      if (checked.service !== service || named.has(key)) continue;
      checked.timer?.[Symbol.dispose]();
      this.#checked.delete(key);
    }
    for (const check of checks) this.#begin(service, check, checks.length > 1);
    this.#poll();
  }

  /** The pool with what is known of its endpoints. */
  told(pool: Pool, service: ServiceId): Pool {
    if (pool.kind !== 'proxy') return pool;
    return { ...pool, endpoints: pool.endpoints.map((endpoint) => this.#toldOf(endpoint, { pool, service })) };
  }

  /** Why an endpoint is down, or null. */
  problem(service: ServiceId, endpoint: string): string | null {
    const health = this.#checked.get(keyOf(service, endpoint))?.health;
    return health?.state === 'down' ? health.detail : null;
  }

  close(): void {
    this.#closed = true;
    this.#polling?.[Symbol.dispose]();
    for (const { timer } of this.#checked.values()) timer?.[Symbol.dispose]();
  }

  #toldOf(endpoint: Endpoint, at: { pool: Extract<Pool, { kind: 'proxy' }>; service: ServiceId }): Endpoint {
    const health = this.#checked.get(keyOf(at.service, endpoint.id))?.health;
    if (health === undefined) return endpoint;
    if (health.state === 'down') return { ...endpoint, down: true };
    if (health.since === null || at.pool.slowStart === undefined) return endpoint;
    return { ...endpoint, since: Math.max(health.since, endpoint.since ?? 0) };
  }

  #begin(service: ServiceId, check: EndpointCheck, shared: boolean): void {
    const key = keyOf(service, check.endpoint);
    const known = this.#checked.get(key);
    if (known !== undefined) {
      const paced = JSON.stringify(known.check.active) === JSON.stringify(check.active);
      known.check = check;
      known.shared = shared;
      if (!paced && known.health.state === 'sound') this.#again(known);
      return;
    }
    const checked: Checked = { service, check, shared, health: soundFromTheBeginning, asking: new Set(), timer: null };
    this.#checked.set(key, checked);
    if (check.active !== null) void this.#ask(checked, 'check');
  }

  /** Only a pool of two or more has somebody else to send requests to. */
  #poll(wait: number = pace.stalled): void {
    if (this.#polling !== null || this.#closed || ![...this.#checked.values()].some(({ shared }) => shared)) return;
    this.#polling = this.#options.clock.after(wait, () => void this.#look());
  }

  async #look(): Promise<void> {
    let wait: number = pace.stalled;
    try {
      const stalled = new Set(await this.#options.edge.stalled());
      const now = this.#options.clock.monotonic();
      for (const checked of this.#checked.values()) {
        const { check, health, shared, asking } = checked;
        if (!shared || asking.has('alive') || health.state === 'down' || !stalled.has(check.endpoint)) continue;
        if (health.trustedUntil <= now) void this.#ask(checked, 'alive');
      }
    } catch (error) {
      wait = pace.fault;
      this.#options.failed(error);
    }
    this.#polling = null;
    this.#poll(wait);
  }

  async #ask(checked: Checked, asked: Asked['asked']): Promise<void> {
    if (checked.asking.has(asked)) return;
    checked.asking.add(asked);
    checked.timer?.[Symbol.dispose]();
    const { prober, clock } = this.#options;
    const { address, port, path, content, host, tls, active } = checked.check;
    const begun = clock.monotonic();
    const question = { address, port, path, content, host, tls: tls ?? null };
    const answer =
      asked === 'check'
        ? await prober.upstream({ ...question, timeout: active?.timeout ?? pace.alive })
        : { ...(await prober.alive({ ...question, timeout: pace.alive })), refused: false };
    checked.asking.delete(asked);
    if (this.#closed || this.#checked.get(keyOf(checked.service, checked.check.endpoint)) !== checked) return;
    const before = checked.health;
    checked.health = heard(before, { asked, ...answer, now: clock.now(), monotonic: clock.monotonic() });
    this.#again(checked, begun);
    if (isNews(before, checked.health))
      this.#options.changed(checked.service, checked.check.endpoint, detailOf(checked.health));
  }

  /** What is down is asked every second, in the way that would bring it back; what is sound at its own pace. */
  #again(checked: Checked, begun = this.#options.clock.monotonic()): void {
    checked.timer?.[Symbol.dispose]();
    const { health, check } = checked;
    const asked = health.state === 'down' && health.cause === 'silent' ? 'alive' : 'check';
    const interval = health.state === 'down' ? pace.down : check.active?.interval;
    if (interval === undefined) return;
    const wait = Math.max(0, begun + interval - this.#options.clock.monotonic());
    checked.timer = this.#options.clock.after(wait, () => void this.#ask(checked, asked));
  }
}

function detailOf(health: EndpointHealth): string | null {
  return health.state === 'down' ? health.detail : null;
}

function keyOf(service: ServiceId, endpoint: string): string {
  return `${service} ${endpoint}`;
}
