/** What is presented to clients that ask for one of `names`; a client that asks for no name or another is refused with the alert unrecognized_name. */
export interface EdgeCertificate {
  /** Digest of chain and key: another certificate has another id. `[0-9a-f]{32}`. */
  readonly id: string;
  /** Lower-case; `*.example.com` matches one label. An exact name comes before a wildcard. */
  readonly names: readonly string[];
  /** PEM, leaf first. */
  readonly chain: string;
  /** PEM, PKCS #8. Secret: it is not logged, described or put in the route table. */
  readonly key: string;
  /** RFC 8737: presented only to clients that speak `acme-tls/1`, and nothing else is served on such a connection. */
  readonly purpose?: 'acme-tls/1';
}
