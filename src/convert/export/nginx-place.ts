import type { ServiceSpec } from '../../spec/spec.ts';

/** One host, or a path of it, and the service behind it. */
export interface Location {
  readonly service: ServiceSpec;
  readonly host: string;
  readonly path: string;
  readonly upstream: string;
  readonly project: string;
  /** Among the places of its service. */
  readonly index: number;
  /** `null` for what Kapal does not run. */
  readonly firstPort: number | null;
}
