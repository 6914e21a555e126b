import { covers, isLocalName } from '../model/domains.ts';
import type { CertificateOrderRow, CertificateRow } from '../state/records.ts';

/** Everything that the decision depends on. Moments are milliseconds since the epoch. */
export interface CertificateView {
  readonly now: number;
  /** HTTPS is served. */
  readonly https: boolean;
  /** Hosts at which services answer, each once. */
  readonly hosts: readonly string[];
  readonly held: readonly Held[];
  readonly orders: readonly Pick<CertificateOrderRow, 'host' | 'failures' | 'nextAt' | 'problem'>[];
  /** Hosts whose order is being worked at now. */
  readonly underWay: ReadonlySet<string>;
  /** The operator's, null where none may be asked. */
  readonly authority: AuthorityView | null;
  /** Orders that may be worked at together. */
  readonly limit: number;
}

export type Held = Pick<
  CertificateRow,
  | 'host'
  | 'source'
  | 'digest'
  | 'authority'
  | 'names'
  | 'notBefore'
  | 'notAfter'
  | 'superseded'
  | 'warnedAt'
  | 'trusted'
  | 'issuer'
>;

export interface AuthorityView {
  readonly directory: string;
  /** Of the public kind: certifies no names that are local by their ending. */
  readonly isPublic: boolean;
  /** Wildcards can be proven: there is a hook for records in DNS. */
  readonly wildcards: boolean;
  /** Not asked before. */
  readonly nextAt: number;
  readonly problem: string | null;
}

export type CertificateAction =
  /** By the local authority. */
  | { readonly kind: 'issue'; readonly host: string; readonly reason: string }
  | { readonly kind: 'order'; readonly host: string; readonly reason: string }
  /** An order under way that nobody needs any more. */
  | { readonly kind: 'stop'; readonly host: string; readonly reason: string }
  | { readonly kind: 'forget-order'; readonly host: string; readonly reason: string }
  | { readonly kind: 'forget'; readonly host: string; readonly reason: string }
  | { readonly kind: 'warn'; readonly host: string; readonly reason: string };

export interface CertificateDecision {
  readonly actions: readonly CertificateAction[];
  /** When to look again if nothing happens before; null for never. */
  readonly wakeAt: number | null;
}

/** Why a host gets no certificate by itself, and what to do. */
export interface Obstacle {
  readonly problem: string;
  readonly hint: string;
}

const day = 86_400_000;

/** What is due now. Pure. */
export function decideCertificates(view: CertificateView): CertificateDecision {
  const wanted = new Set(view.hosts);
  const actions: CertificateAction[] = [...leftovers(view, wanted)];
  const moments: number[] = [];
  let room = view.limit - view.underWay.size;
  for (const host of view.hosts) {
    const due = dueOf(host, view);
    if (due === null) continue;
    if (due.at > view.now) moments.push(due.at);
    else if (due.kind !== 'order') actions.push({ kind: due.kind, host, reason: due.reason });
    else if (!view.underWay.has(host) && room > 0) {
      room -= 1;
      actions.push({ kind: 'order', host, reason: due.reason });
    }
  }
  // What ends is not trusted any more, and who is redirected has to know.
  for (const held of view.held) if (held.notAfter > view.now) moments.push(held.notAfter);
  return { actions, wakeAt: moments.length === 0 ? null : Math.min(...moments) };
}

interface Due {
  readonly kind: 'issue' | 'order' | 'warn';
  readonly at: number;
  readonly reason: string;
}

function dueOf(host: string, view: CertificateView): Due | null {
  if (!view.https) return null;
  const held = view.held.find((row) => row.host === host);
  if (isLocalName(host) && held?.source !== 'own') {
    return held === undefined
      ? { kind: 'issue', at: view.now, reason: `${host} has no certificate yet` }
      : { kind: 'issue', at: renewalOf(held), reason: `the certificate of ${host} is to be renewed` };
  }
  if (held?.source === 'own' && !held.superseded) return warningOf(held, view.now);
  if (obstacleOf(host, view) !== null || view.authority === null || isCovered(host, view)) return null;
  return orderOf(host, held, { ...view, authority: view.authority });
}

function orderOf(
  host: string,
  held: Held | undefined,
  view: CertificateView & { readonly authority: AuthorityView },
): Due {
  const order = view.orders.find((row) => row.host === host);
  const earliest = Math.max(order?.nextAt ?? 0, view.authority.nextAt);
  const [at, reason] = whyOrder(host, held, view);
  return { kind: 'order', at: Math.max(at, earliest), reason };
}

