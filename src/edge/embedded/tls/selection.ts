import type { EdgeCertificate } from '../../certificate.ts';

type Named = Pick<EdgeCertificate, 'names' | 'purpose'> & { readonly notBefore: number };

/** Finds the certificate for a name: an exact name before a wildcard, of several the youngest. */
export class Selection<C extends Named> {
  readonly #serving = new Map<string, C>();
  readonly #proving = new Map<string, C>();

  constructor(certificates: Iterable<C>) {
    for (const certificate of certificates) {
      const names = certificate.purpose === 'acme-tls/1' ? this.#proving : this.#serving;
      for (const name of certificate.names) {
        const other = names.get(name);
        if (other === undefined || other.notBefore <= certificate.notBefore) names.set(name, certificate);
      }
    }
  }

  /** For traffic. `name` in lower case. */
  find(name: string): C | null {
    return this.#serving.get(name) ?? this.#serving.get(wildcardOf(name)) ?? null;
  }

  /** For the proof that a name is ours (RFC 8737 3): no wildcards. */
  findProof(name: string): C | null {
    return this.#proving.get(name) ?? null;
  }
}

/** Whether names of a certificate cover a host (RFC 9525 6.3: `*` stands for one whole label, the leftmost). */
export function covers(names: ReadonlySet<string>, host: string): boolean {
  return names.has(host) || names.has(wildcardOf(host));
}

function wildcardOf(name: string): string {
  const dot = name.indexOf('.');
  return dot < 1 ? '' : `*${name.slice(dot)}`;
}
