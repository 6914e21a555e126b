import { generateKeyPairSync } from 'node:crypto';
import {
  type AcmeAuthorization,
  type AcmeChallenge,
  type AcmeOrder,
  AcmeProblem,
  type AcmeSession,
  type ChallengeType,
} from '../certificates/port.ts';
import { digestOf, factsOf } from '../certificates/inspect.ts';
import type { SealContext } from '../secrets/vault.ts';
import type { CertificateAccountRow, CertificateRow } from '../state/records.ts';
import type { CertificateNeeds } from './certificate-needs.ts';
import type { Proofs } from './certificate-proofs.ts';

/** Milliseconds between looks at what the authority does: it grows from the first to the last. */
const pace = { first: 200, factor: 1.5, last: 5_000 } as const;
/** Milliseconds that an authority may take for one step. */
const patience = 120_000;

interface Order {
  readonly needs: CertificateNeeds;
  readonly host: string;
  readonly email: string;
  readonly proofs: Proofs;
  /** Ways to prove the name, the best first. */
  readonly ways: readonly ChallengeType[];
  /** Aborted when the name is not needed any more, or the daemon ends. */
  readonly signal: AbortSignal;
}

/**
 * Gets a certificate for a host, taking up an order that an earlier daemon placed. Each step is on record before the next: after a crash at any line
 * the same call goes on. Throws AcmeProblem, KapalError, or the signal's reason.
 */
export async function performOrder(input: Order): Promise<CertificateRow> {
  const { session, directory } = await openSession(input);
  const { order, key } = await placed(input, session);
  const valid = await proven(input, { session, order, key });
  const chain = await session.certificate(valid);
  const { names, issuer, notBefore, notAfter } = factsOf(chain);
  return {
    host: input.host,
    source: 'acme',
    digest: digestOf({ chain, key }),
    authority: directory,
    chain,
    sealedKey: input.needs.vault.seal(key, keyContext(input.host)),
    names,
    issuer,
    notBefore,
    notAfter,
    trusted: true,
    superseded: false,
    warnedAt: null,
  };
}

/** Gives up what nobody will prove, as far as the authority can be reached. */
export async function abandonOrder(input: Order): Promise<void> {
  const url = input.needs.store.certificates.order(input.host)?.url ?? null;
  if (url === null) return;
  const { session } = await openSession(input);
  await session.abandon(await session.order(url));
}

export function keyContext(host: string): SealContext {
  return { owner: host, key: '@certificate' };
}

async function openSession(input: Order): Promise<{ session: AcmeSession; directory: string }> {
  const { store, vault, certificates } = input.needs;
  const { acme } = certificates;
  if (acme === null) throw new Error('no authority may be asked');
  const { directory } = acme;
  const account = store.certificates.account(directory) ?? newAccount(input, directory);
  const key = vault.open(account.sealedKey, { owner: directory, key: '@account' }).reveal();
  const { session, url } = await acme.session({ key, url: account.url, email: input.email });
  if (account.url !== url) {
    store.certificates.putAccount({ ...(store.certificates.account(directory) ?? account), url, email: input.email });
  }
  return { session, directory };
}

/** The key is on record before it is registered: registering it again finds the same account (RFC 8555 7.3.1). */
function newAccount({ needs, email }: Order, directory: string): CertificateAccountRow {
  const sealedKey = needs.vault.seal(newKey(), { owner: directory, key: '@account' });
  const account = { directory, email, url: null, sealedKey, failures: 0, nextAt: 0, problem: null };
  needs.store.certificates.putAccount(account);
  return account;
}

async function placed({ needs, host }: Order, session: AcmeSession): Promise<{ order: AcmeOrder; key: string }> {
  const { store, vault } = needs;
  const known = store.certificates.order(host);
  if (known !== null && known.url !== null && known.sealedKey !== null) {
    const order = await session.order(known.url).catch(unlessForgotten);
    if (order !== null && order.status !== 'invalid')
      return { order, key: vault.open(known.sealedKey, keyContext(host)).reveal() };
  }
  const key = newKey();
  const row = {
    host,
    state: 'asking',
    url: null,
    sealedKey: vault.seal(key, keyContext(host)),
    failures: known?.failures ?? 0,
    nextAt: known?.nextAt ?? 0,
    problem: known?.problem ?? null,
  } as const;
  store.certificates.putOrder(row);
  const order = await session.place(host);
  store.certificates.putOrder({ ...row, state: 'placed', url: order.url });
  return { order, key };
}

