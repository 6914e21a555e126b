import { paths } from '../../api/contract/paths.ts';
import type { EdgeCheckDocument, EdgeConfigDocument } from '../../api/contract/types.ts';
import type { Command } from '../command.ts';

export const config: Command = {
  operands: [],
  options: [],
  examples: [['edge config', 'hosts, pools and endpoints as the edge has them now']],
  async run({ client, out, json }) {
    const document = await client.get<EdgeConfigDocument>(paths.edgeConfig);
    if (json) out.json(document);
    else out.out.line(document.text.trimEnd());
    return 0;
  },
};

export const check: Command = {
  operands: [],
  options: [],
  examples: [['edge check', 'exit code 1 and the reasons where the next configuration would not be taken']],
  async run({ client, out, json, say }) {
    const document = await client.get<EdgeCheckDocument>(paths.edgeCheck);
    const sound = document.problems.length === 0;
    if (json) out.json(document);
    else if (sound) out.out.line(say.edgeSound);
    else for (const problem of document.problems) out.out.line(out.out.safe(problem));
    return sound ? 0 : 1;
  },
};
