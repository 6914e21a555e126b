import type { ServerPlan, Unclear } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';
import { readGradle } from './gradle.ts';
import { readMaven } from './maven.ts';
import type { JavaProject } from './project.ts';
import { readSources } from './sources.ts';

/** Maven stands before Gradle where a project has both. */
export function readJava(folder: SourceFolder): JavaProject | null {
  return readMaven(folder) ?? readGradle(folder) ?? readSources(folder);
}

/** The jar, the class or the script that its build makes. */
export function planJava(folder: SourceFolder): ServerPlan | Unclear {
  const project = readJava(folder);
  if (project === null)
    return {
      kind: 'unclear',
      missing: 'has nothing of Java: no pom.xml, no build.gradle, no Main.java, no jar',
      hint: 'Name the folder of the program by rootDir in a kapal.yaml: docs/guides/kapal-yaml.md',
    };
  const { start, file, why } = project;
  if (typeof start !== 'string') return start;
  return { kind: 'server', file, why, rootDir: '.', start, preDeploy: null, certainty: 'declared', notes: [] };
}
