import type { OperationDocument } from '../../../src/api/contract/types.ts';
import type { ServiceId } from '../../../src/model/service.ts';
import { variableContext } from '../../../src/reconcile/vaulting.ts';
import type { Author } from './author.ts';
import type { People, World } from './world.ts';

/** What people were told, and so must be there for ever: operations that were acknowledged, and settings. I3 is held against it. */
export class Ledger implements People {
  readonly #world: World;
  readonly operations = new Set<string>();
  readonly #ended = new Set<string>();
  /** By service and setting; `null`: it is not there. What nobody can be sure of is missing. */
  readonly #settings = new Map<ServiceId, Map<string, string | null>>();

  constructor(world: World) {
    this.#world = world;
  }

  acknowledged({ id }: OperationDocument): void {
    this.operations.add(id);
    if (this.#world.store?.operations.get(id) === null)
      this.#world.checks.fail(`I3: operation ${id} was acknowledged and is not on record`);
  }

  /** Somebody is about to change a setting: until they are told so, nobody knows. Answers what makes the new value known. */
  doubt(service: ServiceId, setting: string): (value: string | null) => void {
    const known = this.#settings.get(service) ?? new Map<string, string | null>();
    this.#settings.set(service, known);
    known.delete(setting);
    return (value) => {
      if (this.#settings.get(service) === known) known.set(setting, value);
    };
  }

  /** The service and all that belonged to it are gone. */
  removed(service: ServiceId): void {
    this.#settings.delete(service);
  }

  /** Operations that were acknowledged and have not ended. */
  open(): readonly string[] {
    const { store } = this.#world;
    if (store === null) return ['the daemon is away'];
    for (const id of this.operations) if (store.operations.get(id)?.state === 'finished') this.#ended.add(id);
    return [...this.operations].filter((id) => !this.#ended.has(id));
  }

  check(): void {
    const { store, checks } = this.#world;
    if (store === null) return;
    for (const id of this.operations)
      if (store.operations.get(id) === null) checks.fail(`I3: operation ${id} was acknowledged and is gone`);
    for (const [service, settings] of this.#settings) {
      const row = store.services.get(service);
      if (row === null || row.removing) continue;
      for (const [setting, value] of settings) {
        const is = this.#valueOf(service, setting);
        if (is !== value) checks.fail(`I3: ${setting} of ${service} was set to ${value} and is ${is}`);
      }
    }
  }

  /** Every run of the current releases has the values that were set, and those that were declared last. */
  checkEnvironments(author: Author): void {
    const { store, machine, checks } = this.#world;
    for (const row of store?.services.all() ?? []) {
      const declared = author.variant(row.spec.name)?.token;
      for (const { id, attempt } of store?.instances.of(row.id) ?? []) {
        const environment = machine.run(`${id}.${attempt}`)?.spec.environment ?? {};
        if (environment['TOKEN'] !== declared)
          checks.fail(`${id} runs with the value ${environment['TOKEN']} and ${declared} was deployed`);
        for (const [setting, value] of this.#settings.get(row.id) ?? []) {
          const [what, key = ''] = setting.split(' ');
          if (what === 'variable' && (environment[key] ?? null) !== value)
            checks.fail(`I3: ${id} runs with ${key}=${environment[key]} and ${value} was set`);
        }
      }
    }
  }

  #valueOf(service: ServiceId, setting: string): string | null {
    const { store, vault } = this.#world;
    const [what, key = ''] = setting.split(' ');
    if (what === 'stopped') return String(store?.services.get(service)?.stopped);
    if (what === 'domain') return store?.domains.get(key)?.service === service ? 'added' : null;
    const row = store?.variables.get(service, key) ?? null;
    return row === null ? null : vault.open(row.sealed, variableContext(service, key)).reveal();
  }
}
