import { entryOf, type MapValue, type Value } from '../../spec/yaml/value.ts';
import { Notes, type Origin } from '../../spec/draft/note.ts';
import { finishService } from './compose-finish.ts';
import { imageKind } from './compose-images.ts';
import type { ComposeService, Whole } from './compose-shape.ts';
import { serviceTable } from './compose-service.ts';
import { interpolate } from './compose-values.ts';
import { Draft } from '../../spec/draft/draft.ts';
import type { Converted, Importer, ImportInput } from './importer.ts';
import { type FieldTable, originOf, readFields, scalarOf, wrongKind } from '../../spec/draft/reading.ts';
import { readMap } from '../../spec/yaml/map.ts';
import { settle } from '../../spec/draft/settle.ts';
import { writtenOf } from '../../spec/draft/written.ts';

/** Docker Compose. What is built from a folder is built by its language here; known datastores become notes; what is left of an image the reader judges. */
export const compose: Importer = {
  files: ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'],
  evaluates: () => false,
  convert(input: ImportInput): Converted {
    const { file, files } = input;
    const draft = new Draft(new Notes());
    const found = readMap(files.read(file) ?? '', file);
    const whole: Whole = { ...input, draft, services: new Map(), leftOut: new Set(), onceOnly: new Map() };
    for (const name of files.list('.'))
      if (/^(?:docker-)?compose\.override\.ya?ml$/.test(name))
        draft.notes.refuse(
          { file: name, field: '', line: 1, column: 1 },
          'is not read: docker compose config writes both as one, and that text can be imported',
        );
    readFields(found, { table: rootTable, context: whole, notes: draft.notes, file, path: '', tool: 'Compose' });
    for (const service of whole.services.values()) finishService(service, whole);
    return settle({
      written: writtenOf(draft, `Written by kapal import compose from ${file}.`),
      notes: draft.notes,
      files: input.deployed,
      file,
    });
  },
};

const rootTable: FieldTable<Whole> = {
  version: { warn: 'Compose itself reads past it' },
  name: (value, origin, { draft }) => {
    const name = scalarOf(value);
    if (name === null) wrongKind(draft.notes, origin, { expected: 'text', value });
    else draft.named(interpolate(name).text, origin);
  },
  services: (value, origin, whole) => readServices(value, origin, whole),
  networks: {
    warn: 'services reach each other by fromService, and nobody else reaches a pserv or a worker: no networks are declared',
  },
  volumes: { warn: 'a volume is declared at the service that has it' },
  secrets: {
    refuse: 'Kapal has no files of secrets: declare a variable with sync: false, and set it with kapal env set',
  },
  configs: { refuse: 'Kapal mounts no files of configuration: put them into the source, or into variables' },
  include: { refuse: 'other files are not read: docker compose config writes them out, and that text can be imported' },
};

function readServices(value: Value, origin: Origin, whole: Whole): void {
  if (value.kind !== 'map') return wrongKind(whole.draft.notes, origin, { expected: 'a mapping of services', value });
  findOnceOnly(value, whole);
  for (const entry of value.entries) {
    const at = originOf(entry, { file: whole.file, path: 'services' });
    if (entry.value.kind !== 'map') wrongKind(whole.draft.notes, at, { expected: 'a mapping', value: entry.value });
    else readService(entry.value, { name: entry.key, origin: at, whole });
  }
}

/** Whoever is waited for until it has ended well prepares the one that waits. */
function findOnceOnly(services: MapValue, { onceOnly }: Whole): void {
  for (const { key: owner, value } of services.entries) {
    const waits = value.kind === 'map' ? entryOf(value, 'depends_on')?.value : undefined;
    if (waits?.kind !== 'map') continue;
    for (const { key, value: how } of waits.entries) {
      const condition = how.kind === 'map' ? entryOf(how, 'condition')?.value : undefined;
      if (condition !== undefined && scalarOf(condition) === 'service_completed_successfully') onceOnly.set(key, owner);
    }
  }
}

function readService(
  map: MapValue,
  input: { readonly name: string; readonly origin: Origin; readonly whole: Whole },
): void {
  const { name, origin, whole } = input;
  const { notes } = whole.draft;
  const built = entryOf(map, 'build') !== undefined;
  const entry = built ? undefined : entryOf(map, 'image');
  const written = entry === undefined ? null : scalarOf(entry.value);
  const image =
    entry === undefined || written === null
      ? null
      : { name: interpolate(written).text, origin: originOf(entry, { file: whole.file, path: `services.${name}` }) };
  const kind = image === null ? null : imageKind(image.name);
  if (kind?.kind === 'datastore') {
    whole.leftOut.add(name);
    return notes.refuse(
      origin,
      `${kind.what} is left out: run it beside Kapal, or take a managed one, and give its address to the services as a variable with sync: false`,
    );
  }
  if (entryOf(map, 'profiles') !== undefined) {
    whole.leftOut.add(name);
    return notes.refuse(origin, 'has profiles, so that Compose does not start it by itself: it is left out');
  }
  const service: ComposeService = {
    name,
    origin,
    map,
    kind,
    image,
    fields: [],
    variables: [],
    command: {},
    reach: null,
    mounts: [],
  };
  readFields(map, {
    table: serviceTable,
    context: { service, whole },
    notes,
    file: whole.file,
    path: `services.${name}`,
    tool: 'a service of Compose',
  });
  whole.services.set(name, service);
}
