import type { Unclear } from '../language.ts';
import { shellPath } from '../../../model/shell.ts';
import { isInside, type SourceFolder } from '../source-folder.ts';
import { mainClass } from './classes.ts';
import { filled, inner, type Pom, readPom } from './pom.ts';
import { javaCommand, type JavaProject, jarIn, portSettings, wrapper } from './project.ts';

/** What of a Maven build can be started. */
interface MavenProgram {
  readonly module: string;
  readonly start: string;
  readonly why: string;
  /** Goals after `package`. */
  readonly goals: readonly string[];
}

/** Null without a pom.xml. */
export function readMaven(folder: SourceFolder): JavaProject | null {
  const pom = readPom(folder);
  if (pom === null) return null;
  const found = programsOf(folder, pom);
  const [program, ...others] = found;
  const chosen = program === undefined || others.length > 0 ? null : program;
  const own = wrapper(folder, 'mvnw', ['.mvn/wrapper/maven-wrapper.properties']);
  const module = chosen === null || chosen.module === '.' ? [] : [`-pl ${shellPath(chosen.module)} -am`];
  const words = [own ?? 'mvn', '-B -DskipTests', ...module, ['package', ...(chosen?.goals ?? [])].join(' ')];
  const command = words.join(' ');
  return {
    file: pom.file,
    why: chosen?.why ?? 'it is there',
    build: [
      {
        title: `Building (${command})`,
        command: command.replace(' -B ', ' -B -Dmaven.repo.local="$MAVEN_USER_HOME/repository" '),
      },
    ],
    start: chosen?.start ?? unclear(pom, found),
    builder:
      own !== null
        ? null
        : {
            kind: 'program',
            program: 'mvn',
            packages: ['maven'],
            why: `${pom.file} is built with it, and has no mvnw`,
          },
    caches: { MAVEN_USER_HOME: 'maven' },
  };
}

/** Of the pom itself, else of the modules that it lists, and of theirs. */
function programsOf(folder: SourceFolder, pom: Pom, module = '.'): readonly MavenProgram[] {
  if (pom.packaging !== 'pom') {
    const program = programOf(folder, pom, module);
    return program === null ? [] : [program];
  }
  return pom.modules.filter(isInside).flatMap((name) => {
    const below = folder.below(name);
    const inside = readPom(below);
    return inside === null ? [] : programsOf(below, inside, module === '.' ? name : `${module}/${name}`);
  });
}

function programOf(folder: SourceFolder, pom: Pom, module: string): MavenProgram | null {
  const target = module === '.' ? 'target' : `${module}/target`;
  const jar = (name: string | null) => `-jar ${name === null ? jarIn(target) : shellPath(`${target}/${name}.jar`)}`;
  const made = { module, goals: [] };
  const { plugins, jarName, packaging } = pom;
  if (plugins.has('quarkus-maven-plugin'))
    return {
      ...made,
      why: 'its plugin of Quarkus',
      start: javaCommand([portSettings.quarkus], quarkusJar(pom, target)),
    };
  const boot = plugins.get('spring-boot-maven-plugin');
  if (boot !== undefined) {
    const classifier = inner(boot, 'classifier');
    const name = jarName === null ? null : classifier === null ? jarName : `${jarName}-${classifier}`;
    // Spring Boot's war starts by itself too.
    const start = packaging === 'war' ? `-jar ${shellPath(`${target}/${name ?? pom.artifact}.war`)}` : jar(name);
    return { ...made, why: 'its plugin of Spring Boot', start: javaCommand([portSettings.spring], start) };
  }
  if (packaging === 'war') return null;
  if (plugins.has('micronaut-maven-plugin') || pom.parent?.artifact === 'micronaut-parent')
    return { ...made, why: 'its plugin of Micronaut', start: javaCommand([portSettings.micronaut], jar(jarName)) };
  const whole = wholeJar(pom);
  if (whole !== null) return { ...made, why: whole.why, start: javaCommand([], jar(whole.name)) };
  return byClass(folder, pom, { module, target });
}

