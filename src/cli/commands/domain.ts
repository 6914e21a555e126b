import { paths } from '../../api/contract/paths.ts';
import type { DomainDocument } from '../../api/contract/types.ts';
import { type Command, type Operand, operand } from '../command.ts';
import { table } from '../output.ts';

const service: Operand = { name: 'service', description: 'the service', required: true, completes: 'service' };
const host: Operand = { name: 'host', description: 'a host name, such as api.example.com', required: true };

export const list: Command = {
  operands: [service],
  options: [],
  examples: [['domain list api', 'host names at which it answers']],
  async run(invocation) {
    const { client, at, out, json, say } = invocation;
    const found = await client.get<readonly DomainDocument[]>(paths.domains(operand(invocation, 0), at));
    const head = [say.columns.host, say.columns.source, say.columns.url].map((word) => out.out.paint('dim', word));
    const rows = found.map((domain) => [domain.host, domain.source, domain.url]);
    if (json) out.json(found);
    else for (const line of table([head, ...rows])) out.out.line(line);
    return 0;
  },
};

export const add: Command = {
  operands: [service, host],
  options: [],
  examples: [['domain add api api.example.com', 'answer there as soon as its DNS points here']],
  async run(invocation) {
    const { client, at, out, json, say } = invocation;
    const [name, added] = [operand(invocation, 0), operand(invocation, 1)];
    await client.call('PUT', paths.domain(name, added, at));
    if (json) out.json({ service: name, host: added, added: true });
    else out.out.line(say.domainAdded(added, name));
    return 0;
  },
};

export const remove: Command = {
  operands: [service, host],
  options: [],
  examples: [['domain remove api api.example.com', 'answer there no longer']],
  async run(invocation) {
    const { client, at, out, json, say } = invocation;
    const [name, removed] = [operand(invocation, 0), operand(invocation, 1)];
    await client.call('DELETE', paths.domain(name, removed, at));
    if (json) out.json({ service: name, host: removed, removed: true });
    else out.out.line(say.domainRemoved(removed, name));
    return 0;
  },
};
