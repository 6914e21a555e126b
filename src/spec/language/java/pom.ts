import { KapalError } from '../../../model/errors.ts';
import type { SourceFolder } from '../source-folder.ts';

/** What Kapal needs of a pom.xml (https://maven.apache.org/pom.html); of profiles nothing. */
export interface Pom {
  /** From the top of the source. */
  readonly file: string;
  readonly artifact: string;
  /** What Maven calls the file that it makes, without its extension; null where a property decides that stands elsewhere. */
  readonly jarName: string | null;
  readonly packaging: string;
  readonly modules: readonly string[];
  readonly parent: { readonly artifact: string; readonly version: string } | null;
  readonly properties: ReadonlyMap<string, string>;
  /** Text of each plugin of the build, by its artifactId; not those that are managed only. */
  readonly plugins: ReadonlyMap<string, string>;
  readonly hasDependencies: boolean;
}

/** Null without a pom.xml. Throws `declaration_invalid` for a file that is none. */
export function readPom(folder: SourceFolder): Pom | null {
  const text = folder.read('pom.xml')?.replace(/<!--[\s\S]*?-->/g, '') ?? null;
  if (text === null) return null;
  const file = folder.nameOf('pom.xml');
  const project = /<project[\s>][\s\S]*<\/project>/.exec(text)?.[0];
  if (project === undefined)
    throw new KapalError(
      'declaration_invalid',
      `${file}:1:1: is no project of Maven: the element <project> is not whole`,
    );
  const body = without(project, ['profiles', 'reporting', 'dependencyManagement']);
  const head = without(body, ['parent', 'dependencies', 'build', 'properties', 'distributionManagement']);
  const build = without(inner(body, 'build') ?? '', ['pluginManagement']);
  const parent = inner(body, 'parent');
  const properties = propertiesOf(inner(body, 'properties') ?? '');
  const artifact = inner(head, 'artifactId') ?? 'app';
  const version = inner(head, 'version') ?? inner(parent ?? '', 'version') ?? '';
  const known = new Map([
    ...properties,
    ...['project.artifactId', 'artifactId', 'pom.artifactId'].map((name) => [name, artifact] as const),
    ...['project.version', 'version', 'pom.version'].map((name) => [name, version] as const),
  ]);
  const finalName = inner(without(build, ['plugins']), 'finalName') ?? '${project.artifactId}-${project.version}';
  return {
    file,
    artifact,
    jarName: filled(finalName, known),
    packaging: inner(head, 'packaging') ?? 'jar',
    // Names of folders that a shell takes as one word each: all that people have.
    modules: [...(inner(head, 'modules') ?? '').matchAll(/<module>\s*([\w./-]+)\s*<\/module>/g)].map(
      ([, one = '']) => one,
    ),
    parent:
      parent === null ? null : { artifact: inner(parent, 'artifactId') ?? '', version: inner(parent, 'version') ?? '' },
    properties: known,
    plugins: pluginsOf(build),
    hasDependencies: hasRuntimeDependency(inner(body, 'dependencies') ?? ''),
  };
}

/** A text of the pom with its properties in place; null where one is not known here. */
export function filled(text: string, properties: ReadonlyMap<string, string>): string | null {
  let result = text;
  for (let depth = 0; depth < 5 && result.includes('${'); depth += 1)
    result = result.replace(/\$\{([^}]+)\}/g, (whole, name: string) => properties.get(name.trim()) ?? whole);
  return result.includes('${') || result.trim() === '' ? null : result.trim();
}

/** The first element of that name: its text. */
export function inner(text: string, name: string): string | null {
  return new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`).exec(text)?.[1]?.trim() ?? null;
}

function without(text: string, names: readonly string[]): string {
  return names.reduce(
    (rest, name) => rest.replace(new RegExp(`<${name}(?:\\s[^>]*)?>[\\s\\S]*?</${name}>`, 'g'), ''),
    text,
  );
}

function propertiesOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    [...text.matchAll(/<([\w.-]+)>\s*([^<]*?)\s*<\/\1>/g)].map(([, name = '', value = '']) => [name, value]),
  );
}

function pluginsOf(build: string): ReadonlyMap<string, string> {
  const texts = [...build.matchAll(/<plugin>([\s\S]*?)<\/plugin>/g)].map(([, text = '']) => text);
  // A plugin's own dependencies have an artifactId too.
  return new Map(
    texts.map((text) => [inner(without(text, ['dependencies', 'configuration']), 'artifactId') ?? '', text]),
  );
}

function hasRuntimeDependency(text: string): boolean {
  const all = [...text.matchAll(/<dependency>([\s\S]*?)<\/dependency>/g)].map(([, one = '']) => one);
  return all.some((one) => !['test', 'provided', 'system'].includes(inner(one, 'scope') ?? 'compile'));
}
