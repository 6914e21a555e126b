import { slug } from '../../model/names.ts';
import { plainly, Report, shown } from '../report.ts';

export interface Process {
  /** As the file names it: `web`, `release`, `clock`. */
  readonly name: string;
  readonly command: string;
  /** From 1. */
  readonly line: number;
}

/** Lines of `name: command`; empty lines and lines that begin with `#` are let pass. Throws `declaration_invalid` with every wrong line. */
export function readProcfile(text: string): readonly Process[] {
  const report = new Report('Procfile');
  const processes: Process[] = [];
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    const place = { line: index + 1, column: 1, path: '' };
    const match = /^\s*([A-Za-z0-9_-]+)\s*:\s*(\S.*?)\s*$/.exec(line);
    const [, name = '', command = ''] = match ?? [];
    if (match === null) report.refuse(place, `expected NAME: COMMAND, found ${shown(line)}`);
    else if (slug(name) === null) report.refuse(place, `${plainly(name)} has no letter or digit to make a name of`);
    else if (command.includes('\0')) report.refuse(place, 'a command cannot hold the character NUL');
    else if (processes.some((process) => slug(process.name) === slug(name)))
      report.refuse(place, `${plainly(name)} stands here twice`);
    else processes.push({ name, command, line: place.line });
  }
  if (processes.length === 0 && report.sound)
    report.refuse({ line: 1, column: 1, path: '' }, 'names no process: write web: COMMAND');
  report.throwProblems();
  return processes;
}
