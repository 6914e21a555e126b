import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { HookProvider } from '../../model/hooks.ts';

/** Fields of a request's head, by lower-case names. */
export type Head = (name: string) => string | null;

export interface Delivery {
  readonly provider: HookProvider;
  readonly secret: string;
  readonly head: Head;
  /** As it came: what is signed is its bytes. */
  readonly body: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** How far the clock of who signs with a moment may be off: five minutes (Standard Webhooks). Milliseconds. */
const skew = 5 * 60_000;

/**
 * Whether a delivery comes from who knows the secret: before anything of it is read, and in a time that says nothing of the secret. GitHub and Bitbucket:
 * `sha256=` and the HMAC-SHA256 of the body in hexadecimal; Gitea and Forgejo the same without the prefix; GitLab: the secret itself, or where it signs (GitLab
 * 19) that of id, moment and body, as Standard Webhooks have it.
 */
export function isSigned(delivery: Delivery): boolean {
  const { provider, secret, head, body } = delivery;
  const hex = () => createHmac('sha256', secret).update(body).digest('hex');
  switch (provider) {
    case 'github':
      return isEqual(head('x-hub-signature-256'), `sha256=${hex()}`);
    case 'bitbucket':
      return isEqual(head('x-hub-signature'), `sha256=${hex()}`);
    case 'gitea':
      return isEqual(head('x-gitea-signature'), hex());
    case 'forgejo':
      return isEqual(head('x-forgejo-signature') ?? head('x-gitea-signature'), hex());
    case 'gitlab':
      return head('webhook-signature') === null
        ? isEqual(head('x-gitlab-token'), secret)
        : isSignedByStandard(delivery);
    case 'none':
      return false;
  }
}

function isSignedByStandard({ secret, head, body, now }: Delivery): boolean {
  const [id, moment] = [head('webhook-id') ?? '', head('webhook-timestamp') ?? ''];
  if (id === '' || !/^\d{1,12}$/.test(moment) || Math.abs(Number(moment) * 1_000 - now) > skew) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signed = createHmac('sha256', key).update(`${id}.${moment}.`).update(body).digest('base64');
  const sent = (head('webhook-signature') ?? '').split(' ').slice(0, 10);
  return sent.some((one) => isEqual(one, `v1,${signed}`));
}

/** Digests are compared: the time taken says nothing of length or content. */
function isEqual(sent: string | null, expected: string): boolean {
  return sent !== null && timingSafeEqual(digest(sent), digest(expected));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Providers whose ids are not signed, and whose bodies say the moment: no two of their deliveries are alike. */
const dated: readonly HookProvider[] = ['github', 'gitea', 'forgejo'];

/**
 * What tells a delivery from all others: its id where the provider says one, and what it says where nobody could say it twice. GitLab and Bitbucket say the
 * same again when a branch is moved forth, back and forth.
 */
export function marksOf({ provider, head, body }: Pick<Delivery, 'provider' | 'head' | 'body'>): readonly string[] {
  const names = [
    'x-github-delivery',
    'webhook-id',
    'idempotency-key',
    'x-gitlab-event-uuid',
    'x-forgejo-delivery',
    'x-gitea-delivery',
    'x-request-uuid',
    'x-request-id',
  ];
  const id = names.map(head).find((value) => value !== null && value !== '');
  const said = `body ${createHash('sha256').update(body).digest('hex')}`;
  if (id === undefined || id === null) return [said];
  return dated.includes(provider) ? [`id ${id.slice(0, 200)}`, said] : [`id ${id.slice(0, 200)}`];
}
