import type { ProgramVersion } from '../../../model/build-recipe.ts';
import type { SourceFolder } from '../source-folder.ts';
import { gradleTexts } from './gradle.ts';
import { filled, inner, type Pom, readPom } from './pom.ts';

/** Java that a build asks for. `exact`: Gradle looks for that very one. */
interface Asked {
  readonly release: number;
  readonly exact: boolean;
  readonly said: string;
}

/** The newest Java that releases of Gradle run on (https://docs.gradle.org/current/userguide/compatibility.html), by the first that does: `8005` is 8.5. */
const newest: readonly (readonly [gradle: number, java: number])[] = [
  [9001, 25],
  [8014, 24],
  [8010, 23],
  [8008, 22],
  [8005, 21],
  [8003, 20],
  [7006, 19],
  [7005, 18],
  [7003, 17],
  [7000, 16],
  [6007, 15],
  [6003, 14],
  [6000, 13],
  [5004, 12],
  [5000, 11],
  [0, 10],
];

/** Which Java builds and runs it: by Heroku's system.properties, else by the build file, and by what its Gradle runs on. */
export function askedJava(folder: SourceFolder): ProgramVersion {
  const asked = ofProperties(folder) ?? ofMaven(folder) ?? ofGradle(folder);
  const limit = folder.has('pom.xml') ? null : gradleLimit(folder);
  const low = asked === null ? '>=1.8.0' : asked.exact ? `${asked.release}` : `>=${versionOf(asked.release)}`;
  const isBounded = limit !== null && asked?.exact !== true;
  const from = `${asked?.release ?? 8}${asked?.exact === true ? '' : isBounded ? ` to ${limit.java}` : ' or later'}`;
  const said = [asked?.said, isBounded ? limit.said : undefined].filter((one) => one !== undefined).join(' and ');
  return {
    args: ['-version'],
    range: isBounded ? `${low} <${limit.java + 1}` : low,
    said: said === '' ? from : `${from} (${said})`,
    also: [],
  };
}

/** Java 8 calls itself 1.8. */
function versionOf(release: number): string {
  return release < 9 ? `1.${release}.0` : String(release);
}

function ofProperties(folder: SourceFolder): Asked | null {
  const text = /^\s*java\.runtime\.version\s*=\s*([\d.]+)/m.exec(folder.read('system.properties') ?? '')?.[1];
  return told(text, `java.runtime.version of ${folder.nameOf('system.properties')}`);
}

/** Of the pom, else of its modules: what is said nearest to the compiler first. */
function ofMaven(folder: SourceFolder): Asked | null {
  const pom = readPom(folder);
  if (pom === null) return null;
  const own = ofPom(pom);
  if (own !== null) return own;
  const below = pom.modules.map((name) => readPom(folder.below(name))).flatMap((one) => ofPom(one) ?? []);
  return below.toSorted((one, other) => other.release - one.release)[0] ?? null;
}

function ofPom(pom: Pom | null): Asked | null {
  if (pom === null) return null;
  const { properties, plugins, parent, file } = pom;
  for (const name of ['maven.compiler.release', 'java.version', 'maven.compiler.target', 'maven.compiler.source']) {
    const asked = told(filled(properties.get(name) ?? '', properties), `${name} of ${file}`);
    if (asked !== null) return asked;
  }
  const compiler = plugins.get('maven-compiler-plugin') ?? '';
  for (const name of ['release', 'target', 'source']) {
    const asked = told(filled(inner(compiler, name) ?? '', properties), `${name} of maven-compiler-plugin in ${file}`);
    if (asked !== null) return asked;
  }
  const isBoot = parent?.artifact === 'spring-boot-starter-parent' && /^[3-9]\./.test(parent.version);
  return isBoot ? told('17', `Spring Boot ${parent.version} of ${file}`) : null;
}

function ofGradle(folder: SourceFolder): Asked | null {
  const text = gradleTexts(folder);
  const chain = /\b(?:JavaLanguageVersion\.of|jvmToolchain)\s*\(\s*["']?(\d+)/.exec(text)?.[1];
  if (chain !== undefined) return { release: Number(chain), exact: true, said: 'the toolchain of its Gradle build' };
  const written =
    /\boptions\.release(?:\.set\(|\s*=)\s*(\d+)/.exec(text)?.[1] ??
    /\b(?:source|target)Compatibility\s*(?:=|\(|\s)\s*(?:JavaVersion\.)?(?:VERSION_)?["']?([\d._]+)/.exec(text)?.[1];
  return told(written?.replace('_', '.'), 'sourceCompatibility of its Gradle build');
}

/** `17`, `17.0.2`, `1.8`. */
function told(text: string | null | undefined, said: string): Asked | null {
  const [, old, release] = /^(?:1\.(\d)|(\d+))(?:\.|$)/.exec(text?.trim() ?? '') ?? [];
  const number = Number(old ?? release);
  return Number.isInteger(number) && number > 0 ? { release: number, exact: false, said } : null;
}

/** What the Gradle of its wrapper runs on, at most. */
function gradleLimit(folder: SourceFolder): { readonly java: number; readonly said: string } | null {
  const file = 'gradle/wrapper/gradle-wrapper.properties';
  const match = /gradle-(\d+)\.(\d+)(?:\.\d+)?-/.exec(folder.read(file) ?? '');
  if (match === null) return null;
  const [, major = '', minor = ''] = match;
  const rank = Number(major) * 1000 + Number(minor);
  const java = newest.find(([gradle]) => rank >= gradle)?.[1];
  return java === undefined ? null : { java, said: `Gradle ${major}.${minor} of ${folder.nameOf(file)}` };
}
