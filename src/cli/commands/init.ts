import { resolve } from 'node:path';
import { failure } from '../../api/contract/exit.ts';
import type { Command } from '../command.ts';
import { onFolder } from '../upload/resolve.ts';

export const init: Command = {
  operands: [{ name: 'folder', description: 'a folder; this one unless told', required: false, completes: 'folder' }],
  options: [
    { flags: '--stdout', description: 'print the file, in place of writing it' },
    { flags: '--force', description: 'over a kapal.yaml that is there' },
  ],
  examples: [
    ['init', 'writes kapal.yaml: what a deploy of this folder does without it, with the file that told each part'],
    ['init --stdout ../shop', 'the same of another folder, only printed'],
    ['init --force', 'guesses again, over the kapal.yaml that is there'],
  ],
  async run({ operands, flags, at, host, json, out, say }) {
    const target = operands[0] ?? '.';
    const folder = resolve(host.cwd, target);
    const force = flags.has('force');
    const prints = flags.has('stdout');
    if (force && prints)
      throw failure('usage', '--force says what may be written over, and --stdout writes nothing: keep one of them');
    const work = () => host.initDeclaration({ folder, project: at.project, write: prints ? null : { force } });
    const { project, declaration, told, warnings, written } = await onFolder(folder, { target, work });
    if (json) {
      out.json({ project, declaration, told, warnings, ...(written === null ? {} : { written }) });
      return 0;
    }
    for (const warning of warnings)
      out.err.line(`${out.err.paint('yellow', `${say.warning}:`)} ${out.err.safe(warning)}`);
    if (written === null) out.out.write(declaration);
    else out.out.line(say.installed(written));
    return 0;
  },
};
