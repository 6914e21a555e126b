import type { SourceFolder } from '../source-folder.ts';
import { shellPath } from '../../../model/shell.ts';
import { mainClass } from './classes.ts';
import { javaCommand, type JavaProject } from './project.ts';

/** Java without a build file: sources at the top or in `src`, jars that they need in `lib`; else a jar that lies there ready. Null where there is neither. */
export function readSources(folder: SourceFolder): JavaProject | null {
  const place = sourcePlace(folder);
  if (place !== null) return ofSources(folder, place);
  const jars = folder.list().filter((name) => name.endsWith('.jar'));
  const [jar, ...others] = jars;
  if (jar === undefined) return null;
  return {
    ...plain,
    file: folder.nameOf(jar),
    why: 'a jar',
    start:
      others.length === 0
        ? javaCommand([], `-jar ${shellPath(jar)}`)
        : {
            kind: 'unclear',
            missing: `does not lie there alone: ${jars.join(', ')}`,
            hint: 'Say which is started in a kapal.yaml: startCommand: java $JAVA_OPTS -jar NAME.jar',
          },
  };
}

/** The file that says so, from the folder. */
export function sourceFile(folder: SourceFolder): string | null {
  const place = sourcePlace(folder);
  if (place === null) return folder.list().find((name) => name.endsWith('.jar')) ?? null;
  return folder.firstOf([...usualFiles(place)]) ?? folder.list().find((name) => name.endsWith('.java')) ?? place;
}

const plain = { build: [], builder: null, caches: {} };

function usualFiles(place: string): readonly string[] {
  return ['Main', 'App', 'Server', 'Application'].map((name) =>
    place === '.' ? `${name}.java` : `${place}/${name}.java`,
  );
}

function sourcePlace(folder: SourceFolder): '.' | 'src' | null {
  if (folder.list().some((name) => name.endsWith('.java'))) return '.';
  return folder.firstOf(usualFiles('src')) === null ? null : 'src';
}

function ofSources(folder: SourceFolder, place: '.' | 'src'): JavaProject {
  const main = mainClass(folder, place);
  const hasJars = folder.list('lib').some((name) => name.endsWith('.jar'));
  const classPath = hasJars ? "-cp 'classes:lib/*'" : '-cp classes';
  const depth = place === '.' ? '-maxdepth 1 ' : '';
  const compile = `javac -encoding UTF-8${hasJars ? " -cp 'lib/*'" : ''} -d classes`;
  return {
    ...plain,
    file: folder.nameOf(sourceFile(folder) ?? place),
    why: main === null ? 'it is there' : `its class ${main}`,
    build: [{ title: 'Building (javac)', command: `find ${place} ${depth}-name '*.java' -exec ${compile} {} +` }],
    start:
      main === null
        ? {
            kind: 'unclear',
            missing:
              'does not say what to start: not one class alone has a main method, and none of them is called Main',
            hint: 'Call it Main, or declare it in a kapal.yaml: startCommand: java $JAVA_OPTS -cp classes NAME',
          }
        : javaCommand([], `${classPath} ${main}`),
  };
}
