import type { CertificateOrderRow, CertificateRow } from '../state/records.ts';
import { afterFailure, problemText, waysToProve } from './certificate-failures.ts';
import type { CertificateNeeds } from './certificate-needs.ts';
import { abandonOrder, performOrder } from './certificate-order.ts';
import type { Proofs } from './certificate-proofs.ts';

export interface OrdersOptions {
  readonly needs: CertificateNeeds;
  readonly proofs: Proofs;
  /** An event about a host. */
  readonly tell: (kind: string, host: string, message: string) => void;
  /** One is over: the certificate, or what it failed of, is on record. */
  readonly over: () => void;
}

/** The orders that are worked at now, one for a host at most. */
export class Orders {
  readonly #needs: CertificateNeeds;
  readonly #proofs: Proofs;
  readonly #tell: OrdersOptions['tell'];
  readonly #over: () => void;
  readonly #orders = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();
  #closed = false;

  constructor({ needs, proofs, tell, over }: OrdersOptions) {
    this.#needs = needs;
    this.#proofs = proofs;
    this.#tell = tell;
    this.#over = over;
  }

  get hosts(): ReadonlySet<string> {
    return new Set(this.#orders.keys());
  }

  /** Resolves when none is under way. */
  async idle(): Promise<void> {
    while (this.#orders.size > 0) await Promise.all([...this.#orders.values()].map(({ done }) => done));
  }

  stop(host: string, reason: string): void {
    this.#orders.get(host)?.abort.abort(new Error(reason));
  }

  /** Ends what is under way; orders on record are taken up by the next daemon. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { abort } of this.#orders.values()) abort.abort(new Error('the daemon ends'));
    await this.idle();
  }

  begin(host: string): void {
    if (this.#closed || this.#orders.has(host)) return;
    const abort = new AbortController();
    const done = this.#order(host, abort.signal)
      .catch((error: unknown) => this.#needs.log.error({ err: error, host }, 'an order could not be ended'))
      .finally(() => {
        this.#orders.delete(host);
        this.#over();
      });
    this.#orders.set(host, { abort, done });
  }

  async #order(host: string, signal: AbortSignal): Promise<void> {
    const { store, clock, random, settings, certificates } = this.#needs;
    const before = store.certificates.get(host);
    const ways = waysToProve({
      wildcard: host.startsWith('*.'),
      httpPort: settings.httpPort,
      httpsPort: settings.httpsPort,
      alpn: this.#proofs.alpn,
      dns: certificates.dns !== null,
      failures: store.certificates.order(host)?.failures ?? 0,
    });
    const input = { needs: this.#needs, host, email: certificates.email, proofs: this.#proofs, ways, signal };
    try {
      const row = await performOrder(input);
      store.transaction(() => {
        store.certificates.put(row);
        store.certificates.putOrder({ ...freshOrder(host), nextAt: clock.now() + restOf(row) });
        this.#authorityAnswered();
        const word = before?.source === 'acme' ? 'renewed' : 'issued';
        this.#tell(`certificate.${word}`, host, `${row.issuer} ${word} a certificate for ${host}`);
      });
    } catch (error) {
      if (this.#closed) return;
      if (signal.aborted) {
        await abandonOrder(input).catch(() => undefined);
        return store.certificates.removeOrder(host);
      }
      this.#failed(host, { error, now: clock.now(), fraction: random.fraction() });
    }
  }

  #failed(host: string, facts: { error: unknown; now: number; fraction: number }): void {
    const { store, certificates, log } = this.#needs;
    const directory = certificates.acme?.directory ?? '';
    const order = store.certificates.order(host) ?? freshOrder(host);
    const after = afterFailure({ ...facts, order, account: store.certificates.account(directory) });
    log.warn({ err: facts.error, host }, 'no certificate yet');
    store.transaction(() => {
      store.certificates.putOrder(after.order);
      if (after.account !== null) store.certificates.putAccount(after.account);
      // An authority that is away is tried often: it is told once.
      if (after.order.problem !== order.problem || after.order.failures !== order.failures)
        this.#tell('certificate.failed', host, `no certificate for ${host}: ${problemText(facts.error)}`);
    });
  }

  #authorityAnswered(): void {
    const { store, certificates } = this.#needs;
    const account = store.certificates.account(certificates.acme?.directory ?? '');
    if (account !== null && (account.failures > 0 || account.problem !== null))
      store.certificates.putAccount({ ...account, failures: 0, nextAt: 0, problem: null });
  }
}

/**
 * Milliseconds in which no other certificate of the name is asked for: an authority whose certificates are due for renewal as soon as they are there (its
 * clock or ours is weeks off) would be asked without end.
 */
function restOf({ notBefore, notAfter }: CertificateRow): number {
  return Math.min(6 * 3_600_000, Math.max(10_000, (notAfter - notBefore) / 10));
}

function freshOrder(host: string): CertificateOrderRow {
  return { host, state: 'waiting', url: null, sealedKey: null, failures: 0, nextAt: 0, problem: null };
}
