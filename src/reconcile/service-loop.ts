import { hasInstances } from '../model/service.ts';
import type { Action, InstanceView, ServiceView } from '../rollout/view.ts';
import type { RolloutRow, ServiceRow } from '../state/records.ts';
import { EdgeSecrets } from './edge-secrets.ts';
import { Effects } from './effects.ts';
import { Jobs } from './jobs.ts';
import { Observer } from './observer.ts';
import { routesOf } from './routing.ts';
import { Runs } from './runs.ts';
import type { ServiceContext } from './service-context.ts';
import type { StartKind, Warming } from './start-turns.ts';
import { transportOf } from './transport.ts';
import { serviceView } from './view.ts';

/** Milliseconds between looks, by what is going on; exits, the edge's answers and probes that are due wake the loop before. */
const pace = { starting: 30, moving: 100, steady: 5_000, fault: 1_000 } as const;

/** Passes in a row that may follow at once because the last one acted; then the pace rules, so that a fault cannot spin. */
const eagerPasses = 20;

/** First passes that may fail before the daemon goes on without having seen the service: the others must not wait for it for ever. */
const patientPasses = 10;

/**
 * The loop of one service: observe, decide, act, and say what the edge should serve. Level-triggered: each pass works from the record and the world as
 * they are now. Passes of one service never overlap; services do not wait for each other.
 */
export class ServiceLoop {
  readonly #context: ServiceContext;
  readonly #effects: Effects;
  readonly #observer: Observer;
  readonly #secrets: EdgeSecrets;
  readonly #jobs: Jobs;
  readonly #seen = new Set<() => void>();
  #running: Promise<void> | null = null;
  #again = false;
  #timer: Disposable | null = null;
  #closed = false;
  #first = Promise.withResolvers<void>();
  #failedPasses = 0;
  readonly #since: number;

  constructor(context: ServiceContext) {
    this.#context = context;
    this.#since = context.needs.clock.steady();
    const runs = new Runs(context);
    this.#secrets = new EdgeSecrets(context.needs, context.id);
    this.#effects = new Effects(context, runs);
    this.#observer = new Observer(context, runs);
    this.#jobs = new Jobs(context);
  }

  /** Resolves after the first pass that succeeded: everything that the service owns has been observed, and the edge's table can name it. */
  get observed(): Promise<void> {
    return this.#first.promise;
  }

  /** The leader of an instance's process group, as last observed. */
  pidOf(instance: string): number | null {
    return this.#observer.pidOf(instance);
  }

  detail(instance: string): string | null {
    return this.#observer.detail(instance);
  }

