import { createHmac, pbkdf2Sync } from 'node:crypto';
import type { BasicUser } from '../edge/policy.ts';
import type { ServiceId } from '../model/service.ts';
import type { ResolvedVariable } from '../release/environment.ts';
import type { EdgeSpec } from '../spec/edge-spec.ts';
import type { Dependencies } from './dependencies.ts';
import { variableContext } from './vaulting.ts';

/** What a service's part of the route table needs that no declaration holds. */
export interface EdgeSecretValues {
  /** 32 bytes in hex; null where nothing is signed. */
  readonly stickyKey: string | null;
  /** Those whose password is there: who has none gets in by none. */
  readonly users: readonly BasicUser[];
}

/**
 * Anybody may send passwords, and each costs the edge so many rounds: a number for stolen databases (OWASP asks for 600,000) would let a few requests a
 * second take a whole worker. The digests lie in a file that the edge's user alone reads.
 */
const iterations = 10_000;

const keyName = '@edge';

/** Makes keys once and digests when a password changes, for one service. */
export class EdgeSecrets {
  readonly #needs: Pick<Dependencies, 'store' | 'vault' | 'random'>;
  readonly #service: ServiceId;
  readonly #digests = new Map<string, { readonly password: string; readonly user: BasicUser }>();
  #key: Uint8Array | null = null;

  constructor(needs: Pick<Dependencies, 'store' | 'vault' | 'random'>, service: ServiceId) {
    this.#needs = needs;
    this.#service = service;
  }

  /** `variables`: of the release that serves. The same answer for the same input, over restarts of the daemon too. */
  of(edge: EdgeSpec, variables: readonly ResolvedVariable[]): EdgeSecretValues {
    const users = (edge.policy?.basicAuth?.users ?? []).flatMap(({ name, variable }) => {
      const password = variables.find(({ key }) => key === variable)?.value ?? '';
      return password === '' ? [] : [this.#user(name, password)];
    });
    const stickyKey =
      edge.sticky === undefined ? null : createHmac('sha256', this.#masterKey()).update('sticky').digest('hex');
    return { stickyKey, users };
  }

  /** The salt follows from name and password under the service's key: it stays the same while they do, and tells two services apart. */
  #user(name: string, password: string): BasicUser {
    const known = this.#digests.get(name);
    if (known?.password === password) return known.user;
    const text = JSON.stringify(['basic', name, password]);
    const salt = createHmac('sha256', this.#masterKey()).update(text).digest().subarray(0, 16);
    const digest = pbkdf2Sync(password, salt, iterations, 32, 'sha256').toString('hex');
    const user = { name, salt: salt.toString('hex'), iterations, digest };
    this.#digests.set(name, { password, user });
    return user;
  }

  #masterKey(): Uint8Array {
    this.#key ??= Buffer.from(this.#recorded() ?? this.#made(), 'hex');
    return this.#key;
  }

  #recorded(): string | null {
    const { store, vault } = this.#needs;
    const row = store.variables.get(keyOwner(this.#service), keyName);
    return row === null ? null : vault.open(row.sealed, variableContext(row.owner, row.key)).reveal();
  }

  #made(): string {
    const { store, vault, random } = this.#needs;
    const owner = keyOwner(this.#service);
    const key = Buffer.from(random.bytes(32)).toString('hex');
    const sealed = vault.seal(key, variableContext(owner, keyName));
    store.variables.set({ owner, key: keyName, sealed, source: 'generated' });
    return key;
  }
}

/** The service is being removed: its key goes with it. Part of the caller's transaction. */
export function forgetEdgeSecrets({ store }: Pick<Dependencies, 'store'>, service: ServiceId): void {
  store.variables.unset(keyOwner(service), keyName);
}

/** Not the service's own variables, which its instances get. */
function keyOwner(service: ServiceId): string {
  return `@edge/${service}`;
}
