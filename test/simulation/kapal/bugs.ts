import type { Decisions } from '../../../src/reconcile/decisions.ts';
import type { Dependencies } from '../../../src/reconcile/dependencies.ts';
import type { VariableRow } from '../../../src/state/records.ts';
import type { Store } from '../../../src/state/store.ts';
import { diskMutants, mutants } from '../rollout/mutants.ts';
import { sound, type Variant } from './variant.ts';

/** Kapal with one bug, made from arguments: pure functions, and what a life of the daemon is given. */
export interface Bug {
  /** What it does wrong: "a Kapal that ...". */
  readonly does: string;
  readonly variant: Variant;
  /** What the invariant that finds it says. */
  readonly found: RegExp;
}

/** A simulation that finds none of these proves nothing. */
export const bugs: readonly Bug[] = [
  // The rollout.
  rollout('stops an instance before the edge has confirmed that it is out', /I1: .* told to stop/),
  rollout('takes an unknown table for one that does not name the instance', /I1: .* told to stop/),
  rollout('promotes without comparing', /I4: |does not end|in peace ended|I2: /),
  rollout('forgets SIGKILL', /I4: |does not end|come to rest|in peace ended|I6: /),
  rollout('never retries', /come to rest/),
  rollout('has no deadlines', /I4: |does not end/),
  rollout('routes whatever is ready', /I5: .*never promoted/),
  rollout('starts the new release beside the old one on the same disk', /I9: /),
  decides('keeps routing what drains', /come to rest|does not end|I4: /, {
    routable: (view) => [
      ...sound.decisions.routable(view),
      ...(view.routed ? view.instances : []).filter(({ state }) => state === 'draining').map(({ id }) => id),
    ],
  }),
  decides('tries again without a pause', /I6: .*after its end/, {
    observeInstance: (life, seen) => {
      const lived = sound.decisions.observeInstance(life, seen);
      return lived.life.retryAt === null ? lived : { ...lived, life: { ...lived.life, retryAt: seen.now } };
    },
  }),
  // The plan.
  decides('takes every declaration for the same', /in peace ended .*unchanged/, { releaseFingerprint: () => 'same' }),
  given('takes the same release for another one', /the same again in peace ended .*live/, (needs) => {
    let turn = 0;
    const releaseFingerprint: Decisions['releaseFingerprint'] = (input, digest) => {
      turn += 1;
      return needs.decisions.releaseFingerprint({ ...input, sourceDigest: `${input.sourceDigest} ${turn}` }, digest);
    };
    return { decisions: { ...needs.decisions, releaseFingerprint } };
  }),
  decides('plans a change where there is none', /the plan of the same again says update/, {
    plan: (input) => {
      const planned = sound.decisions.plan(input);
      const changes = planned.changes.map((change) =>
        change.action === 'unchanged' ? ({ ...change, action: 'update' } as const) : change,
      );
      return { ...planned, changes };
    },
  }),
  decides('prunes what is in use', /I2: .*pruned/, {
    retention: (releases) => {
      const [, ...older] = releases.filter(({ pruned }) => !pruned);
      return { prune: older.map(({ number }) => number), artifacts: [], forget: [] };
    },
  }),
  // The reconciler, and what it leaves to the next life.
  given('begins what runs a second time after a restart', /I6: .*started beside/, (needs, life) => ({
    runtime: {
      ...needs.runtime,
      start: (run) => needs.runtime.start(life === 1 ? run : { ...run, id: `${run.id}-${life}` }),
    },
  })),
  given('forgets what was acknowledged', /does not end|I3: /, (needs, life) => ({
    store: {
      ...needs.store,
      operations: { ...needs.store.operations, running: () => (life === 1 ? needs.store.operations.running() : []) },
    },
  })),
  given('keeps settings in memory', /I3: /, (needs) => ({ store: forgetful(needs.store) })),
  given('ends what serves when it begins', /I1: .*told to stop/, (needs) => {
    const { instances } = needs.store;
    return {
      store: {
        ...needs.store,
        instances: { ...instances, all: () => instances.all().filter(({ state }) => state !== 'ready') },
      },
    };
  }),
  given('gives a port twice', /I6: port/, (needs) => {
    const { instances } = needs.store;
    const withoutPorts = () => instances.all().map((row) => ({ ...row, port: null }));
    return {
      isPortFree: () => Promise.resolve(true),
      store: { ...needs.store, instances: { ...instances, all: withoutPorts } },
    };
  }),
  given('measures deadlines by the wall clock', /I4: |come to rest|in peace ended|does not end/, (needs) => ({
    clock: { ...needs.clock, steady: () => needs.clock.now() },
  })),
  given('takes a table for served when it is sent', /I1: /, (needs) => ({
    edge: {
      ...needs.edge,
      apply: (table) => {
        needs.edge.apply(table).catch(() => undefined);
        return Promise.resolve();
      },
    },
  })),
  given('leaves a service out of its first table', /I1: /, (needs, life) => {
    let first = life > 1;
    return {
      edge: {
        ...needs.edge,
        apply: (table) => {
          const pools = first ? table.pools.slice(1) : table.pools;
          first = false;
          return needs.edge.apply({ ...table, pools });
        },
      },
    };
  }),
  given('never looks for what nobody owns', /I6: the run|does not end/, (needs) => ({
    runtime: { ...needs.runtime, inventory: () => Promise.resolve([]) },
  })),
  given('leaves the files of builds that failed', /I6: .*belongs to no release/, (needs) => ({
    artifacts: { ...needs.artifacts, remove: () => Promise.resolve() },
  })),
  given('leaves the records of runs that ended', /I6: .*no owner|does not end/, (needs) => ({
    runtime: { ...needs.runtime, dispose: (handle) => needs.runtime.signal(handle, 'kill') },
  })),
  given('writes values to its log', /I7: /, (needs) => ({
    runtime: {
      ...needs.runtime,
      start: (run) => {
        needs.log.info({ environment: run.environment }, 'starting');
        return needs.runtime.start(run);
      },
    },
  })),
];

function rollout(does: string, found: RegExp): Bug {
  const mutant = [...mutants, ...diskMutants].find(({ bug }) => bug === does);
  if (mutant === undefined) throw new Error(`no mutant ${does}`);
  const { decide: decides = sound.decisions.decide, routable = sound.decisions.routable } = mutant;
  return { does, found, variant: { ...sound, decisions: { ...sound.decisions, decide: decides, routable } } };
}

function decides(does: string, found: RegExp, change: Partial<Decisions>): Bug {
  return { does, found, variant: { ...sound, decisions: { ...sound.decisions, ...change } } };
}

function given(does: string, found: RegExp, change: (needs: Dependencies, life: number) => Partial<Dependencies>): Bug {
  return { does, found, variant: { ...sound, needs: (needs, life) => ({ ...needs, ...change(needs, life) }) } };
}

/** Settings are there as long as the daemon lives. */
function forgetful(store: Store): Store {
  const kept = new Map<string, VariableRow>();
  const key = (owner: string, name: string): string => `${owner} ${name}`;
  return {
    ...store,
    variables: {
      ...store.variables,
      set: (row) => void kept.set(key(row.owner, row.key), row),
      get: (owner, name) => kept.get(key(owner, name)) ?? store.variables.get(owner, name),
    },
  };
}
