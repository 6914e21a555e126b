import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { DomainCheckDocument, DomainDocument, DomainRequest } from '../api/contract/types.ts';
import { digestOf, factsOf, readOwnCertificate } from '../certificates/inspect.ts';
import { crashpoint } from '../lib/crashpoint.ts';
import { type DomainName, domainText, readDomain } from '../model/domains.ts';
import { KapalError } from '../model/errors.ts';
import { isVisible, type ServiceId, serviceKey } from '../model/service.ts';
import type { CertificateRow } from '../state/records.ts';
import { certificateDocument } from './certificate-documents.ts';
import { type CertificateView, obstacleOf } from './certificate-decision.ts';
import { keyContext } from './certificate-order.ts';
import type { Certificates } from './certificates.ts';
import type { Dependencies } from './dependencies.ts';
import { checkDomain } from './domain-check.ts';
import { urlOfDomain } from './operations/documents.ts';
import { refuseRemoving } from './operations/acknowledge.ts';

/** Domains of services: what is added and removed by command, and what is known of their certificates. */
export class DomainCommands {
  readonly #needs: Dependencies;
  readonly #certificates: Certificates;
  readonly #wake: (service: ServiceId) => void;

  constructor(parts: { needs: Dependencies; certificates: Certificates; wake: (service: ServiceId) => void }) {
    this.#needs = parts.needs;
    this.#certificates = parts.certificates;
    this.#wake = parts.wake;
  }

  list(service: ServiceId): DomainDocument[] {
    const { store } = this.#needs;
    const host = store.services.get(service)?.host ?? null;
    const all: readonly (DomainName & Pick<DomainDocument, 'source'>)[] = [
      ...store.domains.of(service),
      ...(host === null ? [] : [{ host, path: '/', source: 'default' } as const]),
    ];
    const view = this.#certificates.view();
    return all.map((domain) => this.#document(domain, view));
  }

  /** Routes the domain, and keeps the own certificate that comes with it. */
  async add(service: ServiceId, text: string, request: DomainRequest): Promise<DomainDocument> {
    const domain = this.#read(text);
    this.#checkService(service, domain);
    if ((request.certificate === undefined) !== (request.key === undefined))
      throw new KapalError('usage', 'a certificate and its key come together: --certificate FILE --key FILE');
    if (request.certificate !== undefined && request.acme === true)
      throw new KapalError('usage', 'either an own certificate or --acme, not both');
    const own = await this.#own(domain.host, request);
    const { store } = this.#needs;
    store.transaction(() => {
      refuseRemoving(this.#needs, service);
      if (!this.#answers(service, domain)) store.domains.add({ ...domain, service, source: 'added' });
      if (own !== null) store.certificates.put(own);
      if (request.acme === true) this.#ask(domain.host);
    });
    crashpoint('domain.added');
    this.#certificates.wake();
    this.#wake(service);
    const row = store.domains.get(domain.host, domain.path);
    return this.#document({ ...domain, source: row?.source ?? 'default' });
  }

  remove(service: ServiceId, text: string): void {
    const { store } = this.#needs;
    const { service: short } = serviceKey(service);
    const domain = this.#read(text);
    const row = store.domains.get(domain.host, domain.path);
    if (row?.service !== service)
      throw new KapalError('not_found', `${short} has no domain ${text}`, {
        hint: `See its domains: kapal domain list ${short}`,
      });
    if (row.source === 'declared')
      throw new KapalError('conflict', `${text} stands in the declaration`, {
        hint: 'Remove it from domains there and deploy.',
      });
    store.transaction(() => {
      store.domains.remove(domain.host, domain.path);
      // Another service may answer below another path of the host.
      const isLast = !this.#certificates.hosts().includes(domain.host);
      if (isLast && store.certificates.get(domain.host)?.source === 'own') store.certificates.remove(domain.host);
    });
    crashpoint('domain.removed');
    this.#certificates.wake();
    this.#wake(service);
  }

  /** Throws `not_found` where the service does not answer there. */
  async check(service: ServiceId, text: string): Promise<DomainCheckDocument> {
    const domain = this.#read(text);
    if (!this.#certificates.hosts().includes(domain.host) || !this.#answers(service, domain)) {
      const { service: short } = serviceKey(service);
      throw new KapalError('not_found', `${short} has no domain ${text}`, {
        hint: `Add it: kapal domain add ${short} ${text}`,
      });
    }
    const token = randomBytes(16).toString('hex');
    const answer = randomBytes(16).toString('hex');
    return await this.#certificates.showing({ host: domain.host, token, answer }, () =>
      checkDomain(this.#needs, {
        host: domain.host,
        probe: { token, answer },
        certificate: this.#document({ ...domain, source: 'added' }).certificate,
      }),
    );
  }

  #document(
    { host, path, source }: DomainName & Pick<DomainDocument, 'source'>,
    view: CertificateView = this.#certificates.view(),
  ): DomainDocument {
    const root = join(this.#needs.settings.data, 'local-authority', 'root.pem');
    return {
      host,
      path,
      source,
      url: urlOfDomain(this.#needs, { host, path }),
      certificate: certificateDocument(host, view, root),
    };
  }

  #read(text: string): DomainName {
    const domain = readDomain(text);
    if (domain !== null) return domain;
    throw new KapalError('name_invalid', `"${text}" is not a host name`, {
      hint: 'For example: api.example.com, or example.com/api; without scheme and port.',
    });
  }

  #checkService(service: ServiceId, domain: DomainName): void {
    const { store } = this.#needs;
    const type = store.services.get(service)?.spec.type;
    if (type !== undefined && !isVisible(type))
      throw new KapalError('usage', `${serviceKey(service).service} is of type ${type} and takes no visitors`);
    const holder = domain.path === '/' ? store.services.all().find((row) => row.host === domain.host) : undefined;
    if (holder !== undefined && holder.id !== service)
      throw new KapalError('domain_taken', `${domain.host} is the default name of ${holder.id}`);
  }

  /** Whether the service answers there already. */
  #answers(service: ServiceId, { host, path }: DomainName): boolean {
    const { store } = this.#needs;
    if (path === '/' && store.services.get(service)?.host === host) return true;
    return store.domains.get(host, path)?.service === service;
  }

  async #own(host: string, { certificate, key }: DomainRequest): Promise<CertificateRow | null> {
    if (certificate === undefined || key === undefined) return null;
    const { clock, vault, certificates } = this.#needs;
    const own = readOwnCertificate({ chain: certificate, key, host, now: clock.now() });
    const refusal = await certificates.roots.refuses(own, host);
    return {
      host,
      source: 'own',
      digest: digestOf(own),
      authority: null,
      chain: own.chain,
      sealedKey: vault.seal(own.key, keyContext(host)),
      ...factsOf(own.chain),
      trusted: refusal === null,
      superseded: false,
      warnedAt: null,
    };
  }

  /** The own certificate gives way when another is there; what was waited for is tried at once. */
  #ask(host: string): void {
    const { store, clock } = this.#needs;
    const held = store.certificates.get(host);
    const rest = this.#certificates.view().held.filter((row) => row.host !== host);
    const obstacle = obstacleOf(host, { ...this.#certificates.view(), held: rest });
    if (obstacle !== null)
      throw new KapalError('certificate_failed', `${domainText({ host, path: '/' })}: ${obstacle.problem}`, {
        hint: obstacle.hint,
      });
    if (held?.source === 'own') store.certificates.put({ ...held, superseded: true });
    const order = store.certificates.order(host);
    if (order !== null && held?.source !== 'acme') store.certificates.putOrder({ ...order, nextAt: clock.now() });
  }
}
