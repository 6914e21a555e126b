import { digestOf, factsOf } from '../certificates/inspect.ts';
import type { IssuedCertificate } from '../certificates/port.ts';
import type { HttpChallenge, Route } from '../edge/port.ts';
import type { ServiceId } from '../model/service.ts';
import type { CertificateOrderRow, CertificateRow } from '../state/records.ts';
import { type CertificateAction, type CertificateView, decideCertificates } from './certificate-decision.ts';
import { afterFailure, problemText, waysToProve } from './certificate-failures.ts';
import type { CertificateNeeds } from './certificate-needs.ts';
import { abandonOrder, keyContext, performOrder } from './certificate-order.ts';
import { Presenting } from './certificate-presenting.ts';
import { Proofs } from './certificate-proofs.ts';
import type { HostTrust } from './transport.ts';

/** Orders that are worked at together. */
const limit = 3;
/** Milliseconds after a pass that failed, and longest sleep (timers of Node overflow after 24 days). */
const pace = { retry: 1_000, longest: 3_600_000 } as const;

export interface CertificatesOptions {
  readonly needs: CertificateNeeds;
  /** Resolves when every worker of the edge answers so. */
  readonly answer: (challenges: readonly HttpChallenge[]) => Promise<void>;
  /** What is presented for hosts of these services has changed. */
  readonly changed: (services: readonly ServiceId[]) => void;
  /** There is a new event. */
  readonly told: () => void;
}

/**
 * Keeps a certificate for every host that can have one: decides by `decideCertificates`, acts, presents. Orders go on by themselves beside the passes, each
 * to its certificate or its failure; everything is on record, so a new daemon takes up what this one leaves.
 */
export class Certificates {
  readonly #needs: CertificateNeeds;
  readonly #changed: CertificatesOptions['changed'];
  readonly #told: () => void;
  readonly #presenting: Presenting;
  readonly #proofs: Proofs;
  readonly #orders = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();
  /** Hosts that were trusted when the services were told last. */
  #trusted: ReadonlySet<string> = new Set();
  #seen = '';
  #timer: Disposable | null = null;
  #passing: Promise<void> | null = null;
  #again = false;
  #open = false;
  #closed = false;

  constructor({ needs, answer, changed, told }: CertificatesOptions) {
    this.#needs = needs;
    this.#changed = changed;
    this.#told = told;
    this.#presenting = new Presenting(needs, () => this.hosts());
    this.#proofs = new Proofs(needs, { answer, present: (proofs) => this.#presenting.present(proofs) });
  }

  /** Presents what is held, so that the first table knows who is redirected; nothing is asked of authorities yet. */
  async begin(): Promise<void> {
    await this.#present();
    this.#trusted = this.#trustedHosts();
  }

  /** Begins to decide and act: the edge serves its table. */
  open(): void {
    this.#open = true;
    this.wake();
  }

  /** Something changed: hosts, certificates. */
  wake(): void {
    void this.pass();
  }

