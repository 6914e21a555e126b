import { type AddressRange, parseNetwork } from '../../../model/network.ts';
import { type Destination, parseDestination, parseSource, type SourcePattern } from '../../../model/path-pattern.ts';
import type { ClientKey, ConnectionLimit, HeaderChange, PathRule, Policy } from '../../policy.ts';
import { type Rate, rateOf } from './buckets.ts';
import { type Derivations, Passwords } from './passwords.ts';

/** A policy in the form in which requests are held against it. Made once for each version of it. */
export interface CompiledPolicy {
  readonly id: string;
  readonly trusted: readonly AddressRange[];
  readonly retryAfter: number | null;
  readonly allow: readonly AddressRange[] | null;
  readonly deny: readonly AddressRange[];
  readonly rates: readonly { readonly rate: Rate; readonly key: ClientKey }[];
  readonly connections: ConnectionLimit | null;
  readonly passwords: Passwords | null;
  readonly rules: readonly CompiledRule[];
  readonly requestHeaders: readonly HeaderChange[];
  readonly responseHeaders: readonly CompiledChange[];
  readonly gzip: boolean;
}

export interface CompiledRule {
  readonly source: SourcePattern;
  readonly destination: Destination;
  /** `null`: a rewrite. */
  readonly status: number | null;
}

export interface CompiledChange extends HeaderChange {
  /** `null`: all paths. */
  readonly path: SourcePattern | null;
}

/** The policies of the present table. One that has not changed keeps its compiled form, and what it remembers of passwords. */
export class PolicyBook {
  readonly #derivations: Derivations;
  #policies = new Map<string, { readonly text: string; readonly compiled: CompiledPolicy }>();

  constructor(derivations: Derivations) {
    this.#derivations = derivations;
  }

  apply(policies: readonly Policy[]): void {
    const next = new Map<string, { readonly text: string; readonly compiled: CompiledPolicy }>();
    for (const policy of policies) {
      const text = JSON.stringify(policy);
      const before = this.#policies.get(policy.id);
      next.set(policy.id, before?.text === text ? before : { text, compiled: this.#compiled(policy) });
    }
    this.#policies = next;
  }

  find(id: string | undefined): CompiledPolicy | null {
    return id === undefined ? null : (this.#policies.get(id)?.compiled ?? closed(id));
  }

  /** A table on disk may be damaged, or of another version: what cannot be asked of requests keeps them out. */
  #compiled(policy: Policy): CompiledPolicy {
    try {
      return compile(policy, this.#derivations);
    } catch {
      return closed(policy.id);
    }
  }

  /** Whether any of them counts over all workers. */
  get limited(): boolean {
    return [...this.#policies.values()].some(
      ({ compiled }) => compiled.rates.length > 0 || compiled.connections !== null,
    );
  }
}

/** Takes a policy that `checkPolicy` found sound; throws for any other. */
export function compile(policy: Policy, derivations: Derivations): CompiledPolicy {
  return {
    id: policy.id,
    trusted: networks(policy.trustedProxies),
    retryAfter: policy.maintenance?.retryAfter ?? null,
    allow: policy.allow === undefined ? null : networks(policy.allow),
    deny: networks(policy.deny),
    rates: (policy.rateLimits ?? []).map((limit, index) => ({
      rate: rateOf(`${policy.id}\0${index}`, limit),
      key: limit.key,
    })),
    connections: policy.connectionLimit ?? null,
    passwords: policy.basicAuth === undefined ? null : new Passwords(policy.basicAuth, derivations),
    rules: (policy.rules ?? []).map(compileRule),
    requestHeaders: policy.requestHeaders ?? [],
    responseHeaders: (policy.responseHeaders ?? []).map(({ name, value, path }) => ({
      name,
      value,
      path: path === undefined ? null : sourceOf(path),
    })),
    gzip: policy.gzip === true,
  };
}

function closed(id: string): CompiledPolicy {
  return {
    id,
    trusted: [],
    retryAfter: 60,
    allow: null,
    deny: [],
    rates: [],
    connections: null,
    passwords: null,
    rules: [],
    requestHeaders: [],
    responseHeaders: [],
    gzip: false,
  };
}

function networks(texts: readonly string[] = []): AddressRange[] {
  return texts.map((text) => parseNetwork(text) ?? unsound(`${text} is no network`));
}

function compileRule(rule: PathRule): CompiledRule {
  const source = sourceOf(rule.source);
  const destination = parseDestination(rule.destination, source);
  if ('problem' in destination) return unsound(`${rule.destination} ${destination.problem}`);
  return { source, destination, status: rule.kind === 'redirect' ? rule.status : null };
}

function sourceOf(text: string): SourcePattern {
  const source = parseSource(text);
  return 'problem' in source ? unsound(`${text} ${source.problem}`) : source;
}

function unsound(problem: string): never {
  throw new Error(`a policy that was not checked: ${problem}`);
}
