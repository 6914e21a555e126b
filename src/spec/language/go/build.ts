import { type BuildRecipe, nothingToBuild, type Requirement } from '../../../model/build-recipe.ts';
import type { BuildAsked } from '../language.ts';
import { shellPath } from '../../../model/shell.ts';
import type { SourceFolder } from '../source-folder.ts';
import { startProgram } from '../start-program.ts';
import { chooseProgram } from './choose.ts';
import { type GoProject, readGoProject } from './project.ts';

/**
 * One program, in `bin` or where the start command has it; all of them where it names none of several. Modules and what was compiled are kept in the
 * service's own cache.
 */
export function buildGo(folder: SourceFolder, asked: BuildAsked): BuildRecipe {
  const project = readGoProject(folder);
  const runsGo = startProgram(asked.start) === 'go';
  return {
    ...nothingToBuild,
    build: project === null || project.programs.length === 0 ? [] : [stepOf(project, asked.start)],
    requires: requirements(project),
    path: ['bin'],
    // Another toolchain than the machine's would be fetched, unasked, in each new service.
    environment: { GOTOOLCHAIN: 'local' },
    // `go run` at each start has its caches where it looks for them by itself.
    caches: runsGo ? {} : { GOCACHE: 'go-build', GOMODCACHE: 'go-mod' },
  };
}

function stepOf(project: GoProject, start: string | null): BuildRecipe['build'][number] {
  const target = chooseProgram(project, start);
  const [output, ...packages] =
    target === null ? ['bin/', ...project.programs.map(({ path }) => path)] : [target.output, target.program.path];
  const paths = packages.map((path) => (path === '.' ? '.' : pathWord(path)));
  const go = [
    ...(project.file === 'main.go' ? ['GO111MODULE=off'] : []),
    'go build -trimpath',
    ...(project.isVendored ? ['-mod=vendor'] : []),
    `-o ${pathWord(output ?? 'bin/')}`,
    ...paths,
  ].join(' ');
  // Go before 1.20 does not notice by itself that there is no C compiler.
  const guard = project.needsC === null ? 'command -v "${CC:-gcc}" >/dev/null || export CGO_ENABLED=0; ' : '';
  return { title: `Building (${go})`, command: `${guard}${go}` };
}

function pathWord(path: string): string {
  const word = shellPath(path);
  return word.startsWith("'") ? word : `./${word}`;
}

function requirements(project: GoProject | null): readonly Requirement[] {
  const asked = project?.go ?? null;
  const go: Requirement = {
    kind: 'program',
    program: 'go',
    packages: ['golang-go'],
    why: 'a Go program is built with it',
    places: ['/usr/local/go/bin', '/usr/lib/go-*/bin'],
    version: {
      args: ['version'],
      range: `>=${asked?.version ?? '1.11'}`,
      said: asked === null ? '1.11 or later' : `${asked.version} or later (${asked.said})`,
      also: [],
    },
  };
  const needsC = project?.needsC ?? null;
  if (needsC === null) return [go];
  return [
    go,
    { kind: 'program', program: 'gcc', packages: ['gcc', 'libc6-dev'], why: `${needsC} is partly written in C` },
  ];
}
