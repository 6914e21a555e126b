import { failure } from '../../api/contract/exit.ts';
import type { HookAdded, HookDocument, HookRequest } from '../../api/contract/hook-types.ts';
import { paths } from '../../api/contract/paths.ts';
import type { StatusDocument } from '../../api/contract/types.ts';
import { type Command, type Invocation, operand } from '../command.ts';
import { apiAddress } from '../client/api-address.ts';
import { table } from '../output.ts';

const providers = ['github', 'gitlab', 'gitea', 'forgejo', 'bitbucket'] as const;

export const add: Command = {
  operands: [{ name: 'project', description: 'the project that is deployed', required: true }],
  options: [
    { flags: '--repo <url>', description: 'the remote: https, ssh, or git@HOST:PATH, for which a deploy key is made' },
    { flags: '--provider <name>', description: 'who calls: github, gitlab, gitea, forgejo or bitbucket' },
    { flags: '--poll <seconds>', description: 'nobody calls: look at the remote so often, 10 to 86400' },
    { flags: '--branch <name>', description: "the branch that is deployed; the remote's default one unless told" },
  ],
  examples: [
    [
      'hook add shop --provider github --repo git@github.com:you/shop.git',
      'prints the URL and the secret for the webhook, and the deploy key',
    ],
    ['hook add shop --poll 300 --repo https://git.example.com/you/shop.git', 'for a remote that cannot call'],
  ],
  async run(invocation) {
    const { client, out, json, say } = invocation;
    const added = await client.call<HookAdded>('POST', paths.hooks, requestOf(invocation));
    const { hook, secret } = added;
    const url = hook.path === null ? null : `${await addressOf(invocation)}${hook.path}`;
    if (json) {
      out.json({ ...added, url });
      return 0;
    }
    out.out.line(say.hookAdded(hook.id, hook.project));
    if (url !== null) out.out.line(`  URL     ${url}`);
    if (secret !== null) out.out.line(`  ${say.hookSecret}  ${secret}`);
    if (hook.publicKey !== null) out.out.line(`  ${say.hookKey}  ${hook.publicKey}`);
    if (secret !== null) out.err.line(say.hookSecretOnce);
    if (hook.publicKey !== null) out.err.line(say.hookKeyAdd);
    return 0;
  },
};

export const list: Command = {
  operands: [],
  options: [],
  examples: [['hook list', 'remotes whose pushes are deployed, and what their last look came to']],
  async run({ client, out, json, say }) {
    const found = await client.get<readonly HookDocument[]>(paths.hooks);
    if (json) out.json(found);
    else if (found.length === 0) out.out.line(say.hookNone);
    else {
      const { columns } = say;
      const head = ['ID', columns.project, 'REMOTE', columns.branch, columns.commit].map((word) =>
        out.out.paint('dim', word),
      );
      const rows = found.map(({ id, project, url, branch, commit }) => [
        id,
        project,
        out.out.safe(url),
        branch ?? '-',
        commit?.slice(0, 12) ?? '-',
      ]);
      for (const line of table([head, ...rows])) out.out.line(line);
      for (const { id, problem } of found) if (problem !== null) out.out.line(`${id}: ${out.out.safe(problem)}`);
    }
    return 0;
  },
};

export const remove: Command = {
  operands: [{ name: 'id', description: 'the hook, as kapal hook list shows it', required: true }],
  options: [],
  examples: [['hook remove hook-x7k2pq9w4m', 'its URL is known no longer, and its deploy key is forgotten']],
  async run(invocation) {
    const { client, out, json, say } = invocation;
    const id = operand(invocation, 0);
    await client.call('DELETE', paths.hook(id));
    if (json) out.json({ id, removed: true });
    else out.out.line(say.hookRemoved(id));
    return 0;
  },
};

function requestOf(invocation: Invocation): HookRequest {
  const { flags, at } = invocation;
  const url = flags.text('repo');
  if (url === undefined)
    throw failure('usage', 'hook add needs --repo URL', { hint: 'How it is used: kapal help hook add' });
  const provider = flags.choice('provider', providers);
  const pollSeconds = flags.count('poll', { least: 10, most: 86_400 });
  if ((provider === undefined) === (pollSeconds === undefined))
    throw failure('usage', 'hook add needs either --provider NAME or --poll SECONDS');
  return {
    project: operand(invocation, 0),
    environment: at.environment,
    provider: provider ?? 'none',
    url,
    branch: flags.text('branch') ?? null,
    pollSeconds: pollSeconds ?? null,
  };
}

async function addressOf({ client, host }: Invocation): Promise<string> {
  return apiAddress(host.env, async () => (await client.get<StatusDocument>(paths.status)).api);
}
