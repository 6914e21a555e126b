import type * as library from 'acme-client';
import type { Authorization, Client, Order } from 'acme-client';
import {
  type AcmeAuthorization,
  type AcmeChallenge,
  type AcmeOrder,
  type AcmeSession,
  challengeTypes,
} from '../port.ts';
import { asked } from './told.ts';

/** Speaks as one account. The library's own `auto` is not used: it cannot be taken up again after a crash, and waits without an end of ours. */
export class AcmeLibrarySession implements AcmeSession {
  readonly #acme: typeof library;
  readonly #client: Client;

  constructor(acme: typeof library, client: Client) {
    this.#acme = acme;
    this.#client = client;
  }

  async place(name: string): Promise<AcmeOrder> {
    return orderOf(await asked(() => this.#client.createOrder({ identifiers: [{ type: 'dns', value: name }] })));
  }

  async order(url: string): Promise<AcmeOrder> {
    return orderOf(await this.#raw(url));
  }

  async authorizations({ url }: AcmeOrder): Promise<readonly AcmeAuthorization[]> {
    const order = await this.#raw(url);
    const found = await asked(() => this.#client.getAuthorizations(order));
    return await Promise.all(found.map((authorization) => this.#authorization(authorization)));
  }

  async ready({ type, url, token }: AcmeChallenge): Promise<void> {
    // The library's type knows two kinds of challenge; it posts to the URL of any.
    await asked(() =>
      this.#client.completeChallenge({ type: type === 'dns-01' ? type : 'http-01', url, token, status: 'pending' }),
    );
  }

  async abandon({ url }: AcmeOrder): Promise<void> {
    const order = await this.#raw(url);
    for (const authorization of await asked(() => this.#client.getAuthorizations(order))) {
      if (authorization.status === 'pending') await asked(() => this.#client.deactivateAuthorization(authorization));
    }
  }

  async finalize({ url }: AcmeOrder, { name, key }: { name: string; key: string }): Promise<AcmeOrder> {
    const order = await this.#raw(url);
    const [, request] = await this.#acme.crypto.createCsr({ altNames: [name] }, key);
    return orderOf(await asked(() => this.#client.finalizeOrder(order, request)));
  }

  async certificate({ url }: AcmeOrder): Promise<string> {
    const order = await this.#raw(url);
    return await asked(() => this.#client.getCertificate(order));
  }

  #raw(url: string): Promise<Order> {
    // The library reads no more of the order than its URL.
    return asked(() => this.#client.getOrder({ url } as Order));
  }

  async #authorization(authorization: Authorization): Promise<AcmeAuthorization> {
    const challenges: AcmeChallenge[] = [];
    let problem: string | null = null;
    for (const challenge of authorization.challenges) {
      problem ??= problemOf(challenge.error);
      const type = challengeTypes.find((known) => known === challenge.type);
      if (type === undefined) continue;
      const answer = await this.#client.getChallengeKeyAuthorization(challenge);
      challenges.push({ type, url: challenge.url, token: challenge.token, answer });
    }
    return { name: authorization.identifier.value, status: authorization.status, challenges, problem };
  }
}

function orderOf(order: Order): AcmeOrder {
  return { url: order.url, status: order.status, problem: problemOf(order.error) };
}

function problemOf(error: unknown): string | null {
  return typeof error === 'object' && error !== null && 'detail' in error && typeof error.detail === 'string'
    ? error.detail
    : null;
}