/** An order that the authority does not know any more is placed anew. */
function unlessForgotten(error: unknown): null {
  if (error instanceof AcmeProblem && (error.status === 404 || error.status === 410 || error.type === 'malformed'))
    return null;
  throw error;
}

/** Moves an order on until its certificate is there. */
async function proven(
  input: Order,
  parts: { readonly session: AcmeSession; readonly order: AcmeOrder; readonly key: string },
): Promise<AcmeOrder> {
  const { session, key } = parts;
  let { order } = parts;
  const wait = waiting(input);
  for (;;) {
    input.signal.throwIfAborted();
    switch (order.status) {
      case 'valid':
        return order;
      case 'invalid':
        throw new AcmeProblem(order.problem ?? (await refusal(session, order)), { type: null, status: 403 });
      case 'ready':
        order = await session.finalize(order, { name: input.host, key });
        break;
      case 'pending':
        for (const authorization of await session.authorizations(order))
          await prove(input, session, { order, authorization });
        order = await session.order(order.url);
        if (order.status === 'pending') await wait();
        break;
      case 'processing':
        await wait();
        order = await session.order(order.url);
        break;
    }
  }
}

async function prove(
  input: Order,
  session: AcmeSession,
  { order, authorization }: { readonly order: AcmeOrder; readonly authorization: AcmeAuthorization },
): Promise<void> {
  if (authorization.status === 'valid') return;
  if (authorization.status !== 'pending') throw refused(authorization);
  const challenge = await shown(input, authorization);
  try {
    // One that an earlier daemon declared ready may not be declared again.
    await session.ready(challenge).catch((error: unknown) => {
      if (!(error instanceof AcmeProblem) || error.type !== 'malformed') throw error;
    });
    const wait = waiting(input);
    for (;;) {
      await wait();
      const now = (await session.authorizations(order)).find(({ name }) => name === authorization.name);
      if (now === undefined || now.status === 'valid') return;
      if (now.status !== 'pending') throw refused(now);
    }
  } finally {
    await input.proofs.hide(authorization.name, challenge);
  }
}

/** Shows the answer in the first way that the authority offers and the edge can do. */
async function shown({ ways, proofs, host }: Order, { name, challenges }: AcmeAuthorization): Promise<AcmeChallenge> {
  for (const way of ways) {
    const challenge = challenges.find(({ type }) => type === way);
    if (challenge !== undefined && (await proofs.show(name, challenge))) return challenge;
  }
  const offered = challenges.map(({ type }) => type).join(', ');
  throw new AcmeProblem(
    `${host} cannot be proven: the authority offers ${offered || 'no way'}, Kapal can ${ways.join(', ')}`,
    {
      type: null,
      status: 403,
    },
  );
}

function refused({ name, status, problem }: AcmeAuthorization): AcmeProblem {
  return new AcmeProblem(problem ?? `the authority's check of ${name} is ${status}`, {
    type: 'unauthorized',
    status: 403,
  });
}

async function refusal(session: AcmeSession, order: AcmeOrder): Promise<string> {
  const found = (await session.authorizations(order)).find(({ problem }) => problem !== null);
  return found?.problem ?? 'the authority refused the order and did not say why';
}

/** A wait that grows with each call, until the patience for this step is over. */
function waiting({ needs, signal }: Order): () => Promise<void> {
  const deadline = needs.clock.monotonic() + patience;
  let milliseconds: number = pace.first;
  return async () => {
    signal.throwIfAborted();
    if (needs.clock.monotonic() > deadline)
      throw new AcmeProblem(`the authority did not come to an end within ${patience / 1000} s`, {
        type: null,
        status: null,
      });
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        timer[Symbol.dispose]();
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      const timer = needs.clock.after(milliseconds, () => {
        signal.removeEventListener('abort', leave);
        resolve();
      });
      signal.addEventListener('abort', leave, { once: true });
    });
    milliseconds = Math.min(pace.last, milliseconds * pace.factor);
  };
}

/** ECDSA P-256, PKCS #8. */
function newKey(): string {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;
}
