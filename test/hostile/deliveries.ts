import { createHmac, randomUUID } from 'node:crypto';
import type { HookAdded } from '../../src/api/contract/hook-types.ts';
import { askApi } from '../e2e/api.ts';
import type { Group, HostileCase } from './run.ts';
import { type Outcome, outcomeOf, type Trap, type World } from './world.ts';

/** A delivery that is signed as it has to be: what it says is the provider's, and who may push there may say much of it. */
interface Delivery {
  readonly name: string;
  readonly expects: HostileCase['expects'];
  readonly body: (trap: Trap) => string | Uint8Array;
  readonly head?: Readonly<Record<string, string>>;
}

const json = (value: unknown) => JSON.stringify(value);
const of = (more: object) => json({ ref: 'refs/heads/main', after: '1'.repeat(40), at: randomUUID(), ...more });

const signed: readonly Delivery[] = [
  {
    name: 'a ref that is an option',
    expects: ['taken'],
    body: ({ program }) => of({ ref: `refs/heads/--upload-pack=${program}` }),
  },
  {
    name: 'a ref that leads out',
    expects: ['taken'],
    body: ({ escaped }) => of({ ref: `refs/heads/../../../${escaped}` }),
  },
  {
    name: 'a ref that is shell text',
    expects: ['taken'],
    body: ({ command }) => of({ ref: `refs/heads/$(${command})` }),
  },
  { name: 'a ref that is no text', expects: ['taken'], body: () => of({ ref: { toString: 'x' } }) },
  { name: 'a commit that is shell text', expects: ['taken'], body: ({ command }) => of({ after: `$(${command})` }) },
  {
    name: 'a repository whose URL is a program',
    expects: ['taken'],
    body: ({ program }) => of({ repository: { clone_url: `ext::${program}`, ssh_url: `--upload-pack=${program}` } }),
  },
  {
    name: 'a pusher and a message that are shell text',
    expects: ['taken'],
    body: ({ command }) =>
      of({ pusher: { name: `$(${command})` }, head_commit: { message: `\u001b[31m$(${command})` } }),
  },
  {
    name: '__proto__',
    expects: ['taken'],
    body: () => `{"__proto__": {"ref": "refs/heads/main"}, "constructor": 1, "x": "${randomUUID()}"}`,
  },
  { name: 'no object', expects: ['taken'], body: () => `["${randomUUID()}"]` },
  {
    name: 'lists without end',
    expects: ['taken', 'usage'],
    body: () => `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
  },
  { name: 'no JSON', expects: ['usage'], body: () => `{"x": ${randomUUID()}` },
  {
    name: 'a form without a payload',
    expects: ['usage'],
    head: { 'content-type': 'application/x-www-form-urlencoded' },
    body: () => 'payload=',
  },
  {
    name: 'a form with a payload of its own',
    expects: ['taken'],
    head: { 'content-type': 'application/x-www-form-urlencoded' },
    body: ({ program }) => `payload=${encodeURIComponent(of({ ref: `refs/heads/--x=${program}` }))}&payload=x`,
  },
  {
    name: 'a type that is none',
    expects: ['taken', 'usage'],
    head: { 'content-type': 'x'.repeat(5_000) },
    body: () => of({}),
  },
  {
    name: 'an id of 8,000 characters',
    expects: ['taken'],
    head: { 'x-github-delivery': 'x'.repeat(8_000) },
    body: () => of({}),
  },
  { name: 'an event that is a path', expects: ['taken'], head: { 'x-github-event': '../../push' }, body: () => of({}) },
  {
    name: 'bytes that are no UTF-8',
    expects: ['usage', 'taken'],
    body: () => Buffer.concat([Buffer.from([0xff, 0xfe, 0]), Buffer.from(of({}))]),
  },
  {
    name: 'a gzip that says so',
    expects: ['usage', 'taken'],
    head: { 'content-encoding': 'gzip' },
    body: () => `x${of({})}`,
  },
  {
    name: 'a signature of something else',
    expects: ['unauthorized'],
    head: { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` },
    body: () => of({}),
  },
  {
    name: 'a signature of another length',
    expects: ['unauthorized'],
    head: { 'x-hub-signature-256': 'sha256=0' },
    body: () => of({}),
  },
  {
    name: 'the older signature alone',
    expects: ['unauthorized'],
    head: { 'x-hub-signature-256': '', 'x-hub-signature': `sha1=${'0'.repeat(40)}` },
    body: () => of({}),
  },
];

/** Fields of a hook, as somebody adds it. */
const added: readonly (readonly [name: string, fields: (trap: Trap) => object])[] = [
  ['a URL that is a program', ({ program }) => ({ url: `ext::${program}` })],
  ['a URL that is an option', ({ program }) => ({ url: `--upload-pack=${program}` })],
  ['a URL that is an option of ssh', ({ program }) => ({ url: `ssh://-oProxyCommand=${program}/x` })],
  ['a URL of a file', () => ({ url: 'file:///etc' })],
  ['a branch that is an option', ({ program }) => ({ branch: `--upload-pack=${program}` })],
  ['a project that is a path', ({ escaped }) => ({ project: `../${escaped}`, url: 'git@127.0.0.1:x.git' })],
  [
    'a project that is an option of ssh-keygen',
    ({ program }) => ({ project: `-D${program}`, url: 'git@127.0.0.1:x.git' }),
  ],
  ['an environment that is shell text', ({ command }) => ({ environment: `$(${command})` })],
];

const ids = ['../api/v1/shutdown', '..%2f..%2fapi%2fv1%2fshutdown', '%00', `hook-${'x'.repeat(90)}`, '$(git-lfs)'];

export const deliveries: Group = {
  door: 'webhook',
  async prepare(world) {
    const remote = { project: 'hooked', provider: 'github', url: 'http://127.0.0.1:1/a.git', branch: 'main' };
    const { body } = await askApi(world.kapal.data, '/hooks', { method: 'POST', body: remote });
    const { hook, secret } = body as HookAdded;
    return [
      ...signed.map(
        ({ name, expects, body: text, head }): HostileCase => ({
          name,
          expects,
          send: (trap) => deliver(world, { id: hook.id, secret: secret ?? '', body: Buffer.from(text(trap)), head }),
        }),
      ),
      ...ids.map(
        (id): HostileCase => ({
          name: `the hook ${JSON.stringify(id.slice(0, 30))}`,
          expects: ['not_found', 'usage', 'unauthorized'],
          send: () => deliver(world, { id, secret: '', body: Buffer.from('{}') }),
        }),
      ),
      ...added.map(
        ([name, fields]): HostileCase => ({
          name: `a hook with ${name}`,
          expects: ['usage', 'source_refused', 'name_invalid'],
          send: (trap) => world.ask('/hooks', { method: 'POST', body: { ...remote, ...fields(trap) } }),
        }),
      ),
    ];
  },
};

async function deliver(
  world: World,
  {
    id,
    secret,
    body,
    head = {},
  }: { id: string; secret: string; body: Uint8Array; head?: Readonly<Record<string, string>> | undefined },
): Promise<Outcome> {
  const answer = await fetch(`http://127.0.0.1:${world.kapal.api}/hooks/${id}`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      ...head,
    },
  });
  const text = await answer.text();
  return outcomeOf({ status: answer.status, body: text === '' ? null : (JSON.parse(text) as unknown) });
}
