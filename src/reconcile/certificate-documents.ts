import type { CertificateDocument } from '../api/contract/types.ts';
import { covers, isLocalName } from '../model/domains.ts';
import { type CertificateView, type Held, obstacleOf, renewalOf } from './certificate-decision.ts';

/** Milliseconds before the end of an own certificate from which on its document says so. */
const nearEnd = 30 * 86_400_000;

/** Pure: what `kapal domain list` says of a host's certificate. `root` is the file of the local authority. */
export function certificateDocument(host: string, view: CertificateView, root: string): CertificateDocument {
  const held =
    view.held.find((row) => row.host === host) ??
    view.held.find((row) => row.source !== 'local' && row.names.some((name) => covers(name, host)));
  const obstacle = obstacleOf(host, view);
  const order = view.orders.find((row) => row.host === host);
  const asked = view.underWay.has(host);
  const trouble = order?.problem ?? (order === undefined ? null : (view.authority?.problem ?? null));
  const valid = held !== undefined && held.notAfter > view.now;
  return {
    state: valid ? 'valid' : asked ? 'asking' : stateWithout(held, obstacle !== null, trouble),
    source: held?.source ?? null,
    issuer: held?.issuer ?? null,
    notAfter: held === undefined ? null : moment(held.notAfter),
    trusted: valid && held.trusted && view.https,
    nextTry: asked || obstacle !== null ? null : nextTry(host, view, held),
    ...words({ host, held, valid, obstacle, trouble, now: view.now }),
    root: held?.source === 'local' ? root : null,
  };
}

function stateWithout(held: Held | undefined, blocked: boolean, trouble: string | null): CertificateDocument['state'] {
  if (trouble !== null && !blocked) return 'failing';
  if (held !== undefined) return 'expired';
  return blocked ? 'none' : 'waiting';
}

function nextTry(host: string, view: CertificateView, held: Held | undefined): string | null {
  if (view.authority === null || isLocalName(host) || (held?.source === 'own' && !held.superseded)) return null;
  // Covered by another name's certificate.
  if (held !== undefined && held.host !== host) return null;
  const order = view.orders.find((row) => row.host === host);
  const due = held?.source === 'acme' ? renewalOf(held) : 0;
  const at = Math.max(due, order?.nextAt ?? 0, view.authority.nextAt);
  return moment(Math.max(at, view.now));
}

function words(input: {
  readonly host: string;
  readonly held: Held | undefined;
  readonly valid: boolean;
  readonly obstacle: ReturnType<typeof obstacleOf>;
  readonly trouble: string | null;
  readonly now: number;
}): Pick<CertificateDocument, 'problem' | 'hint'> {
  const { host, held, valid, obstacle, trouble, now } = input;
  const renew = `kapal domain add SERVICE ${host} --certificate FILE --key FILE`;
  if (held?.source === 'own' && !held.superseded && held.notAfter - now < nearEnd) {
    const days = Math.max(0, Math.floor((held.notAfter - now) / 86_400_000));
    return { problem: valid ? `it expires in ${days} ${days === 1 ? 'day' : 'days'}` : 'it has expired', hint: renew };
  }
  if (trouble !== null && obstacle === null)
    return { problem: trouble, hint: `See what is wrong: kapal domain check SERVICE ${host}` };
  if (held !== undefined && valid && !held.trusted && held.source === 'own')
    return { problem: 'the root store of this machine does not verify it: no redirect, no HSTS', hint: null };
  return obstacle === null || (valid && held?.source === 'local') ? { problem: null, hint: null } : obstacle;
}

function moment(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
