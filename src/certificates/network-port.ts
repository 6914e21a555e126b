/** What `kapal domain check` looks at from this machine. None of it throws: what could not be asked says why. */
export interface NetworkView {
  /** `names` are looked up at this machine's resolver. */
  records(host: string): Promise<DnsFacts>;
  /** CAA of the name or of the nearest name above it that has any (RFC 8659 3). */
  caa(host: string): Promise<CaaFacts>;
  /** Addresses of this machine's interfaces, loopback left out. */
  ownAddresses(): readonly string[];
  /** GET by plain HTTP, at this address with this Host. Milliseconds since the epoch of the Date field in `date`. */
  get(input: {
    readonly address: string;
    readonly port: number;
    readonly host: string;
    readonly path: string;
  }): Promise<Fetched>;
  /** The certificate that is presented there. */
  handshake(input: { readonly address: string; readonly port: number; readonly host: string }): Promise<Presented>;
  /** Milliseconds by which this machine's clock is ahead of the server's; null where it could not be asked. */
  clockSkew(url: string): Promise<number | null>;
}

export interface DnsFacts {
  readonly addresses: readonly string[];
  /** Names on the way, in order. */
  readonly aliases: readonly string[];
  /** Code of the resolver (`ENOTFOUND`, `ETIMEOUT`, ...) where there are no addresses. */
  readonly error: string | null;
  readonly resolvers: readonly string[];
}

export interface CaaFacts {
  /** Where the records stand; null where there are none. */
  readonly at: string | null;
  readonly issue: readonly string[];
  readonly issueWildcard: readonly string[];
  readonly error: string | null;
}

export type Fetched =
  | { readonly kind: 'answer'; readonly status: number; readonly body: string; readonly date: number | null }
  | { readonly kind: 'failed'; readonly error: string };

export type Presented =
  | {
      readonly kind: 'certificate';
      readonly names: readonly string[];
      readonly issuer: string;
      readonly notAfter: number;
      /** Null where clients of this machine accept it. */
      readonly refusal: string | null;
    }
  | { readonly kind: 'failed'; readonly error: string };
