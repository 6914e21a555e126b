import { honoured, ignored, own, refused, type Shape } from './shape.ts';
import { object } from './object.ts';
import { textOf } from './expectation.ts';
import { choice, list, text } from './shapes.ts';
import { type FoundService, laterTypes, serviceFields } from './service.ts';
import { groupFields } from './variables.ts';
import { entryOf } from '../yaml/value.ts';

const databases =
  'managed databases are not supported by this version of Kapal: run PostgreSQL yourself, and give its address to the services as a variable with sync: false';
const previews = 'this version makes no preview environments.';
const sources = 'shared build sources are not supported by this version of Kapal: declare the build in each service';

/** One entry of `services`. Of a refused type only the name is known, so that references to it are not refused a second time. */
export type ServiceEntry =
  | { readonly kind: 'declared'; readonly found: FoundService }
  | { readonly kind: 'refused'; readonly name: string | null };

const declared = object('services', serviceFields);

const service: Shape<ServiceEntry> = {
  is: declared.is,
  read(value, at) {
    const type = value.kind === 'map' ? entryOf(value, 'type') : undefined;
    const word = type === undefined ? null : textOf(type.value);
    if (value.kind === 'map' && type !== undefined && word !== null && Object.hasOwn(laterTypes, word)) {
      at.report.refuse({ ...type.value.at, path: `${at.path}.type` }, `${word}: ${laterTypes[word]}`);
      const name = entryOf(value, 'name')?.value;
      return { kind: 'refused', name: name === undefined ? null : textOf(name) };
    }
    const found = declared.read(value, at);
    return found === undefined ? undefined : { kind: 'declared', found };
  },
};

const groups = list(object('envVarGroups', groupFields));

export const ungroupedFields = {
  services: honoured(list(service), 'The same as `services` at the top.'),
  envVarGroups: honoured(groups, 'The same as `envVarGroups` at the top.'),
  databases: refused(databases),
  buildSources: refused(sources),
} as const;

export const rootFields = {
  project: own(text, 'The name of the project. `--project` wins over it.', {
    fallback: 'the name of the folder or repository',
  }),
  services: honoured(list(service), 'What runs.'),
  envVarGroups: honoured(groups, 'Environment groups: variables that several services take by `fromGroup`.'),
  version: honoured(choice(['1']), 'The version of the Blueprint.'),
  ungrouped: honoured(object('ungrouped', ungroupedFields), "Render's list of what stands in no environment."),
  previews: ignored(previews),
  previewsEnabled: ignored(previews),
  previewsExpireAfterDays: ignored(previews),
  databases: refused(databases),
  projects: refused(
    'projects and environments inside the file are not supported by this version of Kapal: write the services at the top, and choose the environment with kapal deploy -e',
  ),
  buildSources: refused(sources),
} as const;

export const root = object('root', rootFields, { extensions: true });
