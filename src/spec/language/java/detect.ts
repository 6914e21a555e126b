import type { Evidence } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';
import { sourceFile } from './sources.ts';

const buildFiles = ['pom.xml', 'build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts'];

/** By the file of Maven or Gradle; else by sources, or a jar, where people put them and no page or package.json says that they are a part of something else. */
export function detectJava(folder: SourceFolder): Evidence | null {
  const isAlone = folder.firstOf(['package.json', 'index.html']) === null;
  const file = folder.firstOf(buildFiles) ?? (isAlone ? sourceFile(folder) : null);
  return file === null ? null : { file: folder.nameOf(file), why: 'it is there' };
}
