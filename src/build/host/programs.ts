import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { coerce, rcompare, satisfies } from 'semver';
import { exec, plainEnvironment } from '../../lib/exec.ts';
import type { ProgramPart, ProgramRequirement, ProgramVersion } from '../../model/build-recipe.ts';
import { KapalError } from '../../model/errors.ts';
import { beside, onPath } from './program-places.ts';

/** Milliseconds for a program to say its version; a toolchain on a slow disk takes a few seconds the first time. */
const patience = 20_000;

/** A program that will do. */
interface FoundProgram {
  /** The folder that has to stand before PATH for it; null where PATH leads to it. */
  readonly place: string | null;
  /** The folder above its `bin`, links followed. */
  readonly home: string;
}

interface Candidate {
  readonly program: string;
  readonly place: string | null;
}

/**
 * The program of PATH, else under one of its other names, else the newest beside PATH that will do. Throws `toolchain_missing`, naming the packages that
 * bring it, for one that is not there, that is of another version, or that lacks a part. Only asks programs of the machine's, in its root folder: nothing of
 * the user's runs.
 */
export async function findProgram(need: ProgramRequirement, path: string): Promise<FoundProgram> {
  const { program, version, part, why } = need;
  const found = await candidates(need, path);
  const fit = version === undefined ? found[0] : await fitting(need, { version, found, path });
  if (fit === undefined) throw missing(`${program} is not installed on this machine, and ${why}`, need);
  if (part !== undefined && !(await hasPart(fit.program, { part, path })))
    throw missing(`${program} of this machine lacks ${part.name}, and ${why}`, need);
  return { place: fit.place, home: dirname(dirname(await realpath(fit.program))) };
}

/** In the order in which they count. */
async function candidates(
  { program, version, places = [] }: ProgramRequirement,
  path: string,
): Promise<readonly Candidate[]> {
  const names = [program, ...(version?.also ?? [])];
  const usual = await Promise.all(names.map((name) => onPath(name, path)));
  const other = await beside(program, places);
  return [
    ...usual.flatMap((one) => (one === null ? [] : [{ program: one, place: null }])),
    ...other.map((one) => ({ program: one, place: dirname(one) })),
  ];
}

/** Undefined where there is none at all. Throws for a version that nothing here has. */
async function fitting(
  need: ProgramRequirement,
  { version, found, path }: { version: ProgramVersion; found: readonly Candidate[]; path: string },
): Promise<Candidate | undefined> {
  const asked = await Promise.all(
    found.map(async (one) => ({ ...one, said: await sayVersion(one.program, { args: version.args, path }) })),
  );
  const known = asked.flatMap(({ said, ...one }) => (said === null ? [] : [{ ...one, said }]));
  const able = known.filter(({ said }) => satisfies(said, version.range));
  const newest = able.toSorted((one, other) => rcompare(one.said, other.said))[0];
  const fit = able.find(({ place }) => place === null) ?? newest;
  if (fit !== undefined || found.length === 0) return fit;
  if (known.length === 0) throw missing(`${need.program} of this machine does not run, and ${need.why}`, need);
  throw wrongVersion(need, version, known);
}

function wrongVersion(
  { program, places = [] }: ProgramRequirement,
  { said, also }: ProgramVersion,
  known: readonly { readonly program: string; readonly said: string }[],
): KapalError {
  const here = [...new Set(known.map((one) => `${basename(one.program)} ${one.said}`))].join(', ');
  const names = also.length === 0 ? '' : ` (as ${also.join(' or ')}, beside the other)`;
  const where = places.length === 0 ? '' : ` where Kapal looks for it (PATH, ${places.join(', ')})`;
  return new KapalError('toolchain_missing', `${program} ${said} is asked for, and this machine has ${here}`, {
    hint: `Install that version${names}${where}, or change what asks for it, and deploy again.`,
  });
}

/** `3.11.2`; null where the program does not say one. Some print it to stderr (`java -version`). */
export async function sayVersion(
  program: string,
  { args, path }: { readonly args: readonly string[]; readonly path: string },
): Promise<string | null> {
  const { stdout, stderr, ok } = await ask(program, args, path);
  const text = `${stdout}\n${stderr}`;
  // A first release may be called `javac 21`.
  const number = /\d+(?:\.\d+)+/.exec(text)?.[0] ?? /\d+/.exec(text)?.[0];
  return ok && number !== undefined ? (coerce(number)?.version ?? null) : null;
}

export async function hasPart(
  program: string,
  at: { readonly part: ProgramPart; readonly path: string },
): Promise<boolean> {
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
