import { baseName, onlyServer, startProgram } from '../start-program.ts';
import type { RustProgram, RustProject } from './project.ts';

/**
 * The program that a start command names, else the only one, else cargo's default one, the one called like the package at the top, the only one
 * whose package answers requests, the only one that is called as servers are. Null where several are left, or none is there.
 */
export function chooseRust({ programs, name }: RustProject, start: string | null): RustProgram | null {
  const word = startProgram(start);
  const asked = word === null ? undefined : programs.find((one) => one.name === baseName(word));
  if (asked !== undefined) return asked;
  const [only, ...others] = programs;
  if (only !== undefined && others.length === 0) return only;
  const able = programs.filter(({ answers }) => answers);
  return (
    onlyOne(programs.filter(({ isDefault, crate }) => isDefault && (name === null || crate === name))) ??
    programs.find((one) => one.name === name) ??
    onlyOne(able) ??
    onlyServer(able.length > 0 ? able : programs)
  );
}

function onlyOne<T>(list: readonly T[]): T | null {
  return list.length === 1 ? (list[0] ?? null) : null;
}
