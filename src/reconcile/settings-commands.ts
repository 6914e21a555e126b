import type { OperationDocument } from '../api/contract/types.ts';
import { crashpoint } from '../lib/crashpoint.ts';
import { KapalError } from '../model/errors.ts';
import { isName, isVariableName } from '../model/names.ts';
import { type ServiceId, serviceId, serviceKey } from '../model/service.ts';
import type { Dependencies } from './dependencies.ts';
import type { Operations } from './operations/operations.ts';
import { draftOfCurrent } from './operations/releasing.ts';
import { pendingOwner } from './pending-variables.ts';
import { storeVariable } from './variables.ts';

export interface VariableChange {
  readonly at: { readonly project: string | undefined; readonly environment: string; readonly service: string };
  /** `null` unsets. */
  readonly changes: Readonly<Record<string, string | null>>;
}

/** What is set on services by command and not by declaration: variables. */
export class SettingsCommands {
  readonly #needs: Dependencies;
  readonly #operations: Operations;

  constructor(parts: { needs: Dependencies; operations: Operations }) {
    this.#needs = parts.needs;
    this.#operations = parts.operations;
  }

  /** Stores the values; a service that has a live release gets a new one with them, in the same durable step. Answers the operation, or null. */
  setVariables({ at, changes }: VariableChange): OperationDocument | null {
    for (const key of Object.keys(changes)) {
      if (!isVariableName(key))
        throw new KapalError('name_invalid', `"${key}" is not a variable's name`, {
          hint: 'Letters, digits and underscores, not a digit first.',
        });
    }
    const { store } = this.#needs;
    const owner = this.#owner(at);
    const change = () => {
      for (const [key, value] of Object.entries(changes)) this.#setOne(owner, { key, value, service: at.service });
      crashpoint('variables.recording');
    };
    const service = owner as ServiceId;
    if ((store.services.get(service)?.current ?? null) === null) {
      store.transaction(change);
      crashpoint('variables.recorded');
      return null;
    }
    const unset = Object.values(changes).every((value) => value === null);
    const cause = `env ${unset ? 'unset' : 'set'} ${Object.keys(changes).join(' ')}`;
    return this.#operations.release({
      service,
      kind: 'configure',
      request: { service, cause },
      make: () => draftOfCurrent(this.#needs, service, cause),
      change,
    });
  }

  #setOne(owner: string, change: { key: string; value: string | null; service: string }): void {
    const { key, value, service } = change;
    if (value !== null) storeVariable(this.#needs, { owner, key, value, source: 'set' });
    else if (!this.#needs.store.variables.unset(owner, key)) {
      throw new KapalError('not_found', `${key} is not set on ${service}`, {
        hint: 'What the declaration says is changed there.',
      });
    }
  }

  /** A service that is not known yet keeps its values under its name until its first deploy. */
  #owner(at: VariableChange['at']): string {
    for (const [what, name] of [
      ['service', at.service],
      ['environment', at.environment],
      ['project', at.project],
    ] as const) {
      if (name !== undefined && !isName(name))
        throw new KapalError('name_invalid', `${what} "${name}" is not a valid name`);
    }
    if (at.project !== undefined) return serviceId({ ...at, project: at.project });
    const named = this.#needs.store.services
      .all()
      .map((row) => row.id)
      .filter((id) => {
        const key = serviceKey(id);
        return key.service === at.service && key.environment === at.environment;
      });
    if (named.length > 1)
      throw new KapalError('ambiguous', `${named.length} projects have a service ${at.service}`, {
        hint: `Say which: --project ${named.map((id) => serviceKey(id).project).join(' or ')}`,
      });
    return named[0] ?? pendingOwner(at);
  }
}
