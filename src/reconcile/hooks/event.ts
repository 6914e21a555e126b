import { KapalError } from '../../model/errors.ts';
import type { HookProvider } from '../../model/hooks.ts';
import type { Head } from './signature.ts';

/** What a provider tells. `branches`: those that moved; deleted ones and tags are not among them. */
export type HookEvent =
  | { readonly kind: 'ping' }
  | { readonly kind: 'other' }
  | { readonly kind: 'push'; readonly branches: readonly string[] };

const pushes: Readonly<Record<HookProvider, readonly (readonly [field: string, value: RegExp])[]>> = {
  github: [['x-github-event', /^push$/]],
  gitlab: [['x-gitlab-event', /^Push Hook$/]],
  gitea: [['x-gitea-event', /^push$/]],
  forgejo: [
    ['x-forgejo-event', /^push$/],
    ['x-gitea-event', /^push$/],
  ],
  bitbucket: [['x-event-key', /^repo:(?:push|refs_changed)$/]],
  none: [],
};

/** Reads a delivery whose signature was found good. Throws KapalError `usage` for a push that cannot be read. */
export function eventOf(provider: HookProvider, head: Head, body: Uint8Array): HookEvent {
  if (head('x-github-event') === 'ping' || head('x-event-key') === 'diagnostics:ping') return { kind: 'ping' };
  if (!pushes[provider].some(([field, value]) => value.test(head(field) ?? ''))) return { kind: 'other' };
  const payload = payloadOf(head('content-type') ?? '', body);
  return { kind: 'push', branches: provider === 'bitbucket' ? bitbucketBranches(payload) : branchOf(payload) };
}

/** JSON, or a form with JSON in its field `payload`, as GitHub and Gitea send it where nobody chose. */
function payloadOf(type: string, body: Uint8Array): unknown {
  const text = Buffer.from(body).toString('utf8');
  const isForm = type.startsWith('application/x-www-form-urlencoded');
  try {
    return JSON.parse(isForm ? (new URLSearchParams(text).get('payload') ?? '') : text) as unknown;
  } catch (error) {
    throw new KapalError('usage', 'the body of the delivery is no JSON', { cause: error });
  }
}

/** `ref` is `refs/heads/NAME`; `after` is all zeros where the branch was deleted. */
function branchOf(payload: unknown): string[] {
  const { ref, after, deleted } = fields(payload);
  const isGone = deleted === true || (typeof after === 'string' && /^0+$/.test(after));
  if (isGone || typeof ref !== 'string' || !ref.startsWith('refs/heads/')) return [];
  return [ref.slice('refs/heads/'.length)];
}

/** Cloud: `push.changes[].new`, null where the branch was deleted. Data Center: `changes[]` with `ref` and `type`. */
function bitbucketBranches(payload: unknown): string[] {
  const { push, changes } = fields(payload);
  const cloud = list(fields(push)['changes']).map((change) => fields(fields(change)['new']));
  const server = list(changes)
    .filter((change) => fields(change)['type'] !== 'DELETE')
    .map((change) => fields(fields(change)['ref']))
    .map(({ displayId, type }) => ({ name: displayId, type: type === 'BRANCH' ? 'branch' : type }));
  return [...cloud, ...server].flatMap(({ name, type }) =>
    type === 'branch' && typeof name === 'string' ? [name] : [],
  );
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