/** A jar with all that it needs in it, by the plugins that make one. */
function wholeJar({ plugins, jarName, properties, hasDependencies }: Pom): { name: string | null; why: string } | null {
  const shade = plugins.get('maven-shade-plugin');
  if (shade?.includes('mainClass') === true || shade?.includes('Main-Class') === true) {
    const finalName = inner(shade, 'finalName');
    const suffix = /<shadedArtifactAttached>\s*true/.test(shade)
      ? `-${inner(shade, 'shadedClassifierName') ?? 'shaded'}`
      : '';
    const name = finalName === null ? jarName : filled(finalName, properties);
    return { name: name === null ? null : `${name}${suffix}`, why: 'its jar of maven-shade-plugin' };
  }
  const assembly = plugins.get('maven-assembly-plugin');
  if (assembly?.includes('mainClass') === true) {
    const named = filled(inner(assembly, 'finalName') ?? jarName ?? '', properties);
    const suffix = /<appendAssemblyId>\s*false/.test(assembly)
      ? ''
      : `-${inner(assembly, 'descriptorRef') ?? 'jar-with-dependencies'}`;
    return { name: named === null ? null : `${named}${suffix}`, why: 'its jar of maven-assembly-plugin' };
  }
  const jar = plugins.get('maven-jar-plugin');
  if (jar?.includes('mainClass') !== true || (hasDependencies && !jar.includes('addClasspath'))) return null;
  return { name: jarName, why: 'its jar with a main class' };
}

/** Classes as they were compiled, and what they depend on beside them: by a class that the pom names, else by the only one with a `main`. */
function byClass(
  folder: SourceFolder,
  pom: Pom,
  { module, target }: { readonly module: string; readonly target: string },
): MavenProgram | null {
  const texts = ['exec-maven-plugin', 'maven-jar-plugin'].map((name) =>
    inner(pom.plugins.get(name) ?? '', 'mainClass'),
  );
  const properties = ['exec.mainClass', 'mainClass', 'main.class', 'start-class'].map((name) =>
    pom.properties.get(name),
  );
  const written = [...texts, ...properties].find((text) => typeof text === 'string') ?? null;
  const named = written === null ? null : filled(written, pom.properties);
  const main = named !== null && /^[\w.$]+$/.test(named) ? named : mainClass(folder, 'src/main/java');
  if (main === null) return null;
  const path = pom.hasDependencies ? `'${target}/classes:${target}/dependency/*'` : `${target}/classes`;
  return {
    module,
    why: `its class ${main}`,
    start: javaCommand([], `-cp ${path} ${main.includes('$') ? `'${main}'` : main}`),
    goals: pom.hasDependencies ? ['dependency:copy-dependencies -DincludeScope=runtime'] : [],
  };
}

/** A folder of jars since Quarkus 1.12, one jar before it and where the pom asks for it (https://quarkus.io/guides/maven-tooling). */
function quarkusJar({ properties }: Pom, target: string): string {
  const type = properties.get('quarkus.package.type') ?? properties.get('quarkus.package.jar.type');
  const version = ['quarkus.platform.version', 'quarkus.version', 'quarkus-plugin.version']
    .map((name) => properties.get(name))
    .find((text) => text !== undefined);
  const [, major = '3', minor = '0'] = /^(\d+)\.(\d+)/.exec(version ?? '') ?? [];
  const isOld = Number(major) === 0 || (Number(major) === 1 && Number(minor) < 12);
  if (type === 'uber-jar' || (isOld && type !== 'fast-jar'))
    return `-jar "$(find ${target} -maxdepth 1 -name '*-runner.jar' | head -n 1)"`;
  return `-jar ${target}/quarkus-app/quarkus-run.jar`;
}

function unclear(pom: Pom, found: readonly MavenProgram[]): Unclear {
  const kind = 'unclear';
  const hint =
    'Declare it in a kapal.yaml, with a service for each that runs: startCommand: java $JAVA_OPTS -jar target/NAME.jar';
  if (found.length > 1)
    return {
      kind,
      missing: `has several modules that can be started: ${found.map(({ module }) => module).join(', ')}`,
      hint,
    };
  if (pom.packaging === 'war')
    return {
      kind,
      missing: 'makes a war for an application server, which Kapal does not run',
      hint: 'Make a jar that serves by itself (Spring Boot, embedded Jetty or Tomcat).',
    };
  return {
    kind,
    missing:
      'does not say what to start: it has no plugin of Spring Boot, Quarkus or Micronaut, no main class, and not one class alone with a main method',
    hint,
  };
}
