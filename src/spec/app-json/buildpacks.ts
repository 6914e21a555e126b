import type { Origin } from '../draft/note.ts';
import { originAt, scalarOf, wrongKind } from '../draft/reading.ts';
import { languagesOf } from '../language/choose.ts';
import type { SourceFolder } from '../language/source-folder.ts';
import { shown } from '../report.ts';
import type { Runtime } from '../spec.ts';
import { entryOf, type MapValue, type Value } from '../yaml/value.ts';
import { type App, asList, textAt } from './app.ts';

/** The languages of the usual buildpacks, by the last word of their names: `heroku/nodejs`, `https://github.com/heroku/heroku-buildpack-python`. */
const languages: Readonly<Record<string, Runtime>> = {
  nodejs: 'node',
  python: 'python',
  ruby: 'ruby',
  php: 'php',
  go: 'go',
  java: 'java',
  gradle: 'java',
  rust: 'rust',
};

/** The language that an app.json asks for: that of its last buildpack, as on Heroku, which is one of the files too. Null where none is. */
export function askedLanguage(manifest: MapValue, folder: SourceFolder): Runtime | null {
  const there = languagesIn(folder);
  const value = entryOf(manifest, 'buildpacks')?.value;
  const named = value?.kind === 'list' ? value.items.map((item) => languageOf(nameOf(item) ?? '')) : [];
  return named.findLast((runtime) => runtime !== null && there.has(runtime)) ?? null;
}

/** The one that decides is carried; those of other languages that are there make pages, or nothing; what is no language's is not used. */
export function readBuildpacks(value: Value, origin: Origin, app: App): void {
  const { notes } = app.draft;
  const items = asList(value, origin, { notes, of: 'buildpacks' }) ?? [];
  const there = languagesIn(app.folder);
  const found = items.map((item, index) => {
    const at = originAt(item, { file: app.file, field: `buildpacks[${index}]` });
    notes.handle(at);
    const name = nameOf(item);
    if (name === null) wrongKind(notes, at, { expected: 'the name of a buildpack', value: item });
    return { at, name, runtime: languageOf(name ?? '') };
  });
  const chosen = found.findLast(({ runtime }) => runtime !== null && there.has(runtime));
  for (const one of found) {
    if (one.name === null || one === chosen) continue;
    const { at, name, runtime } = one;
    if (runtime === null) notes.warn(at, `${shown(name)} is not used: a step that it did belongs in buildCommand`);
    else if (!there.has(runtime)) notes.warn(at, `${shown(name)} is not used: no file here is of its language`);
    else if (runtime !== chosen?.runtime && runtime !== 'node')
      notes.warn(at, `${shown(name)} is not used: one language builds a service, and the last one named does`);
  }
  if (chosen === undefined || chosen.runtime === null) return;
  for (const service of app.draft.services)
    if (service.type !== 'static' && service.get('runtime') !== chosen.runtime)
      service.set('runtime', chosen.runtime, chosen.at);
}

function languagesIn(folder: SourceFolder): ReadonlySet<Runtime> {
  return new Set(languagesOf(folder).map(({ language }) => language.runtime));
}

function nameOf(item: Value): string | null {
  return item.kind === 'map' ? textAt(item, 'url') : scalarOf(item);
}

function languageOf(name: string): Runtime | null {
  const word = /(?:^|[/:-])([a-z]+)(?:\.git|\.tgz)?(?:#.*)?$/.exec(name.toLowerCase())?.[1] ?? '';
  return Object.hasOwn(languages, word) ? (languages[word] ?? null) : null;
}
