import type { ServerPlan, Unclear } from '../language.ts';
import { shellPath } from '../../../model/shell.ts';
import type { SourceFolder } from '../source-folder.ts';
import { chooseProgram } from './choose.ts';
import { type GoProject, readGoProject } from './project.ts';

/** The program of the module, as it was built. */
export function planGo(folder: SourceFolder): ServerPlan | Unclear {
  const project = readGoProject(folder);
  if (project === null || project.homeless !== null) return withoutModule(project);
  const target = chooseProgram(project, null);
  if (target === null) return unclear(project);
  const { program, output } = target;
  const others = project.programs.filter((one) => one !== program);
  const notes =
    others.length === 0
      ? []
      : [
          `There are other programs beside it: ${namesOf(others)}. A service for one of them names it: startCommand: ./bin/${others[0]?.name}`,
        ];
  return {
    kind: 'server',
    file: folder.nameOf(project.file),
    why: program.path === '.' ? 'its package main' : `the package main in ${program.path}`,
    rootDir: '.',
    start: startOf(output),
    preDeploy: null,
    certainty: 'declared',
    notes,
  };
}

export function startOf(output: string): string {
  const word = shellPath(output);
  return word.startsWith("'") ? word : `./${word}`;
}

function withoutModule(project: GoProject | null): Unclear {
  const why = project === null ? 'there is no go.mod' : `there is no go.mod, and it imports ${project.homeless}`;
  return {
    kind: 'unclear',
    missing: `cannot be built as it is: ${why}`,
    hint: 'Make one, and commit it: go mod init NAME && go mod tidy',
  };
}

function unclear({ programs }: GoProject): Unclear {
  if (programs.length === 0)
    return {
      kind: 'unclear',
      missing: 'does not say what to run: there is no package main at the top, in cmd or in a folder of the top',
      hint: 'Name the folder of the program by rootDir, or its build and start by buildCommand and startCommand, in a kapal.yaml: docs/guides/kapal-yaml.md',
    };
  const [first] = programs;
  return {
    kind: 'unclear',
    missing: `has several programs, and none is called as the module: ${namesOf(programs)}`,
    hint: `Say which in a kapal.yaml, with a service for each that runs: startCommand: ./bin/${first?.name}`,
  };
}

function namesOf(programs: GoProject['programs']): string {
  return programs.map(({ path }) => (path === '.' ? path : `./${path}`)).join(', ');
}
