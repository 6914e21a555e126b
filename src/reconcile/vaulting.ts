import type { ServiceId } from '../model/service.ts';
import type { ResolvedVariable } from '../release/environment.ts';
import type { GroupSpec, VariableSpec } from '../spec/spec.ts';
import type { OperationRow, ReleaseRow } from '../state/records.ts';
import type { SealContext, Vault } from '../secrets/vault.ts';

/** All values of a release: as resolved when it was made, and as declared, for a later release that resolves them anew. */
export interface ReleaseVariables {
  readonly resolved: readonly ResolvedVariable[];
  readonly declared: readonly VariableSpec[];
  readonly groups: readonly GroupSpec[];
}

/** Values never lie in the record in clear; the context ties the sealed text to its service. */
export function sealVariables(vault: Vault, service: ServiceId, variables: ReleaseVariables): string {
  return vault.seal(JSON.stringify(variables), releaseContext(service));
}

export function openVariables(vault: Vault, release: Pick<ReleaseRow, 'service' | 'environment'>): ReleaseVariables {
  // Sealed by `sealVariables` and authenticated by the vault: the shape is ours.
  return JSON.parse(vault.open(release.environment, releaseContext(release.service)).reveal()) as ReleaseVariables;
}

/** The context of one stored variable. */
export function variableContext(owner: string, key: string): SealContext {
  return { owner, key };
}

/** The context of a request that was acknowledged. */
export function operationContext(id: string): SealContext {
  return { owner: id, key: '@operation' };
}

/** `@` cannot stand in a variable's name: no variable can pass for a release's whole set. */
function releaseContext(service: ServiceId): SealContext {
  return { owner: service, key: '@release' };
}

/** What an operation was asked to do, as it was acknowledged: JSON of its kind's own shape. */
export function openRequest(
  vault: Pick<Vault, 'open'>,
  row: Pick<OperationRow, 'id' | 'request'>,
): Record<string, unknown> {
  const sealed = typeof row.request === 'string' ? row.request : '';
  return JSON.parse(vault.open(sealed, operationContext(row.id)).reveal()) as Record<string, unknown>;
}
