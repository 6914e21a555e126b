import type { BuildStep, ProgramRequirement } from '../../../model/build-recipe.ts';
import type { AskedVersion } from '../pinned-version.ts';
import { namesOf } from './version.ts';

/** The machine's Python, or the one of the pinned version beside it: a word of sh. */
export function interpreter(asked: AskedVersion | null): string {
  const names = asked === null ? [] : namesOf(asked);
  if (names.length === 0) return 'python3';
  return `"$(${[...names, 'python3'].map((name) => `command -v ${name}`).join(' || ')})"`;
}

/** A folder of that name in the source was made by another machine. */
export function environmentStep(asked: AskedVersion | null): BuildStep {
  return { title: 'Making a virtual environment', command: `${interpreter(asked)} -m venv --clear .venv` };
}

/** Debian's Python has no program `python`; an environment has one. For a project without packages whose start says that name. */
export function namePython(start: string | null, asked: AskedVersion | null): readonly BuildStep[] {
  if (start === null || !/(?:^|[\s;&|(])python\s/.test(start)) return [];
  const command = `${interpreter(asked)} -m venv --clear --without-pip .venv`;
  return [{ title: 'Making a virtual environment without packages', command }];
}

/** `ensurepip` is what Debian has in a package apart, and what a virtual environment with pip is not made without. */
export function pythonNeed(asked: AskedVersion | null, makesEnvironment: boolean): ProgramRequirement {
  const version =
    asked === null
      ? {}
      : {
          version: {
            args: ['--version'],
            range: asked.range,
            said: `${asked.text} (${asked.file})`,
            also: namesOf(asked),
          },
        };
  const part = { args: ['-I', '-c', 'import ensurepip, venv'], name: 'the module ensurepip' };
  return {
    kind: 'program',
    program: 'python3',
    packages: makesEnvironment ? ['python3', 'python3-venv'] : ['python3'],
    why: makesEnvironment ? 'the packages of the project go into a virtual environment' : 'the project is in Python',
    ...version,
    ...(makesEnvironment ? { part } : {}),
  };
}
