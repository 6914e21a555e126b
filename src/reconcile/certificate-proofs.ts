import type { AcmeChallenge } from '../certificates/port.ts';
import { digestOf } from '../certificates/inspect.ts';
import type { EdgeCertificate } from '../edge/certificate.ts';
import type { HttpChallenge } from '../edge/port.ts';
import { KapalError } from '../model/errors.ts';
import type { CertificateNeeds } from './certificate-needs.ts';

export interface ProofPlaces {
  /** Resolves when every worker of the edge answers so. */
  readonly answer: (challenges: readonly HttpChallenge[]) => Promise<void>;
  /** Resolves when every worker of the edge presents these beside the others. */
  readonly present: (certificates: readonly EdgeCertificate[]) => Promise<void>;
}

/** What is shown to authorities now: answers over HTTP, certificates for TLS-ALPN-01, records in DNS. Kept in memory: a resumed order shows them again. */
export class Proofs {
  readonly #needs: Pick<CertificateNeeds, 'certificates' | 'log'>;
  readonly #places: ProofPlaces;
  readonly #answers = new Map<string, HttpChallenge>();
  readonly #certificates = new Map<string, EdgeCertificate>();
  #alpn = true;

  constructor(needs: Pick<CertificateNeeds, 'certificates' | 'log'>, places: ProofPlaces) {
    this.#needs = needs;
    this.#places = places;
  }

  /** Whether the edge presents certificates of the purpose acme-tls/1, as far as is known. */
  get alpn(): boolean {
    return this.#alpn;
  }

  /** False where the edge cannot show it in this way. */
  async show(name: string, { type, token, answer }: AcmeChallenge): Promise<boolean> {
    switch (type) {
      case 'http-01':
        this.#answers.set(token, { host: name, token, answer });
        await this.#places.answer([...this.#answers.values()]);
        return true;
      case 'tls-alpn-01':
        return await this.#present(name, { token, answer });
      case 'dns-01':
        await this.#needs.certificates.dns?.present(`_acme-challenge.${name}`, answer);
        return this.#needs.certificates.dns !== null;
    }
  }

  /** Failures are logged: what is left does no harm, and the order has its own end. */
  async hide(name: string, { type, token, answer }: AcmeChallenge): Promise<void> {
    try {
      if (this.#answers.delete(token)) await this.#places.answer([...this.#answers.values()]);
      if (this.#certificates.delete(token)) await this.#places.present([...this.#certificates.values()]);
      if (type === 'dns-01') await this.#needs.certificates.dns?.cleanup(`_acme-challenge.${name}`, answer);
    } catch (error) {
      this.#needs.log.warn({ err: error, name }, 'could not take back what was shown to the authority');
    }
  }

  async #present(name: string, { token, answer }: { token: string; answer: string }): Promise<boolean> {
    const { acme } = this.#needs.certificates;
    if (acme === null || !this.#alpn) return false;
    const { chain, key } = await acme.proof(name, answer);
    this.#certificates.set(token, { id: digestOf({ chain, key }), names: [name], chain, key, purpose: 'acme-tls/1' });
    try {
      await this.#places.present([...this.#certificates.values()]);
      return true;
    } catch (error) {
      if (!(error instanceof KapalError) || error.code !== 'not_supported') throw error;
      this.#certificates.delete(token);
      this.#alpn = false;
      return false;
    }
  }
}
