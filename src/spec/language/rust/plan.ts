import type { ServerPlan, Unclear } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';
import { chooseRust } from './choose.ts';
import { readRustProject, type RustProject } from './project.ts';

/** The program of the package or the workspace, as cargo puts it into `target/release`. */
export function planRust(folder: SourceFolder): ServerPlan | Unclear {
  const project = readRustProject(folder);
  if (project === null)
    return { kind: 'unclear', missing: 'cannot be built: there is no Cargo.toml', hint: 'Make one: cargo init' };
  const program = chooseRust(project, null);
  if (program === null) return unclear(project);
  const others = project.programs.filter((one) => one !== program).map(({ name }) => name);
  return {
    kind: 'server',
    file: project.file,
    why: `the program ${program.name}${project.isWorkspace ? ` of its member ${program.crate}` : ''}`,
    rootDir: '.',
    // Rocket knows no PORT, and listens on 8000.
    start: `${program.isRocket ? 'ROCKET_PORT=$PORT ' : ''}./target/release/${program.name}`,
    preDeploy: null,
    certainty: 'declared',
    notes:
      others.length === 0
        ? []
        : [
            `There are other programs beside it: ${others.join(', ')}. A service for one of them names it: startCommand: ./target/release/${others[0]}`,
          ],
  };
}

function unclear({ programs }: RustProject): Unclear {
  if (programs.length === 0)
    return {
      kind: 'unclear',
      missing: 'does not say what to run: it is a library, without src/main.rs, src/bin or [[bin]]',
      hint: 'Name the folder of the program by rootDir in a kapal.yaml: docs/guides/kapal-yaml.md',
    };
  const names = programs.map(({ name }) => name).join(', ');
  return {
    kind: 'unclear',
    missing: `has several programs, and does not say which is run: ${names}`,
    hint: `Add default-run to [package], or say it in a kapal.yaml, with a service for each that runs: startCommand: ./target/release/${programs[0]?.name}`,
  };
}
