import { baseName, onlyServer, startProgram } from '../start-program.ts';
import type { GoProgram, GoProject } from './project.ts';

/** The program to build and the file that it becomes. */
export interface GoTarget {
  readonly program: GoProgram;
  /** From the folder: `bin/api`. */
  readonly output: string;
}

/**
 * The only program, else the one that a start command names, else the one at the top or called like the module, else the only one that is called
 * as servers are. Null where several are left, or none is there. A start command also says where its program lies: `./app`.
 */
export function chooseProgram({ programs, name }: GoProject, start: string | null): GoTarget | null {
  const word = startProgram(start);
  const asked = word === null || runsItself(word) ? null : word;
  const named = asked === null ? undefined : programs.find((one) => one.name === baseName(asked));
  const [only, ...others] = programs;
  const usual =
    programs.find(({ path }) => path === '.') ?? programs.find((one) => one.name === name) ?? onlyServer(programs);
  const program = named ?? (others.length === 0 ? only : usual) ?? null;
  if (program === null) return null;
  return { program, output: outputOf(asked) ?? `bin/${program.name}` };
}

/** `go run .`, and programs of the machine's. */
function runsItself(word: string): boolean {
  return ['go', 'sh', 'bash', 'env', 'make', 'air', 'npm'].includes(word) || word.startsWith('/');
}

/** A bare name is found by PATH, where `bin` comes first. */
function outputOf(asked: string | null): string | null {
  if (asked === null) return null;
  const path = asked.replace(/^(?:\.\/)+/, '');
  if (path.split('/').includes('..') || path === '' || path.endsWith('/') || /\.\w+$/.test(path)) return null;
  return asked.includes('/') ? path : `bin/${path}`;
}
