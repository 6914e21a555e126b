import { clientOf } from '../../../model/network.ts';
import { matchSource, type PathParts, pathParts } from '../../../model/path-pattern.ts';
import type { ClientKey } from '../../policy.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { ResponseHead } from '../http/response-head.ts';
import type { Client } from '../plane/client-port.ts';
import { forwardedFieldsOf } from '../plane/forwarded.ts';
import { clientKey } from './client-key.ts';
import type { CompiledPolicy } from './compiled.ts';
import { compressed } from './compression.ts';
import { changed, fieldOf } from './field-lines.ts';
import { isWithin, type Origin, originOf } from './origin.ts';
import type { Verification } from './passwords.ts';
import type { RouteEntry, RouteTerms } from './route-entry.ts';
import type { Quotas } from './quotas.ts';
import { type Led, leadOf, stripped } from './rules.ts';
import { redirectTo, secureForm, tooMany, type Verdict } from './verdict.ts';

export interface PassageGround {
  readonly client: Client;
  readonly request: RequestHead;
  readonly requestId: string;
  readonly quotas: Quotas;
  /** `null`: no HTTPS is served. */
  readonly httpsPort: number | null;
  /** Monotonic milliseconds. */
  readonly now: number;
}

const noTerms: RouteTerms = { policy: null, strip: 0, redirectToHttps: false, hsts: '' };

/**
 * One request under a route that asks something of it: whether it gets in, in which form it goes on, and how its answer is changed.
 *
 *   outside --enter: a verdict, or the form in which it goes on--> inside (may hold a place among its client's) --leave--> gone
 */
export class Passage {
  readonly origin: Origin;
  readonly #ground: PassageGround;
  readonly #terms: RouteTerms;
  readonly #prefix: string;
  readonly #static: boolean;
  readonly #path: PathParts | null;
  readonly #query: string;
  #rewritten: string | null = null;
  /** Where the rules lead a request for which there is no file. */
  #led: Led | null = null;
  #held: string | null = null;

  constructor(entry: RouteEntry, ground: PassageGround) {
    const { client, request } = ground;
    this.#ground = ground;
    this.#terms = entry.terms ?? noTerms;
    this.#prefix = entry.prefix;
    this.#static = entry.pool.config.kind === 'static';
    this.#path = pathParts(request.target.slice(0, request.pathLength));
    this.#query = request.target.slice(request.pathLength);
    this.origin = originOf(
      {
        peer: client.remote,
        scheme: client.scheme,
        forwardedFor: request.forwardedFor,
        forwardedProto: request.forwardedProto,
      },
      this.#terms.policy?.trusted ?? [],
    );
  }

