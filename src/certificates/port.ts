/**
 * Where certificates come from. Drivers: `acme/` (authorities by RFC 8555), `local/` (the authority in the data folder), `hook/` (records in DNS by a
 * program of the operator), `network/` (what `kapal domain check` looks at).
 */

/** A certificate with its key, as it is stored and presented. */
export interface IssuedCertificate {
  /** PEM, leaf first. */
  readonly chain: string;
  /** PEM, PKCS #8. Secret. */
  readonly key: string;
}

export const challengeTypes = ['http-01', 'tls-alpn-01', 'dns-01'] as const;
export type ChallengeType = (typeof challengeTypes)[number];

/** A proof that the authority asks for. */
export interface AcmeChallenge {
  readonly type: ChallengeType;
  readonly url: string;
  readonly token: string;
  /** What is to be shown: the key authorisation (http-01, tls-alpn-01), or the value of the TXT record (dns-01). */
  readonly answer: string;
}

export interface AcmeAuthorization {
  /** Without `*.`. */
  readonly name: string;
  readonly status: 'pending' | 'valid' | 'invalid' | 'deactivated' | 'expired' | 'revoked';
  readonly challenges: readonly AcmeChallenge[];
  /** Why it is invalid: the authority's own words. */
  readonly problem: string | null;
}

/** RFC 8555 7.1.6. */
export interface AcmeOrder {
  readonly url: string;
  readonly status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
  readonly problem: string | null;
}

/** One authority, spoken to as one account. All throw `AcmeProblem`. */
export interface AcmeSession {
  /** A new order for one name, which may be a wildcard. */
  place(name: string): Promise<AcmeOrder>;
  order(url: string): Promise<AcmeOrder>;
  authorizations(order: AcmeOrder): Promise<readonly AcmeAuthorization[]>;
  /** Says that the proof can be looked at. */
  ready(challenge: AcmeChallenge): Promise<void>;
  /** Gives up authorisations that nobody will prove, so that they do not count as pending for days. */
  abandon(order: AcmeOrder): Promise<void>;
  /** Sends the request for the name, signed with this key. */
  finalize(order: AcmeOrder, request: { readonly name: string; readonly key: string }): Promise<AcmeOrder>;
  /** PEM, leaf first, of an order that is valid. */
  certificate(order: AcmeOrder): Promise<string>;
}

export interface AcmeAuthority {
  /** URL of its directory. */
  readonly directory: string;
  /** The account of this key (PEM): registered with the operator's address and consent to the terms where `url` is null. */
  session(account: {
    readonly key: string;
    readonly url: string | null;
    readonly email: string;
  }): Promise<{ readonly session: AcmeSession; readonly url: string }>;
  /** How it calls itself in CAA records; empty where its directory does not say. */
  caaIdentities(): Promise<readonly string[]>;
  /** The certificate that answers a TLS-ALPN-01 challenge (RFC 8737 3): self-signed, with the digest of the answer. */
  proof(name: string, answer: string): Promise<IssuedCertificate>;
}

/** What an authority answered, or that it did not. */
export class AcmeProblem extends Error {
  /** Last part of the problem's type (RFC 8555 6.7): `rateLimited`, `unauthorized`, ...; null where no problem document came. */
  readonly type: string | null;
  /** Status of HTTP; null where nothing answered. */
  readonly status: number | null;
  /** Milliseconds that the authority asks to wait. */
  readonly retryAfter: number | null;

  constructor(
    message: string,
    facts: { type: string | null; status: number | null; retryAfter?: number | null; cause?: unknown },
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'AcmeProblem';
    this.type = facts.type;
    this.status = facts.status;
    this.retryAfter = facts.retryAfter ?? null;
  }
}

/** Puts the TXT records of DNS-01 into the operator's zone. */
export interface DnsRecords {
  /** Resolves when the record can be looked up. Throws KapalError `certificate_failed` with what the program printed. */
  present(name: string, value: string): Promise<void>;
  cleanup(name: string, value: string): Promise<void>;
}

/** The authority of this data folder: for names under `localhost`, which no other may certify. */
export interface LocalAuthority {
  /** Made by the first call. The root is PEM; its key too, to be sealed. */
  makeRoot(now: number): Promise<IssuedCertificate>;
  /** Puts the root where people find it, to trust it; its path, absolute. */
  publish(root: string): Promise<string>;
  /** A leaf for one name. */
  issue(root: IssuedCertificate, request: { readonly name: string; readonly now: number }): Promise<IssuedCertificate>;
}

/** Whether clients accept a certificate by the roots of this machine. */
export interface RootStore {
  /** Null when they do, else why not. */
  refuses(certificate: IssuedCertificate, host: string): Promise<string | null>;
}
