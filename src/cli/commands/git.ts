import { failure } from '../../api/contract/exit.ts';
import { paths } from '../../api/contract/paths.ts';
import type { RepositoryChange, RepositoryDocument } from '../../api/contract/push-types.ts';
import type { ServiceDocument, StatusDocument } from '../../api/contract/types.ts';
import { type Command, type Invocation, type Operand, operand } from '../command.ts';
import { apiAddress } from '../client/api-address.ts';
import { table } from '../output.ts';

const project: Operand = { name: 'project', description: 'the project; made by its first push', required: true };

export const url: Command = {
  operands: [
    { ...project, description: 'the project (or --project); may be left out where there is only one', required: false },
  ],
  options: [],
  examples: [
    ['git url shop', 'prints git remote add kapal URL; after that, git push kapal main deploys'],
    ['git url shop --json', 'the URL, the branch that is deployed, its commit'],
  ],
  async run(invocation) {
    const { client, out, json, say } = invocation;
    const document = await client.get<RepositoryDocument>(paths.repository(await projectOf(invocation)));
    const address = await addressOf(invocation);
    const remote = `${address}${document.path}`;
    if (json) out.json({ ...document, url: remote });
    else {
      out.out.line(`git remote add kapal ${remote}`);
      out.err.line(say.gitPassword);
      if (address.includes('//127.0.0.1')) out.err.line(say.gitElsewhere);
    }
    return 0;
  },
};

export const set: Command = {
  operands: [project],
  options: [
    { flags: '--branch <name>', description: 'the branch whose pushes are deployed; what it is at now is not' },
    { flags: '--require-deploy', description: 'refuse a push when its deploy fails, as git push -o wait does for one' },
    { flags: '--no-require-deploy', description: 'store a push whatever comes of its deploy' },
  ],
  examples: [
    ['git set shop --branch production', 'deploy pushes of that branch, and store all others'],
    ['git set shop --require-deploy', 'the branch moves only when its deploy succeeded'],
  ],
  async run(invocation) {
    const { client, flags, out, json, say } = invocation;
    const branch = flags.text('branch');
    const requireDeploy = flags.has('requireDeploy') ? true : flags.isOff('requireDeploy') ? false : undefined;
    if (branch === undefined && requireDeploy === undefined)
      throw failure('usage', 'nothing is said to be changed', { hint: 'How it is used: kapal help git set' });
    const change: RepositoryChange = {
      ...(branch === undefined ? {} : { branch }),
      ...(requireDeploy === undefined ? {} : { requireDeploy }),
    };
    const document = await client.call<RepositoryDocument>('PATCH', paths.repository(operand(invocation, 0)), change);
    if (json) out.json(document);
    else {
      out.out.line(say.gitBranch(document.project, document.branch));
      out.out.line(say.gitRequires(document.requireDeploy));
    }
    return 0;
  },
};

export const list: Command = {
  operands: [],
  options: [],
  examples: [['git list', 'projects, the branch that each deploys, the commit that it is at']],
  async run({ client, out, json, say }) {
    const found = await client.get<readonly RepositoryDocument[]>(paths.repositories);
    if (json) out.json(found);
    else if (found.length === 0) out.out.line(say.gitNone);
    else {
      const { columns } = say;
      const head = [columns.project, columns.branch, columns.commit].map((word) => out.out.paint('dim', word));
      const rows = found.map((one) => [one.project, one.branch ?? '-', one.commit?.slice(0, 12) ?? '-']);
      for (const line of table([head, ...rows])) out.out.line(line);
    }
    return 0;
  },
};

async function projectOf({ operands, at, client }: Invocation): Promise<string> {
  const told = operands[0] ?? at.project;
  if (told !== undefined) return told;
  const services = await client.get<readonly ServiceDocument[]>(paths.services({}));
  const [only, ...others] = new Set(services.map((service) => service.project));
  if (only !== undefined && others.length === 0) return only;
  throw failure('usage', only === undefined ? 'there is no project yet' : 'there is more than one project', {
    hint: 'Name it: kapal git url PROJECT. A new name is made into a project by its first push.',
  });
}

async function addressOf({ client, host }: Invocation): Promise<string> {
  return apiAddress(host.env, async () => (await client.get<StatusDocument>(paths.status)).api);
}
