import type { AcmeAuthority, DnsRecords, LocalAuthority, RootStore } from '../certificates/port.ts';
import type { NetworkView } from '../certificates/network-port.ts';

/** Where certificates come from, as the daemon was started. */
export interface CertificateSources {
  /** Null without the operator's consent: `--acme-email`. */
  readonly acme: AcmeAuthority | null;
  /** Where the authority writes to; empty without one. */
  readonly email: string;
  /** Its directory is a public authority's. */
  readonly isPublic: boolean;
  /** Null without `--acme-hook`. */
  readonly dns: DnsRecords | null;
  readonly local: LocalAuthority;
  readonly roots: RootStore;
  /** What `kapal domain check` looks at. */
  readonly network: NetworkView;
}
