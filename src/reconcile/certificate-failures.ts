import { AcmeProblem, type ChallengeType } from '../certificates/port.ts';
import { KapalError } from '../model/errors.ts';
import type { CertificateAccountRow, CertificateOrderRow } from '../state/records.ts';

const minute = 60_000;

/** First wait, factor, longest. Let's Encrypt takes five failed proofs of a name in an hour: with these there are four. */
const ofName = { first: 2 * minute, factor: 3, longest: 12 * 60 * minute } as const;
const ofAuthority = { first: 15_000, factor: 2, longest: 60 * minute } as const;
/** A limit is mostly one name's: others are held back for no longer. */
const heldBack = 5 * minute;

/** Milliseconds until the next try after so many failures in a row, shortened by up to a tenth: `fraction` in [0, 1). */
export function backOff(kind: 'name' | 'authority', failures: number, fraction: number): number {
  const { first, factor, longest } = kind === 'name' ? ofName : ofAuthority;
  const wait = Math.min(longest, first * factor ** Math.max(0, failures - 1));
  return Math.round(wait * (1 - fraction / 10));
}

export interface FailureInput {
  readonly error: unknown;
  readonly now: number;
  readonly fraction: number;
  readonly order: CertificateOrderRow;
  readonly account: CertificateAccountRow | null;
}

/** What a failed order leaves in the record. Pure. */
export function afterFailure(input: FailureInput): {
  readonly order: CertificateOrderRow;
  readonly account: CertificateAccountRow | null;
} {
  const { error, order, account, now, fraction } = input;
  const problem = problemText(error);
  if (
    error instanceof AcmeProblem &&
    error.type === 'accountDoesNotExist' &&
    account !== null &&
    account.url !== null
  ) {
    // An authority that has lost its accounts, as test ones do: register again.
    const nextAt = now + backOff('authority', 1, fraction);
    return { order: begunAgain(order, { nextAt, problem }), account: { ...account, url: null } };
  }
  if (error instanceof AcmeProblem && isAuthoritysOwn(error)) {
    const failures = (account?.failures ?? 0) + 1;
    const nextAt = now + Math.max(backOff('authority', failures, fraction), error.retryAfter ?? 0);
    return {
      // The name itself has done nothing wrong; its order is taken up again where it was.
      order: { ...order, state: order.url === null ? 'waiting' : 'placed', nextAt, problem },
      account: account === null ? null : { ...account, failures, nextAt, problem },
    };
  }
  const failures = order.failures + 1;
  const limited = error instanceof AcmeProblem && isLimit(error) ? (error.retryAfter ?? 0) : 0;
  const nextAt = now + Math.max(backOff('name', failures, fraction), limited);
  const held = limited === 0 || account === null ? null : now + Math.min(limited, heldBack);
  return {
    order: { ...begunAgain(order, { nextAt, problem }), failures },
    account:
      account === null || held === null ? account : { ...account, nextAt: Math.max(account.nextAt, held), problem },
  };
}

function begunAgain(order: CertificateOrderRow, change: { nextAt: number; problem: string }): CertificateOrderRow {
  return { ...order, ...change, state: 'waiting', url: null, sealedKey: null };
}

/** Not about a name: it cannot be reached, is overloaded, or failed itself. */
function isAuthoritysOwn({ status, type }: AcmeProblem): boolean {
  return status === null || (status >= 500 && type !== 'caa' && type !== 'dns' && type !== 'connection');
}

function isLimit({ status, type }: AcmeProblem): boolean {
  return status === 429 || type === 'rateLimited';
}

/** One line for people. */
export function problemText(error: unknown): string {
  if (error instanceof KapalError && error.log.length > 0) return `${error.message}: ${error.log.at(-1)}`;
  const text = error instanceof Error ? error.message : String(error);
  return error instanceof AcmeProblem && error.type !== null ? `${text} (${error.type})` : text;
}

/**
 * The ways in which a name can be proven, the best first: by HTTP where port 80 is served, else by TLS; a record in DNS where a program writes it. Ports
 * that are forwarded to others cannot be seen from here, so each failure lets the next way try.
 */
export function waysToProve(input: {
  readonly wildcard: boolean;
  readonly httpPort: number;
  readonly httpsPort: number | null;
  /** The edge presents certificates of purpose acme-tls/1. */
  readonly alpn: boolean;
  readonly dns: boolean;
  readonly failures: number;
}): readonly ChallengeType[] {
  const dns = input.dns ? (['dns-01'] as const) : [];
  if (input.wildcard) return dns;
  const tls = input.alpn && input.httpsPort !== null ? (['tls-alpn-01'] as const) : [];
  const tlsFirst = input.httpPort !== 80 && input.httpsPort === 443;
  const ways: ChallengeType[] = tlsFirst ? [...tls, 'http-01', ...dns] : ['http-01', ...tls, ...dns];
  const turn = input.failures % ways.length;
  return [...ways.slice(turn), ...ways.slice(0, turn)];
}
