import type { Unclear } from '../language.ts';
import { shellPath } from '../../../model/shell.ts';
import { isInside, type SourceFolder } from '../source-folder.ts';
import { javaCommand, type JavaProject, jarIn, memory, portSettings, wrapper } from './project.ts';

type Kind = 'boot' | 'quarkus' | 'micronaut' | 'shadow' | 'application';

/** Plugins that make something to start, by their ids and by their usual names in a version catalog; the first that a build file applies counts. */
const kinds: readonly (readonly [kind: Kind, plugin: RegExp])[] = [
  ['quarkus', /["']io\.quarkus["']|libs\.plugins\.quarkus/],
  [
    'boot',
    /["']org\.springframework\.boot["']|["']spring-boot["']|libs\.plugins\.(?:spring\.?boot|springboot|org\.springframework\.boot)/i,
  ],
  ['micronaut', /["']io\.micronaut\.(?:minimal\.)?application["']|libs\.plugins\.micronaut\.application/],
  [
    'application',
    /["']application["']|^\s*(?:`?application`?)\s*$|["'][\w.-]*application-conventions["']|["']io\.ktor\.plugin["']|libs\.plugins\.ktor/,
  ],
  ['shadow', /["'](?:com\.github\.johnrengelman|com\.gradleup|io\.github\.goooler)\.shadow["']|libs\.plugins\.shadow/],
];

interface GradleProgram {
  readonly kind: Kind;
  /** From the folder. */
  readonly place: string;
  /** As Gradle calls the project: empty for the root. */
  readonly path: string;
  readonly text: string;
}

const buildFiles = ['build.gradle', 'build.gradle.kts'];
const settingsFiles = ['settings.gradle', 'settings.gradle.kts'];

/** Null without a build file or a settings file of Gradle. */
export function readGradle(folder: SourceFolder): JavaProject | null {
  const file = folder.firstOf([...buildFiles, ...settingsFiles]);
  if (file === null) return null;
  const settings = plainly(folder.read(folder.firstOf(settingsFiles) ?? '') ?? '');
  const found = programsIn(folder, settings);
  const [program, ...others] = found;
  const chosen = program === undefined || others.length > 0 ? null : program;
  const own = wrapper(folder, 'gradlew', [
    'gradle/wrapper/gradle-wrapper.jar',
    'gradle/wrapper/gradle-wrapper.properties',
  ]);
  const task = chosen === null ? 'build -x test' : taskOf(chosen);
  // A daemon of Gradle's would be ended with the build, and is no use to the next.
  const command = `${own ?? 'gradle'} --no-daemon --console=plain ${task}`;
  const lost = folder.has('gradlew') ? 'its gradlew lacks gradle/wrapper/gradle-wrapper.jar' : 'it has no gradlew';
  const name = folder.nameOf(file);
  return {
    file: name,
    why: chosen === null ? 'it is there' : `its plugin ${titles[chosen.kind]}`,
    build: [{ title: `Building (${command})`, command }],
    start: chosen === null ? unclear(folder, found) : startOf(chosen, settings),
    builder:
      own !== null
        ? null
        : { kind: 'program', program: 'gradle', packages: ['gradle'], why: `${name} is built with it: ${lost}` },
    caches: { GRADLE_USER_HOME: 'gradle' },
  };
}

const titles: Readonly<Record<Kind, string>> = {
  boot: 'of Spring Boot',
  quarkus: 'of Quarkus',
  micronaut: 'of Micronaut',
  shadow: 'shadow',
  application: 'application',
};

/** Text of all build files of the build, for what it says of versions. */
export function gradleTexts(folder: SourceFolder): string {
  const settings = plainly(folder.read(folder.firstOf(settingsFiles) ?? '') ?? '');
  return ['.', ...partsOf(settings).map(({ place }) => place)].map((place) => buildText(folder, place)).join('\n');
}

function programsIn(folder: SourceFolder, settings: string): readonly GradleProgram[] {
  const parts = [{ place: '.', path: '' }, ...partsOf(settings)];
  return parts.flatMap(({ place, path }) => {
    const text = buildText(folder, place);
    const kind = kindOf(text);
    return kind === null ? [] : [{ kind, place, path, text }];
  });
}

function kindOf(text: string): Kind | null {
  // What the root only names for its parts is not applied to itself.
  const lines = text.split('\n').filter((line) => !/\bapply\s*\(?\s*false\b/.test(line));
  return (
    kinds.find(([, plugin]) =>
      lines.some((line) => plugin.test(line) && !/^\s*(?:classpath|implementation)\b/.test(line)),
    )?.[0] ?? null
  );
}

/** `include 'app', 'libs:core'` and `include("app")`. */
function partsOf(settings: string): readonly { readonly place: string; readonly path: string }[] {
  const lists = [...settings.matchAll(/^\s*include\b\s*\(?((?:\s*["'][\w.:/-]+["']\s*,?)+)/gm)].map(
    ([, list = '']) => list,
  );
  const names = lists.flatMap((list) => [...list.matchAll(/["']([\w.:/-]+)["']/g)].map(([, name = '']) => name));
  return names
    .map((name) => name.replace(/^:/, ''))
    .map((name) => ({ place: name.replaceAll(':', '/'), path: `:${name}` }))
    .filter(({ place }) => isInside(place));
}

function buildText(folder: SourceFolder, place: string): string {
  const file = folder.firstOf(buildFiles.map((name) => (place === '.' ? name : `${place}/${name}`)));
  return plainly(file === null ? '' : (folder.read(file) ?? ''));
}

/** Without comments: those of a line begin it, or follow a blank (`https://` is none). */
function plainly(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

function taskOf({ kind, path }: GradleProgram): string {
  const name = {
    boot: 'bootJar',
    quarkus: 'quarkusBuild',
    micronaut: 'installDist',
    shadow: 'shadowJar',
    application: 'installDist',
  }[kind];
  return path === '' ? name : `${path}:${name}`;
}

function startOf(program: GradleProgram, settings: string): string {
  const { kind, place } = program;
  const built = place === '.' ? 'build' : `${place}/build`;
  switch (kind) {
    case 'boot':
      return javaCommand([portSettings.spring], `-jar ${jarIn(shellPath(`${built}/libs`))}`);
    case 'shadow':
      return javaCommand([], `-jar ${jarIn(shellPath(`${built}/libs`))}`);
    case 'quarkus':
      return javaCommand([portSettings.quarkus], `-jar ${shellPath(`${built}/quarkus-app/quarkus-run.jar`)}`);
    case 'micronaut':
      return `JAVA_OPTS="${memory} $JAVA_OPTS ${portSettings.micronaut}" ${script(program, { built, settings })}`;
    case 'application':
      return `JAVA_OPTS="${memory} $JAVA_OPTS" ${script(program, { built, settings })}`;
  }
}

/** installDist makes `build/install/NAME/bin/NAME`. The name of a root that has none is that of its folder, which is another in each build. */
function script({ place, text }: GradleProgram, at: { readonly built: string; readonly settings: string }): string {
  const set = /\bapplicationName\s*=\s*["']([\w.-]+)["']/.exec(text)?.[1];
  const root = /\brootProject\.name\s*=\s*["']([\w.-]+)["']/.exec(at.settings)?.[1];
  const name = set ?? (place === '.' ? root : place.split('/').at(-1));
  if (name !== undefined) return shellPath(`${at.built}/install/${name}/bin/${name}`);
  return `"$(find ${shellPath(`${at.built}/install`)} -path '*/bin/*' ! -name '*.bat' | head -n 1)"`;
}

function unclear(folder: SourceFolder, found: readonly GradleProgram[]): Unclear {
  const kind = 'unclear';
  const hint = 'Declare it in a kapal.yaml, with a service for each that runs: buildCommand and startCommand';
  const places = found.map(({ place }) => (place === '.' ? 'the root' : place));
  if (found.length > 1)
    return { kind, missing: `has several projects that can be started: ${places.join(', ')}`, hint };
  if (/["']com\.android\.application["']|libs\.plugins\.android\.application/.test(gradleTexts(folder)))
    return {
      kind,
      missing: 'makes an application for Android',
      hint: 'Name the folder of a server by rootDir in a kapal.yaml.',
    };
  return {
    kind,
    missing:
      'does not say what to start: it has none of the plugins of Spring Boot, Quarkus, Micronaut, shadow and application',
    hint: 'Apply the plugin application with its mainClass, or declare buildCommand and startCommand in a kapal.yaml.',
  };
}