  /** What the edge serves: where its hosts have changed, their certificates are looked at. */
  see(routes: readonly Pick<Route, 'host'>[]): void {
    const hosts = routes.map(({ host }) => host).join(' ');
    if (hosts === this.#seen) return;
    this.#seen = hosts;
    this.wake();
  }

  /** Resolves when a pass that began after this call is over. Orders that it began may go on. */
  async pass(): Promise<void> {
    if (this.#closed || !this.#open) return;
    if (this.#passing !== null) {
      this.#again = true;
      return this.#passing;
    }
    this.#passing = this.#passes().finally(() => (this.#passing = null));
    return this.#passing;
  }

  /** Resolves when no order is under way. */
  async idle(): Promise<void> {
    while (this.#orders.size > 0) await Promise.all([...this.#orders.values()].map(({ done }) => done));
  }

  /** For routes: what the edge presents for a host. */
  trust(host: string): HostTrust {
    return { https: this.#https, trusted: this.#presenting.isTrusted(host, this.#needs.clock.now()) };
  }

  /** Everything that the decision depends on; documents are made from it too. */
  view(): CertificateView {
    const { store, clock, certificates } = this.#needs;
    const { acme } = certificates;
    const account = acme === null ? null : store.certificates.account(acme.directory);
    return {
      now: clock.now(),
      https: this.#https,
      hosts: this.hosts(),
      held: store.certificates.all(),
      orders: store.certificates.orders(),
      underWay: new Set(this.#orders.keys()),
      authority:
        acme === null
          ? null
          : {
              directory: acme.directory,
              isPublic: certificates.isPublic,
              wildcards: certificates.dns !== null,
              nextAt: account?.nextAt ?? 0,
              problem: account?.problem ?? null,
            },
      limit,
    };
  }

  /** Hosts at which services answer, each once. */
  hosts(): readonly string[] {
    return [...this.#owners().keys()];
  }

  /** The edge gives this answer while the work is done. */
  async showing<T>(challenge: HttpChallenge, work: () => Promise<T>): Promise<T> {
    const { host, token, answer } = challenge;
    const proof = { type: 'http-01', url: '', token, answer } as const;
    await this.#proofs.show(host, proof);
    try {
      return await work();
    } finally {
      await this.#proofs.hide(host, proof);
    }
  }

  /** Ends what is under way; orders on record are taken up by the next daemon. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
    for (const { abort } of this.#orders.values()) abort.abort(new Error('the daemon ends'));
    await this.#passing;
    await this.idle();
  }

  get #https(): boolean {
    return this.#needs.settings.httpsPort !== null;
  }

  #owners(): Map<string, ServiceId> {
    const { store } = this.#needs;
    const owners = new Map<string, ServiceId>();
    const visible = new Set<ServiceId>();
    for (const { id, host, removing, spec } of store.services.all()) {
      if (removing || spec.type === 'worker' || spec.type === 'pserv') continue;
      visible.add(id);
      if (host !== null) owners.set(host, id);
    }
    for (const { host, service } of store.domains.all()) if (visible.has(service)) owners.set(host, service);
    return owners;
  }

  async #passes(): Promise<void> {
    do {
      this.#again = false;
      this.#timer?.[Symbol.dispose]();
      try {
        await this.#passOnce();
      } catch (error) {
        this.#needs.log.warn({ err: error }, 'certificates could not be kept; trying again');
        this.#later(pace.retry);
      }
    } while (this.#again && !this.#closed);
  }

  async #passOnce(): Promise<void> {
    const decision = decideCertificates(this.view());
    for (const action of decision.actions) await this.#act(action);
    const presented = await this.#present();
    this.#tellServices();
    if (!presented) this.#later(pace.retry);
    else if (decision.wakeAt !== null) this.#later(decision.wakeAt - this.#needs.clock.now());
  }

  async #act({ kind, host, reason }: CertificateAction): Promise<void> {
    const { store, log, clock } = this.#needs;
    log.info({ host, kind }, reason);
    switch (kind) {
      case 'issue':
        return await this.#issue(host);
      case 'order':
        return this.#begin(host);
      case 'stop':
        return this.#orders.get(host)?.abort.abort(new Error(reason));
      case 'forget-order':
        return store.certificates.removeOrder(host);
      case 'forget':
        return store.certificates.remove(host);
      case 'warn': {
        const row = store.certificates.get(host);
        if (row !== null)
          store.transaction(() => {
            store.certificates.put({ ...row, warnedAt: clock.now() });
            this.#tell('certificate.expiring', host, reason);
          });
      }
    }
  }

  /** The root is on record, its key sealed, before the first leaf is made from it. */
  async #issue(host: string): Promise<void> {
    const { store, certificates, clock, vault } = this.#needs;
    const root = await this.#root();
    await certificates.local.publish(root.chain);
    const issued = await certificates.local.issue(root, { name: host, now: clock.now() });
    store.certificates.put({
      host,
      source: 'local',
      digest: digestOf(issued),
      authority: null,
      chain: issued.chain,
      sealedKey: vault.seal(issued.key, keyContext(host)),
      ...factsOf(issued.chain),
      trusted: false,
      superseded: false,
      warnedAt: null,
    });
  }

  async #root(): Promise<IssuedCertificate> {
    const { store, certificates, clock, vault } = this.#needs;
    const context = { owner: 'local authority', key: '@root' };
    const known = store.facts.get('local-authority');
    const sealed = store.facts.get('local-authority-key');
    if (known !== null && sealed !== null && factsOf(known).notAfter > clock.now())
      return { chain: known, key: vault.open(sealed, context).reveal() };
    const root = await certificates.local.makeRoot(clock.now());
    store.transaction(() => {
      store.facts.set('local-authority', root.chain);
      store.facts.set('local-authority-key', vault.seal(root.key, context));
    });
    return root;
  }

  #begin(host: string): void {
    if (this.#orders.has(host)) return;
    const abort = new AbortController();
    const done = this.#order(host, abort.signal)
      .catch((error: unknown) => this.#needs.log.error({ err: error, host }, 'an order could not be ended'))
      .finally(() => {
        this.#orders.delete(host);
        this.wake();
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

  /** Whether the edge took them. */
  async #present(): Promise<boolean> {
    if (!this.#https) return true;
    try {
      await this.#presenting.present();
      return true;
    } catch (error) {
      this.#needs.log.warn({ err: error }, 'the edge did not take the certificates; trying again');
      return false;
    }
  }

  /** Services whose hosts became trusted, or are no longer, route otherwise. */
  #tellServices(): void {
    const now = this.#trustedHosts();
    const owners = this.#owners();
    const moved = [...now.symmetricDifference(this.#trusted)].flatMap((host) => owners.get(host) ?? []);
    this.#trusted = now;
    if (moved.length > 0) this.#changed([...new Set(moved)]);
  }

  #trustedHosts(): Set<string> {
    return new Set(this.hosts().filter((host) => this.trust(host).trusted));
  }

  #tell(kind: string, host: string, message: string): void {
    const service = this.#owners().get(host) ?? null;
    const { store, clock } = this.#needs;
    store.events.append({ time: clock.now(), kind, service, project: service?.split('/')[0] ?? null, message });
    this.#told();
  }

  #later(milliseconds: number): void {
    if (this.#closed) return;
    this.#timer?.[Symbol.dispose]();
    const wait = Math.min(pace.longest, Math.max(0, milliseconds));
    this.#timer = this.#needs.clock.after(wait, () => this.wake());
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
