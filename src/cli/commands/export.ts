import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { didYouMean, failure } from '../../api/contract/exit.ts';
import { type Command, operand } from '../command.ts';
import { printExportNotes } from '../conversion/notes.ts';
import type { ExportRequest } from '../host.ts';
import { readingTree } from '../upload/resolve.ts';

const targets = ['render', 'procfile', 'compose', 'systemd', 'nginx'] as const satisfies readonly ExportRequest['to'][];

export const exportCommand: Command = {
  operands: [
    { name: 'to', description: `who it is written for: ${targets.join(', ')}`, required: true, completes: targets },
    {
      name: 'folder',
      description: 'the folder with the declaration (this one unless told)',
      required: false,
      completes: 'folder',
    },
  ],
  options: [
    {
      flags: '--out <folder>',
      description: 'write the files into this folder, in place of printing them; it is made where it is not there',
    },
    { flags: '--force', description: 'with --out: over files that are there' },
  ],
  examples: [
    ['export nginx', 'the sites, printed; what nginx cannot say on stderr'],
    ['export systemd --out units', 'a unit for each service, and a file of variables beside it'],
    ['export render ../shop --json', 'with the notes, for a program'],
  ],
  async run(invocation) {
    const { host, operands, flags, at, out, json, say } = invocation;
    const word = operand(invocation, 0);
    const to = targets.find((target) => target === word);
    if (to === undefined)
      throw failure('usage', `export ${word}: expected ${targets.join(', ')}`, {
        hint: didYouMean(word, targets) ?? 'How it is used: kapal help export',
      });
    const told = flags.text('out');
    const force = flags.has('force');
    if (force && told === undefined) throw failure('usage', '--force says what --out may do, and --out is not there');
    const folder = told === undefined ? null : resolve(host.cwd, told);
    const request: ExportRequest = {
      to,
      path: resolve(host.cwd, operands[1] ?? '.'),
      project: at.project,
      write: folder === null ? null : { folder, force },
    };
    if (folder !== null) await mkdir(folder, { recursive: true });
    const { files, notes, warnings, written } = await readingTree(() => host.exportDeclaration(request));
    if (json) {
      out.json({ files, notes, ...(folder === null ? {} : { written }) });
      return 0;
    }
    printExportNotes(invocation, { notes, warnings });
    for (const path of written) out.out.line(say.installed(path));
    if (folder !== null) return 0;
    for (const [index, { path, text }] of files.entries()) {
      // Each of them has # for comments.
      if (files.length > 1) out.out.line(`${index === 0 ? '' : '\n'}# ---- ${path}`);
      out.out.write(text);
    }
    return 0;
  },
};