  /** `null`: it gets in. */
  enter(): Verdict | null | Promise<Verdict | null> {
    const { request, httpsPort } = this.#ground;
    const { policy } = this.#terms;
    if (this.#terms.redirectToHttps && this.origin.scheme === 'http' && httpsPort !== null)
      return secureForm(request, httpsPort);
    if (policy === null) return null;
    const refused = this.#refusal(policy);
    if (refused !== null) return refused;
    if (policy.passwords === null) return this.#lead(policy);
    const verified = policy.passwords.verify(fieldOf(request.fields, 'authorization'));
    if (typeof verified === 'string') return this.#known(policy, verified);
    return verified.then((verification) => this.#known(policy, verification));
  }

  /** The answer has ended. */
  leave(): void {
    if (this.#held !== null) this.#ground.quotas.occupancy.leave(this.#held);
    this.#held = null;
  }

  /** Where a rule has led the request. */
  get rewritten(): string | null {
    return this.#rewritten;
  }

  /** What the pool is asked for. */
  get target(): string {
    if (this.#rewritten !== null) return this.#rewritten;
    if (this.#terms.strip === 0 || this.#path === null) return this.#ground.request.target;
    return stripped(this.#path, this.#terms.strip, this.#query);
  }

  /** Takes the rule for a request that no file answers; `null`: none matches. A rewrite changes `target`. */
  withoutFile(): Led | null {
    if (this.#led?.kind === 'rewrite') this.#rewritten = this.#led.target;
    return this.#led;
  }

  /** A rule waits until it is known whether there is a file. */
  get rulesWait(): boolean {
    return this.#led !== null;
  }

  /** The lines that the pool gets after Host: the client's own as they are to be, then the edge's. */
  fields(upgrade: string): string {
    const { request, client, requestId } = this.#ground;
    const { policy, strip } = this.#terms;
    const { remote, scheme } = this.origin;
    const known = remote === client.remote && scheme === client.scheme;
    const forwarded = known
      ? client.forwardedFields(request.host)
      : forwardedFieldsOf({ remote, scheme, host: request.host });
    const prefix = strip === 0 ? '' : `X-Forwarded-Prefix: ${this.#prefix}\r\n`;
    let own = `${request.fields}X-Request-Id: ${requestId}\r\n`;
    if (policy !== null) {
      const accepted = policy.passwords === null ? [] : [{ name: 'authorization', value: null }];
      const changes = [...accepted, ...policy.requestHeaders];
      if (changes.length > 0) own = changed(own, changes);
    }
    return `${own}${upgrade}${forwarded}${prefix}`;
  }

  /** Changes the head of the answer, whoever gave it; whether its body is to be compressed. */
  shape(head: ResponseHead): boolean {
    this.shapeFields(head);
    return this.#terms.policy?.gzip === true && compressed(head, this.#ground.request);
  }

  shapeFields(head: ResponseHead): void {
    const { policy, hsts } = this.#terms;
    if (hsts !== '' && this.origin.scheme === 'https' && fieldOf(head.fields, 'strict-transport-security') === null)
      head.fields += hsts;
    if (policy === null) return;
    const changes = policy.responseHeaders.filter(({ path }) => path === null || this.#matches(path));
    if (changes.length > 0) head.fields = changed(head.fields, changes);
  }

  #refusal(policy: CompiledPolicy): Verdict | null {
    const { retryAfter, allow, deny } = policy;
    if (retryAfter !== null)
      return { status: 503, headers: [['Retry-After', String(retryAfter)]], page: 'maintenance' };
    const { address } = this.origin;
    if (allow !== null && (address === null || !isWithin(allow, address))) return { status: 403, headers: [] };
    if (deny.length > 0 && (address === null || isWithin(deny, address))) return { status: 403, headers: [] };
    return this.#overRate(policy) ?? this.#overConnections(policy);
  }

  /** What one bucket refuses costs the others nothing. */
  #overRate({ rates }: CompiledPolicy): Verdict | null {
    if (rates.length === 0) return null;
    const { quotas, now } = this.#ground;
    let wait = 0;
    for (const { rate, key } of rates) wait = Math.max(wait, quotas.buckets.wait(rate, this.#client(key), now));
    if (wait > 0) return tooMany(wait / 1000);
    for (const { rate, key } of rates) quotas.buckets.take(rate, this.#client(key), now);
    return null;
  }

  #overConnections({ id, connections }: CompiledPolicy): Verdict | null {
    if (connections === null) return null;
    const key = `${id}\0${this.#client(connections.key)}`;
    if (!this.#ground.quotas.occupancy.enter(key, connections.connections)) return tooMany(1);
    this.#held = key;
    return null;
  }

  #known(policy: CompiledPolicy, verification: Verification): Verdict | null {
    if (verification === 'right') return this.#lead(policy);
    if (verification === 'busy') return { status: 503, headers: [['Retry-After', '1']] };
    return { status: 401, headers: [['WWW-Authenticate', policy.passwords?.challenge ?? 'Basic']] };
  }

  #lead(policy: CompiledPolicy): Verdict | null {
    if (policy.rules.length === 0) return null;
    const led = leadOf(policy.rules, this.#path, this.#query);
    if (this.#static) this.#led = led;
    else if (led?.kind === 'redirect') return redirectTo(led.status, led.location);
    else if (led !== null) this.#rewritten = led.target;
    return null;
  }

  #client(key: ClientKey): string {
    const { address, remote } = this.origin;
    const named = key.kind === 'header' ? fieldOf(this.#ground.request.fields, key.name) : null;
    return clientKey(named, address === null ? remote : clientOf(address));
  }

  #matches(source: Parameters<typeof matchSource>[0]): boolean {
    return this.#path !== null && matchSource(source, this.#path) !== null;
  }
}
