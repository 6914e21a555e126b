import type { ServiceSpec } from '../spec/spec.ts';

/** One thing that a declaration says of a service, by the name of its field and in the field's own terms. */
export interface Aspect {
  readonly field: string;
  /** `false`: it takes effect without a new release. */
  readonly release: boolean;
  /** As it would be declared; equal texts mean equal values. */
  readonly said: (spec: ServiceSpec) => string;
  /** Of a field that came later: what it says where nothing is declared. Then it is no part of a fingerprint, so that an upgrade makes no new releases. */
  readonly silent?: string;
}
