import { resolve } from 'node:path';
import { didYouMean, failure } from '../../api/contract/exit.ts';
import { type Command, operand } from '../command.ts';
import { printImportNotes } from '../conversion/notes.ts';
import type { ImportRequest } from '../host.ts';
import { readingTree } from '../upload/resolve.ts';

const sources = ['render', 'procfile', 'heroku', 'compose', 'pm2'] as const satisfies readonly ImportRequest['from'][];

export const importCommand: Command = {
  operands: [
    { name: 'from', description: `whose declaration it is: ${sources.join(', ')}`, required: true, completes: sources },
    {
      name: 'folder',
      description: 'the folder that holds it (this one unless told), or the file itself',
      required: false,
      completes: 'folder',
    },
  ],
  options: [
    { flags: '--write', description: 'write kapal.yaml into the folder, in place of printing it' },
    { flags: '--force', description: 'with --write: over a kapal.yaml that is there' },
  ],
  examples: [
    ['import pm2', 'a kapal.yaml from ecosystem.config.js, printed; what becomes of each field on stderr'],
    ['import compose ../shop --write', 'from compose.yaml of another folder, written there'],
    ['import heroku --json', 'from app.json and Procfile, with the notes, for a program'],
  ],
  async run(invocation) {
    const { host, operands, flags, at, out, json, say } = invocation;
    const word = operand(invocation, 0);
    const from = sources.find((source) => source === word);
    if (from === undefined)
      throw failure('usage', `import ${word}: expected ${sources.join(', ')}`, {
        hint: didYouMean(word, sources) ?? 'How it is used: kapal help import',
      });
    const force = flags.has('force');
    if (force && !flags.has('write'))
      throw failure('usage', '--force says what --write may do, and --write is not there');
    const request = {
      from,
      path: resolve(host.cwd, operands[1] ?? '.'),
      project: at.project,
      root: host.root,
      write: flags.has('write') ? { force } : null,
    };
    const { declaration, notes, written } = await readingTree(() => host.importDeclaration(request));
    if (json) {
      out.json({ declaration, notes, ...(written === null ? {} : { written }) });
      return 0;
    }
    printImportNotes(invocation, notes);
    if (written === null) out.out.write(declaration);
    else out.out.line(say.installed(written));
    return 0;
  },
};
