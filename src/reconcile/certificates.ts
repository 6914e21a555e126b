import { digestOf, factsOf } from '../certificates/inspect.ts';
import type { IssuedCertificate } from '../certificates/port.ts';
import type { HttpChallenge, Route } from '../edge/port.ts';
import { isVisible, type ServiceId } from '../model/service.ts';
import { type CertificateAction, type CertificateView, decideCertificates } from './certificate-decision.ts';
import type { CertificateNeeds } from './certificate-needs.ts';
import { keyContext } from './certificate-order.ts';
import { Orders } from './certificate-orders.ts';
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
  readonly #orders: Orders;
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
    this.#orders = new Orders({
      needs,
      proofs: this.#proofs,
      tell: (kind, host, message) => this.#tell({ kind, host, message }),
      over: () => this.wake(),
    });
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
  idle(): Promise<void> {
    return this.#orders.idle();
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
      underWay: this.#orders.hosts,
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
    await this.#orders.close();
    await this.#passing;
  }

  get #https(): boolean {
    return this.#needs.settings.httpsPort !== null;
  }

  #owners(): Map<string, ServiceId> {
    const { store } = this.#needs;
    const owners = new Map<string, ServiceId>();
    const visible = new Set<ServiceId>();
    for (const { id, host, removing, spec } of store.services.all()) {
      if (removing || !isVisible(spec.type)) continue;
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
        return this.#orders.begin(host);
      case 'stop':
        return this.#orders.stop(host, reason);
      case 'forget-order':
        return store.certificates.removeOrder(host);
      case 'forget':
        return store.certificates.remove(host);
      case 'warn': {
        const row = store.certificates.get(host);
        if (row !== null)
          store.transaction(() => {
            store.certificates.put({ ...row, warnedAt: clock.now() });
            this.#tell({ kind: 'certificate.expiring', host, message: reason });
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

  #tell({ kind, host, message }: { kind: string; host: string; message: string }): void {
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
