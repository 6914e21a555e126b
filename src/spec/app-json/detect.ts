import { isMap, isSeq } from 'yaml';
import type { ServiceDraft } from '../draft/draft.ts';
import { draftOf } from '../draft/of-spec.ts';
import { Notes } from '../draft/note.ts';
import { settle } from '../draft/settle.ts';
import { type Written, writtenOf } from '../draft/written.ts';
import { KapalError } from '../../model/errors.ts';
import type { DeclarationFiles } from '../files.ts';
import { detect } from '../language/detect.ts';
import type { Detected } from '../language/language.ts';
import { SourceFolder } from '../language/source-folder.ts';
import type { GroupSpec, Told, Warning } from '../spec.ts';
import { jsonFaultAt } from '../yaml/parse.ts';
import { readMap } from '../yaml/map.ts';
import type { MapValue } from '../yaml/value.ts';
import { textAt } from './app.ts';
import { askedLanguage } from './buildpacks.ts';
import { isAppJson, mayBeAppJson, readAppJson } from './fields.ts';

const file = 'app.json';

/** Heroku's app.json at the top of a source; null where there is none, or another program's. Throws `declaration_invalid` for one that is damaged. */
export function appJsonOf(files: DeclarationFiles): MapValue | null {
  const text = files.list('.').includes(file) ? files.read(file) : null;
  if (text === null || !mayBeAppJson(text)) return null;
  if (!isJson(text)) {
    const { line, column } = jsonFaultAt(text);
    throw new KapalError('declaration_invalid', `${file}:${line}:${column}: is not valid JSON`);
  }
  const manifest = readMap(text, file);
  return isAppJson(manifest) ? manifest : null;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text.replace(/^\uFEFF/, ''));
    return true;
  } catch {
    return false;
  }
}

/** What it calls the app, as people write it. */
export function appName(manifest: MapValue): string | null {
  return textAt(manifest, 'name');
}

export interface DetectedApp extends Omit<Detected, 'processes'> {
  readonly groups: readonly GroupSpec[];
  readonly warnings: readonly Warning[];
}

/**
 * What the files tell, and app.json over it. It is written down as a kapal.yaml would say it and read as one, so that nothing here knows what a field
 * takes. What is not honoured is warned about where it stands. Throws as `detect` does, and `declaration_invalid` where nothing is left.
 */
export function detectApp(
  manifest: MapValue,
  { files, project }: { readonly files: DeclarationFiles; readonly project: string },
): DetectedApp {
  const folder = new SourceFolder(files);
  const { origin, ...detected } = detect(files, { project, prefers: askedLanguage(manifest, folder) });
  const notes = new Notes();
  const draft = draftOf({ ...detected, origin, groups: [] }, notes);
  const byName = new Map(draft.services.map((service) => [service.name, service]));
  const processes = new Map<string, ServiceDraft>();
  for (const [process, name] of detected.processes) {
    const service = byName.get(name);
    if (service !== undefined) processes.set(process, service);
  }
  // Shared from the beginning: a further process takes no variable away from the first, whose generated secrets stay what they are.
  readAppJson(manifest, { draft, file, processes, folder, variables: new Map() }, { share: true });
  const written = writtenOf(draft, 'as detected');
  const { declared } = settle({ written, notes, files, file });
  return {
    services: declared.services,
    groups: declared.groups,
    origin,
    told: toldIn(written, detected.told),
    warnings: notes.losses().map(({ field, message, ...place }) => ({
      file: place.file,
      line: place.line,
      column: place.column,
      message: field === '' ? message : `${field}: ${message}`,
    })),
  };
}

/** Which file told each part that is still there. */
function toldIn(written: Written, before: readonly Told[]): readonly Told[] {
  const { document } = written;
  const services = document.get('services');
  const groups = document.get('envVarGroups');
  const known = new Map(before.map((one) => [`${one.service} ${one.field}`, one]));
  const told = (part: unknown, about: { service: string | null; field: string }): Told[] => {
    const origin = written.originOf(part);
    if (origin === undefined) return [];
    const same = known.get(`${about.service} ${about.field}`);
    if (same !== undefined && same.file === origin.file && same.why === origin.field) return [same];
    // What nobody told stands for the whole source.
    return origin.field === '' ? [] : [{ ...about, file: origin.file, line: origin.line, why: origin.field }];
  };
  const variables = (holder: unknown, service: string | null): Told[] => {
    const list: unknown = isMap(holder) ? holder.get('envVars') : undefined;
    return isSeq(list)
      ? list.items.flatMap((item) =>
          isMap(item) ? told(item, { service, field: `envVars.${String(item.get('key'))}` }) : [],
        )
      : [];
  };
  const ofService = (service: unknown): Told[] => {
    if (!isMap(service)) return [];
    const name = String(service.get('name'));
    const fields = service.items.flatMap((pair) => told(pair, { service: name, field: String(pair.key) }));
    return [...fields.filter(({ field }) => field !== 'type' && field !== 'name'), ...variables(service, name)];
  };
  return [
    ...(isSeq(services) ? services.items.flatMap(ofService) : []),
    ...(isSeq(groups) ? groups.items.flatMap((group) => variables(group, null)) : []),
  ];
}
