import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import type { ProgramRequirement } from '../../model/build-recipe.ts';
import { KapalError } from '../../model/errors.ts';

/** Throws `toolchain_missing`, naming the packages that bring it, for a program that the PATH of services does not have. */
export async function checkProgram(need: ProgramRequirement, path: string): Promise<void> {
  if (await isOnPath(need.program, path)) return;
  const packages = need.packages.join(' ');
  throw new KapalError('toolchain_missing', `${need.program} is not installed on this machine, and ${need.why}`, {
    hint: `Install it (Debian and Ubuntu: sudo apt-get install ${packages}) and deploy again.`,
  });
}

async function isOnPath(program: string, path: string): Promise<boolean> {
  for (const folder of path.split(delimiter).filter(isAbsolute)) {
    const there = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (there) return true;
  }
  return false;
}
