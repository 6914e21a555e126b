import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { coerce, satisfies } from 'semver';
import { exec, plainEnvironment } from '../../lib/exec.ts';
import type { ProgramPart, ProgramRequirement, ProgramVersion } from '../../model/build-recipe.ts';
import { KapalError } from '../../model/errors.ts';

/** Milliseconds for a program to say its version; a toolchain on a slow disk takes a few seconds the first time. */
const patience = 20_000;

/**
 * Throws `toolchain_missing`, naming the packages that bring it, for a program that the PATH of services does not have, that is of another version, or that
 * lacks a part. Only asks programs of the machine's, in its root folder: nothing of the user's runs.
 */
export async function checkProgram(need: ProgramRequirement, path: string): Promise<void> {
  const { program, version, part, why } = need;
  const found = await onPath(program, path);
  if (found === null) {
    // What is there under the name of its version alone is good enough.
    if (version !== undefined && (await fitting(version, path)) !== null) return;
    throw missing(`${program} is not installed on this machine, and ${why}`, need);
  }
  const fit = version === undefined ? found : await versionOf(found, version, path);
  if (fit === null) throw missing(`${program} of this machine does not run, and ${why}`, need);
  if (part !== undefined && !(await has(fit, { part, path })))
    throw missing(`${program} of this machine lacks ${part.name}, and ${why}`, need);
}

/** The program in the version that is asked for: itself, or one of its other names. Throws for a version that nothing here has. */
async function versionOf(program: string, version: ProgramVersion, path: string): Promise<string | null> {
  const said = await sayVersion(program, { version, path });
  if (said === null) return null;
  if (satisfies(said, version.range)) return program;
  const other = await fitting(version, path);
  if (other !== null) return other;
  const name = program.slice(program.lastIndexOf('/') + 1);
  const more = version.also.length === 0 ? '' : ` (as ${version.also.join(' or ')}, beside the other)`;
  throw new KapalError(
    'toolchain_missing',
    `${name} ${version.said} is asked for, and this machine has ${name} ${said}`,
    { hint: `Install that version${more}, or change what asks for it, and deploy again.` },
  );
}

async function fitting(version: ProgramVersion, path: string): Promise<string | null> {
  for (const name of version.also) {
    const found = await onPath(name, path);
    const said = found === null ? null : await sayVersion(found, { version, path });
    if (said !== null && satisfies(said, version.range)) return found;
  }
  return null;
}

/** `3.11.2`; null where the program does not say one. Some print it to stderr (`java -version`). */
async function sayVersion(
  program: string,
  { version, path }: { readonly version: ProgramVersion; readonly path: string },
): Promise<string | null> {
  const { stdout, stderr, ok } = await ask(program, version.args, path);
  const number = /\d+(?:\.\d+)+/.exec(`${stdout}\n${stderr}`)?.[0];
  return ok && number !== undefined ? (coerce(number)?.version ?? null) : null;
}

async function has(program: string, at: { readonly part: ProgramPart; readonly path: string }): Promise<boolean> {
  return (await ask(program, at.part.args, at.path)).ok;
}

function ask(program: string, args: readonly string[], path: string) {
  return exec(program, args, {
    cwd: '/',
    env: plainEnvironment({ PATH: path }),
    timeout: patience,
    maxBytes: 64 * 1024,
  });
}

function missing(message: string, { packages }: ProgramRequirement): KapalError {
  return new KapalError('toolchain_missing', message, {
    hint: `Install it (Debian and Ubuntu: sudo apt-get install ${packages.join(' ')}) and deploy again.`,
  });
}

/** Its absolute path, or null. */
async function onPath(program: string, path: string): Promise<string | null> {
  for (const folder of path.split(delimiter).filter(isAbsolute)) {
    const found = join(folder, program);
    const there = await access(found, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (there) return found;
  }
  return null;
}
