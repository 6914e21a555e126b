import type { BuildStep, Requirement } from '../../../model/build-recipe.ts';
import type { Unclear } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';

/** What is known of a folder of Java: how it is made, and what of it is started. */
export interface JavaProject {
  /** From the top of the source. */
  readonly file: string;
  readonly why: string;
  readonly build: readonly BuildStep[];
  /** Whole start command; where it is not to be seen, why. */
  readonly start: string | Unclear;
  /** The program that builds, where the project does not bring it. */
  readonly builder: Requirement | null;
  readonly caches: Readonly<Record<string, string>>;
}

/**
 * A Java machine in a container or under a memory limit takes a quarter of it for its heap unless told; half leaves as much for classes, threads and
 * compiled code. What a user says in JAVA_OPTS comes after it, and wins.
 */
export const memory = '-XX:MaxRAMPercentage=50';

/** `java`, its settings, and what is told to it. */
export function javaCommand(settings: readonly string[], what: string): string {
  return ['java', memory, '$JAVA_OPTS', ...settings, what].join(' ');
}

/** Frameworks that do not read PORT. */
export const portSettings = {
  spring: '-Dserver.port=${PORT:-8080}',
  quarkus: '-Dquarkus.http.port=${PORT:-8080}',
  micronaut: '-Dmicronaut.server.port=${PORT:-8080}',
} as const;

/** Jars that are made beside the one that runs. */
const besides = ['original-*', '*-sources.jar', '*-javadoc.jar', '*-tests.jar', '*-plain.jar'];

/** In a start command: the only jar of the folder that can be meant, where its name is not known before it is made. */
export function jarIn(folder: string): string {
  const not = besides.map((pattern) => `! -name '${pattern}'`).join(' ');
  return `"$(find ${folder} -maxdepth 1 -name '*.jar' ${not} | sort | head -n 1)"`;
}

/** A script of the project's that brings its build program; `null` where it is not there, or not whole. */
export function wrapper(folder: SourceFolder, script: string, parts: readonly string[]): string | null {
  const head = folder.head(script);
  if (head === null || !parts.every((part) => folder.has(part))) return null;
  // Whoever commits on Windows leaves out that it may be run; those of before 2020 are written for bash.
  return `${/^#!.*\bbash\b/.test(head) ? 'bash' : 'sh'} ./${script}`;
}