  watch(seen: () => void): Disposable {
    this.#seen.add(seen);
    return { [Symbol.dispose]: () => void this.#seen.delete(seen) };
  }

  /** Asks for a pass soon; asking during a pass makes another follow it. */
  wake(): void {
    if (this.#closed) return;
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** Wakes it and resolves when its passes are over. */
  async passOnce(): Promise<void> {
    this.wake();
    await this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
    this.#observer.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    let next: number = pace.steady;
    for (let passes = 0; this.#again && !this.#closed && passes < eagerPasses; passes += 1) {
      this.#again = false;
      try {
        next = await this.#pass();
        this.#first.resolve();
      } catch (error) {
        this.#context.needs.log.error({ err: error, service: this.#context.id }, 'a pass over the service failed');
        next = pace.fault;
        this.#failedPasses += 1;
        if (this.#failedPasses >= patientPasses) this.#first.resolve();
      }
      for (const seen of this.#seen) seen();
    }
    if (!this.#closed) this.#timer = this.#context.needs.clock.after(next, () => this.wake());
  }

  /** One pass; answers the milliseconds until the next look. */
  async #pass(): Promise<number> {
    const { needs, id } = this.#context;
    const row = needs.store.services.get(id);
    if (row === null) return pace.steady;
    await this.#observer.observe(row);
    const rollout = needs.store.rollouts.active(id);
    const view = this.#patient(serviceView(needs, row, this.#reach()));
    this.#context.turns.sees(id, warmingOf(view, rollout));
    const decision = needs.decisions.decide(view);
    let deferred: readonly Action[] = [];
    try {
      deferred = this.#deferred(view, decision.actions, rollout);
      this.#noteGap(view, decision.actions, rollout);
      for (const action of decision.actions) {
        if (deferred.includes(action)) continue;
        if (action.kind === 'finish' && !(await this.#filesServed(row))) continue;
        await this.#effects.apply(action, rollout);
      }
      this.#serve();
    } finally {
      if (rollout !== null && isOver(needs.store.rollouts.get(rollout.id))) void this.#announce(rollout.id);
    }
    if (decision.actions.length > deferred.length) this.#again = true;
    const jobs = await this.#jobs.pass(needs.store.services.get(id) ?? row);
    return Math.min(jobs, this.#pause(view, decision.wakeAt, rollout));
  }

  /** A rollout that waits until it may start something has its time from then on. */
  #patient(view: ServiceView): ServiceView {
    if (view.rollout === null || !this.#context.turns.isWaiting(this.#context.id)) return view;
    return { ...view, rollout: { ...view.rollout, since: view.now } };
  }

  /** From when the service answers nothing, because its disk changes hands: before the first effect. */
  #noteGap(view: ServiceView, actions: readonly Action[], rollout: RolloutRow | null): void {
    if (!view.exclusive || rollout === null || rollout.vacatedAt !== null) return;
    const serving = view.instances.filter(({ state, release }) => state === 'ready' && release === view.current);
    const stops = actions.some((action) => action.kind === 'drain' && serving.some(({ id }) => id === action.instance));
    if (stops) this.#context.needs.store.rollouts.update(rollout.id, { vacatedAt: view.now });
  }

  /** The starts whose turn has not come. */
  #deferred(view: ServiceView, actions: readonly Action[], rollout: RolloutRow | null): readonly Action[] {
    const { turns, id, needs } = this.#context;
    const waited = turns.isWaiting(id);
    const refused = new Set<StartKind>();
    let begun = false;
    const deferred = actions.filter((action) => {
      const kind = startKind(view, action, rollout);
      if (kind === null) return false;
      if (turns.take(id, kind)) begun ||= kind === 'rollout';
      else refused.add(kind);
      return refused.has(kind);
    });
    turns.waits(id, refused);
    if (waited && begun && rollout !== null) needs.store.rollouts.update(rollout.id, { since: view.now });
    return deferred;
  }

  /** Says what the edge should serve, from the record as it is after the actions. */
  #serve(): void {
    const { needs, id, edge, releases, trust } = this.#context;
    const service = needs.store.services.get(id);
    if (service === null) return;
    const view = serviceView(needs, service, this.#reach());
    const named = new Set(needs.decisions.routable(view));
    const serving = service.current === null ? null : releases.get(service.current);
    const endpoints = needs.store.instances.of(id).filter((instance) => named.has(instance.id));
    edge.want(
      id,
      routesOf({
        service,
        current: serving?.release ?? null,
        domains: needs.store.domains.of(id),
        endpoints,
        changesHands: (needs.store.rollouts.active(id)?.vacatedAt ?? null) !== null,
        secrets: this.#secrets.of(service.spec.edge, serving?.variables ?? []),
        transport: (host) => transportOf(host, trust(host), service.spec.edge.https),
      }),
    );
    edge.drain(id, view.routed && view.instances.some((instance) => instance.state === 'draining'));
    releases.retain(
      new Set([
        ...view.instances.map((instance) => instance.release),
        ...needs.store.jobs.open(id).map((job) => job.release),
        ...(service.current === null ? [] : [service.current]),
        ...(view.rollout === null ? [] : [view.rollout.to]),
      ]),
    );
  }

  /**
   * Files and declared upstreams have no instance whose route would be confirmed: such a release is live when every worker of the edge serves it.
   * Before the first table of a daemon, which waits for a pass over every service, it is left for a later pass.
   */
  async #filesServed(row: ServiceRow): Promise<boolean> {
    const { store } = this.#context.needs;
    const target = store.rollouts.active(row.id)?.to;
    const { type } = (target === undefined ? null : store.releases.get(row.id, target)?.spec) ?? row.spec;
    if (hasInstances(type) || type === 'cron') return true;
    if (!this.#context.edge.isOpen) return false;
    this.#serve();
    await this.#context.edge.settled(this.#context.id);
    return true;
  }

  /** Declared domains come into force with the end of a rollout: who waits for it hears of it when they answer. The passes go on meanwhile. */
  async #announce(rollout: string): Promise<void> {
    const { needs, id, edge, finished } = this.#context;
    try {
      await edge.settled(id);
    } catch (error) {
      needs.log.warn({ err: error, service: id }, 'a rollout has ended before the edge took its routes');
    }
    finished(rollout);
  }

  #pause(view: ServiceView, wakeAt: number | null, rollout: RolloutRow | null): number {
    const states = view.instances.map((instance) => instance.state);
    const usual =
      view.instances.some(isStarting) || rollout?.prepare === 'running'
        ? pace.starting
        : states.some((state) => state === 'draining' || state === 'stopping') || rollout !== null
          ? pace.moving
          : Math.min(pace.steady, this.#observer.probeIn());
    // It is woken when its turn comes.
    if (usual === pace.moving && this.#context.turns.isWaiting(this.#context.id)) return pace.fault;
    return Math.max(0, wakeAt === null ? usual : Math.min(usual, wakeAt - view.now));
  }

  #reach(): Parameters<typeof serviceView>[2] {
    const { edge } = this.#context;
    return {
      confirms: (endpoint) => edge.confirms(endpoint),
      inFlight: (endpoint) => edge.inFlight(endpoint),
      detail: (instance) => this.detail(instance),
      since: this.#since,
    };
  }
}

/** Between its start and its first good probe; a crash-looping one has no retry ahead while an attempt runs. */
function isStarting(instance: InstanceView): boolean {
  return instance.state === 'starting' || (instance.state === 'crash-looping' && instance.retryAt === null);
}

function warmingOf(view: ServiceView, rollout: RolloutRow | null): Warming[] {
  return view.instances.filter(isStarting).map(({ id, release }) => ({ instance: id, kind: kindOf(release, rollout) }));
}

/** Whether the action boots a program, and what for. */
function startKind(view: ServiceView, action: Action, rollout: RolloutRow | null): StartKind | null {
  if (action.kind === 'start') return kindOf(action.release, rollout);
  if (action.kind !== 'retry') return null;
  const release = view.instances.find(({ id }) => id === action.instance)?.release;
  return release === undefined ? null : kindOf(release, rollout);
}

function kindOf(release: number, rollout: RolloutRow | null): StartKind {
  return rollout?.to === release ? 'rollout' : 'keeping';
}

function isOver(rollout: RolloutRow | null): boolean {
  return rollout !== null && rollout.finishedAt !== null;
}
