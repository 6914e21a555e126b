import { type BuildRecipe, nothingToBuild, type Requirement } from '../../../model/build-recipe.ts';
import type { BuildAsked } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';
import { readJava } from './plan.ts';
import { askedJava } from './version.ts';

/** By the project's own wrapper, else by the machine's Maven, Gradle or javac. What they fetch is kept in the service's own cache. */
export function buildJava(folder: SourceFolder, asked: BuildAsked): BuildRecipe {
  const project = readJava(folder);
  const builder = project?.builder ?? null;
  // A declared command may go another way.
  const isNeeded = builder?.kind === 'program' && (asked.command?.includes(builder.program) ?? true);
  return {
    ...nothingToBuild,
    build: project?.build ?? [],
    requires: [javaFor(folder, project?.build.length === 0), ...(isNeeded && builder !== null ? [builder] : [])],
    caches: project?.caches ?? {},
  };
}

/** A jar that lies there ready needs no compiler. */
function javaFor(folder: SourceFolder, isReady: boolean): Requirement {
  const places = ['/usr/lib/jvm/*/bin', '/opt/java/*/bin', '/usr/local/java/bin'];
  const common = { kind: 'program', places, home: 'JAVA_HOME', version: askedJava(folder) } as const;
  return isReady
    ? { ...common, program: 'java', packages: ['default-jre-headless'], why: 'a jar runs on it' }
    : { ...common, program: 'javac', packages: ['default-jdk-headless'], why: 'a Java program is built with it' };
}