function whyOrder(
  host: string,
  held: Held | undefined,
  view: { readonly now: number; readonly authority: AuthorityView },
): readonly [at: number, reason: string] {
  if (held === undefined) return [view.now, `${host} has no certificate yet`];
  if (held.source !== 'acme') return [view.now, `the certificate of ${host} is to be replaced`];
  if (held.authority !== view.authority.directory)
    return [view.now, `the certificate of ${host} is of another authority`];
  return [renewalOf(held), `the certificate of ${host} is to be renewed`];
}

/** Two thirds of its life, and up to a thirtieth earlier, so that what was issued together is not renewed together. */
export function renewalOf(held: Pick<Held, 'digest' | 'notBefore' | 'notAfter'>): number {
  const life = held.notAfter - held.notBefore;
  return Math.floor(held.notBefore + (life * 2) / 3 - (life / 30) * fractionOf(held.digest));
}

/** A number in [0, 1) that stays with the certificate. */
function fractionOf(digest: string): number {
  return Number.parseInt(digest.slice(0, 8), 16) / 2 ** 32;
}

/** Days before the end at which the operator is told that the own certificate runs out. */
const warnings = [30, 14, 7, 3, 1, 0];

function warningOf(held: Held, now: number): Due {
  const moments = warnings.map((days) => held.notAfter - days * day);
  // The last that has passed is said, unless it was; else the next.
  const passed = moments.filter((moment) => moment <= now).at(-1);
  if (passed !== undefined && (held.warnedAt === null || held.warnedAt < passed)) {
    const left = Math.max(0, Math.floor((held.notAfter - now) / day));
    const when = held.notAfter <= now ? 'has expired' : `expires in ${left} ${left === 1 ? 'day' : 'days'}`;
    return { kind: 'warn', at: now, reason: `the own certificate of ${held.host} ${when}` };
  }
  return { kind: 'warn', at: moments.find((moment) => moment > now) ?? Number.POSITIVE_INFINITY, reason: '' };
}

/** Whether another host's certificate covers this one, which has none of its own. */
export function isCovered(host: string, view: Pick<CertificateView, 'held' | 'now'>): boolean {
  if (view.held.some((row) => row.host === host)) return false;
  return view.held.some(
    (row) => row.source !== 'local' && row.notAfter > view.now && row.names.some((name) => covers(name, host)),
  );
}

/** Why no authority can be asked for this host; null where one can, or need not. */
export function obstacleOf(
  host: string,
  view: Pick<CertificateView, 'https' | 'authority' | 'held' | 'now'>,
): Obstacle | null {
  if (!view.https)
    return { problem: 'HTTPS is not served', hint: 'Start Kapal with --https ADDRESS, on a port that is free.' };
  const held = view.held.find((row) => row.host === host);
  if (isLocalName(host) || (held?.source === 'own' && !held.superseded) || isCovered(host, view)) return null;
  const own = `kapal domain add SERVICE ${host} --certificate FILE --key FILE`;
  const { authority } = view;
  if (authority === null)
    return {
      problem: 'no authority may be asked: Kapal was started without --acme-email',
      hint: `Start it with --acme-email YOU@EXAMPLE.COM, which says yes to the authority's terms, or bring your own: ${own}`,
    };
  if (host.startsWith('*.') && !authority.wildcards)
    return {
      problem: 'a wildcard is proven by a record in DNS, and there is no program that writes it',
      hint: `Start Kapal with --acme-hook PROGRAM, or bring your own certificate: ${own}`,
    };
  if (authority.isPublic && !isPublicName(host))
    return { problem: `no public authority certifies ${host}`, hint: `Bring your own certificate: ${own}` };
  return null;
}

/** Endings that are no public names (RFC 6761, 6762, 7686, 8375, ICANN's `internal`). */
const privateEndings = /(?:^|\.)(?:test|invalid|example|local|internal|onion|home\.arpa|lan|localdomain)$/;

function isPublicName(host: string): boolean {
  return host.includes('.') && !privateEndings.test(host);
}

function leftovers(view: CertificateView, wanted: ReadonlySet<string>): CertificateAction[] {
  const gone = (host: string) => `no service answers at ${host} any more`;
  const orders = new Set([...view.underWay, ...view.orders.map((row) => row.host)]);
  return [
    ...[...orders]
      .filter((host) => !wanted.has(host))
      .map((host) => ({ kind: view.underWay.has(host) ? 'stop' : 'forget-order', host, reason: gone(host) }) as const),
    // Kept as long as it is good: who comes back to a name need not ask an authority that counts.
    ...view.held
      .filter((row) => !wanted.has(row.host) && row.notAfter <= view.now)
      .map(({ host }) => ({ kind: 'forget', host, reason: `${gone(host)}, and its certificate has expired` }) as const),
  ];
}
