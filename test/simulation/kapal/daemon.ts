import { createSimulatedBuilder } from '../../../src/build/simulated/driver.ts';
import type { ServiceId } from '../../../src/model/service.ts';
import type { Dependencies } from '../../../src/reconcile/dependencies.ts';
import type { Store } from '../../../src/state/store.ts';
import type { Vault } from '../../../src/secrets/vault.ts';
import type { Noise } from '../noise.ts';
import { SimulatedDisk } from '../engine/simulated-disk.ts';
import { withoutAuthorities } from '../engine/without-authorities.ts';
import type { EdgeProcesses } from './edge.ts';
import type { Faults } from './faults.ts';
import type { Disk } from './files.ts';
import { gated, gatedLater, type Life } from './life.ts';
import type { Logs } from './logs.ts';
import type { Machine } from './machine.ts';
import type { Time } from './time.ts';
import type { Trace } from './trace.ts';
import type { Variant } from './variant.ts';
import { simulatedSettings } from '../settings.ts';
import { withoutLeftovers } from '../leftovers.ts';
import { withoutPushes } from '../pushes.ts';

/** What outlives a daemon. */
export interface Outside {
  readonly time: Time;
  readonly noise: Noise;
  readonly faults: Faults;
  readonly trace: Trace;
  readonly machine: Machine;
  readonly edge: EdgeProcesses;
  readonly disk: Disk;
  readonly logs: Logs;
  readonly vault: Vault;
  readonly variant: Variant;
}

export interface Birth {
  readonly life: Life;
  readonly number: number;
  readonly store: Store;
  /** A line of the daemon's own log. */
  readonly said: (text: string) => void;
  readonly removed: (service: ServiceId) => void;
  readonly promoted: (input: Parameters<Store['services']['promote']>, before: number | null, moved: boolean) => void;
}

/** All that one life of the daemon touches: the record as it is, everything else simulated, and each call a step at which it may die. */
export function dependenciesOf(outside: Outside, birth: Birth): Dependencies {
  const { time, noise, faults, machine, edge, disk, logs, vault, variant } = outside;
  const { life, said } = birth;
  const isAlive = (): boolean => life.isAlive;
  const log = (facts: object, message: string): void => {
    if (life.isAlive) said(`${message} ${JSON.stringify(facts, withMessages)}`);
  };
  const needs: Dependencies = {
    store: storeOf(birth),
    runtime: gatedLater(life, {
      name: 'runtime',
      target: machine.drive(faults, isAlive),
      plain: ['capabilities', 'watch'],
    }),
    edge: gatedLater(life, { name: 'edge', target: edge.drive(faults, isAlive), plain: ['isAlive'] }),
    builder: createSimulatedBuilder(),
    ...withoutLeftovers(),
    sources: gatedLater(life, { name: 'sources', target: disk.sources(faults, isAlive) }),
    repositories: withoutPushes(),
    disk: new SimulatedDisk(),
    memory: () => Promise.resolve(null),
    artifacts: gatedLater(life, { name: 'artifacts', target: disk.artifacts(faults, isAlive), plain: ['folder'] }),
    disks: gatedLater(life, { name: 'disks', target: disk.disks.store(), plain: ['path'] }),
    vault,
    logs: gatedLater(life, { name: 'logs', target: logs.store(), plain: ['write', 'watch'] }),
    prober: gatedLater(life, { name: 'prober', target: proberOf(outside) }),
    clock: time.clock(isAlive),
    random: {
      bytes: (count) => Uint8Array.from({ length: count }, () => noise.between(0, 255)),
      // Few values: what two daemons choose by chance often is the same.
      fraction: () => noise.between(0, 3) / 4,
    },
    isPortFree: (port) => Promise.resolve(machine.isPortFree(port)),
    decisions: variant.decisions,
    log: { info: log, warn: log, error: log },
    certificates: withoutAuthorities(),
    settings: simulatedSettings('/simulated'),
  };
  return variant.needs(needs, birth.number);
}

/** Every statement and every transaction is a step: what is inside a transaction is lost with it. */
function storeOf({ life, store, promoted, removed }: Birth): Store {
  const services: Store['services'] = {
    ...store.services,
    promote: (...input) => {
      const before = store.services.get(input[0])?.current ?? null;
      const moved = store.services.promote(...input);
      promoted(input, before, moved);
      return moved;
    },
    remove: (service) => {
      store.services.remove(service);
      removed(service);
    },
  };
  return {
    transaction: (work) => life.step('store.transaction', () => store.transaction(work)),
    facts: gated(life, 'facts', store.facts),
    services: gated(life, 'services', services),
    releases: gated(life, 'releases', store.releases),
    rollouts: gated(life, 'rollouts', store.rollouts),
    instances: gated(life, 'instances', store.instances),
    jobs: gated(life, 'jobs', store.jobs),
    operations: gated(life, 'operations', store.operations),
    variables: gated(life, 'variables', store.variables),
    domains: gated(life, 'domains', store.domains),
    certificates: gated(life, 'certificates', store.certificates),
    disks: gated(life, 'disks', store.disks),
    repositories: gated(life, 'repositories', store.repositories),
    hooks: gated(life, 'hooks', store.hooks),
    events: gated(life, 'events', store.events),
    close: () => undefined,
  };
}

/** Answers come from whoever listens on the port, late at times, or not at all. */
function proberOf({ faults, machine }: Outside): Dependencies['prober'] {
  const ask = (port: number) =>
    faults.look(() => {
      const ok = machine.portAnswers(port) && !faults.hits(0.05);
      return { ok, detail: ok ? 'answered 200' : 'no answer' };
    });
  const asked = async (port: number) => ask(port).catch(() => ({ ok: false, detail: 'no answer' }));
  return {
    http: ({ port }) => asked(port),
    tcp: ({ port }) => asked(port),
    alive: ({ port }) => asked(port),
    upstream: async ({ port }) => ({ ...(await asked(port)), refused: false }),
  };
}

function withMessages(_: string, value: unknown): unknown {
  return value instanceof Error ? value.message : value;
}
