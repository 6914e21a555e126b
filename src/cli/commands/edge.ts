import { paths } from '../../api/contract/paths.ts';
import type { EdgeCheckDocument, EdgeConfigDocument } from '../../api/contract/types.ts';
import { failure } from '../../api/contract/exit.ts';
import { confirm } from '../ask.ts';
import type { Command, Invocation } from '../command.ts';

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

export const install: Command = {
  operands: [],
  options: [{ flags: '-y, --yes', description: 'do not ask' }],
  examples: [
    ['edge install', 'shows the packages and asks first'],
    ['edge install --yes', 'for scripts'],
  ],
  async run(invocation) {
    const { host, flags, out, say, json } = invocation;
    const packages = await host.missingEdgePackages();
    if (packages.length > 0 && !flags.has('yes') && !(await agreed(invocation, packages))) {
      out.err.line(say.declined);
      return 1;
    }
    const notes = packages.length === 0 ? [] : await host.installEdge();
    if (json) out.json({ installed: packages, notes });
    else {
      out.out.line(packages.length === 0 ? say.edgeWasInstalled : say.edgeInstalled);
      for (const note of notes) out.out.line(out.out.safe(note));
      out.out.line(say.edgeNext);
    }
    return 0;
  },
};

function agreed(invocation: Invocation, packages: readonly string[]): Promise<boolean> {
  if (invocation.host.stdin.isTTY !== true) {
    throw failure('usage', 'edge install asks before it installs, and there is no terminal to ask on', {
      hint: 'Say yes beforehand: kapal edge install --yes',
    });
  }
  return confirm(invocation, invocation.say.edgeInstallAsks(packages.join(' ')));
}
