import type { EdgeCertificate } from '../edge/certificate.ts';
import { covers } from '../model/domains.ts';
import type { CertificateRow } from '../state/records.ts';
import type { CertificateNeeds } from './certificate-needs.ts';
import { keyContext } from './certificate-order.ts';

/** What one certificate is presented for. */
export interface Shown {
  readonly row: CertificateRow;
  readonly names: readonly string[];
}

/**
 * Pure: for which of the hosts each certificate is presented: its own, and those that it covers and that have none of their own. A certificate for none
 * of them is not presented.
 */
export function presentation(rows: readonly CertificateRow[], hosts: readonly string[]): Shown[] {
  const own = new Set(rows.map((row) => row.host));
  const bare = hosts.filter((host) => !own.has(host));
  const taken = new Set<string>();
  const wanted = new Set(hosts);
  return rows
    .toSorted((a, b) => b.notAfter - a.notAfter)
    .flatMap((row) => {
      const covered = bare.filter((host) => !taken.has(host) && row.names.some((name) => covers(name, host)));
      for (const host of covered) taken.add(host);
      const names = [...(wanted.has(row.host) ? [row.host] : []), ...covered];
      return names.length === 0 ? [] : [{ row, names }];
    });
}

/** Keeps the edge at the set of certificates that follows from the record. One call at a time, each with the whole set. */
export class Presenting {
  readonly #needs: CertificateNeeds;
  readonly #hosts: () => readonly string[];
  #proofs: readonly EdgeCertificate[] = [];
  /** When trust in a name ends. */
  #trusted: ReadonlyMap<string, number> = new Map();
  #last: string | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(needs: CertificateNeeds, hosts: () => readonly string[]) {
    this.#needs = needs;
    this.#hosts = hosts;
  }

  /** Whether every worker of the edge presents, as far as it was confirmed, what clients on other machines accept for the host. */
  isTrusted(host: string, now: number): boolean {
    const until = this.#trusted.get(host) ?? this.#trusted.get(`*.${host.slice(host.indexOf('.') + 1)}`);
    return until !== undefined && until > now;
  }

  /** Resolves when the edge presents what the record says and these proofs. Throws what the edge throws; `not_supported` where it takes no proofs. */
  present(proofs: readonly EdgeCertificate[] = this.#proofs): Promise<void> {
    const turn = this.#turn.then(() => this.#present(proofs));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #present(proofs: readonly EdgeCertificate[]): Promise<void> {
    const shown = presentation(this.#needs.store.certificates.all(), this.#hosts());
    const certificates = [...shown.map((one) => this.#open(one)), ...proofs];
    const key = JSON.stringify(certificates.map(({ id, names }) => [id, names]));
    if (key !== this.#last) await this.#needs.edge.present(certificates);
    this.#last = key;
    this.#trusted = new Map(
      shown.flatMap(({ row, names }) => (row.trusted ? names.map((name) => [name, row.notAfter] as const) : [])),
    );
    this.#proofs = proofs;
  }

  #open({ row, names }: Shown): EdgeCertificate {
    const key = this.#needs.vault.open(row.sealedKey, keyContext(row.host)).reveal();
    return { id: row.digest, names, chain: row.chain, key };
  }
}
