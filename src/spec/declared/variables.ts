import { isVariableName } from '../../model/names.ts';
import type { ServiceType } from '../../model/service.ts';
import { slug } from '../../model/names.ts';
import { plainly, type Place, type Report } from '../report.ts';
import type { ServiceProperty, VariableSpec, VariableValue } from '../spec.ts';
import type { Found } from '../table/shape.ts';
import type { variableFields } from '../table/variables.ts';

type Entry = Found<typeof variableFields>;

/** A name that must lead to something in the same file; checked when all of it is read. */
export type Reference =
  | { readonly kind: 'group'; readonly name: string; readonly place: Place }
  | {
      readonly kind: 'service';
      readonly name: string;
      readonly place: Place;
      readonly type: ServiceType | null;
      readonly property: ServiceProperty | null;
      readonly key: string | null;
    };

export interface Variables {
  readonly groups: readonly string[];
  readonly variables: readonly VariableSpec[];
  readonly references: readonly Reference[];
}

/** What Kapal gives to every instance; a declared value of that name never arrives. */
const given = ['PORT', 'HOST', 'KAPAL_SERVICE', 'KAPAL_RELEASE', 'KAPAL_INSTANCE'];

/** Variables of a service, or of a group (`owner` null), which holds plain values only. */
export function readVariables(entries: readonly Entry[], owner: ServiceType | null, report: Report): Variables {
  const groups: string[] = [];
  const variables = new Map<string, VariableSpec>();
  const references: Reference[] = [];
  for (const entry of entries) {
    if (entry.fields.fromGroup !== undefined) {
      const { value: name, place } = entry.fields.fromGroup;
      takeGroup(entry, { name, place, owner, report, groups });
      references.push({ kind: 'group', name, place });
      continue;
    }
    const key = readKey(entry, variables, report);
    const value = readValue(entry, { owner, report, references });
    if (key === null) continue;
    warnGiven(key, { entry, owner, report });
    if (value !== null) variables.set(key, { key, value });
  }
  return { groups, variables: [...variables.values()], references };
}

function takeGroup(
  entry: Entry,
  input: { name: string; place: Place; owner: ServiceType | null; report: Report; groups: string[] },
): void {
  const { name, place, owner, report, groups } = input;
  if (owner === null) report.refuse(place, 'a group takes nothing from another group');
  if (Object.keys(entry.fields).length > 1)
    report.refuse(place, 'stands alone in its entry: it takes all variables of the group');
  if (groups.includes(name)) report.warn(place, `${plainly(name)} is taken twice`);
  else groups.push(name);
}

function readKey(entry: Entry, known: ReadonlyMap<string, unknown>, report: Report): string | null {
  const { key } = entry.fields;
  if (key === undefined) {
    if (!report.refusedBelow(`${entry.place.path}.key`))
      report.refuse({ ...entry.place, path: `${entry.place.path}.key` }, 'is missing');
    return null;
  }
  if (!isVariableName(key.value))
    report.refuse(
      key.place,
      `expected a name of letters, digits and _, which begins with no digit, found ${plainly(key.value)}`,
    );
  else if (known.has(key.value)) report.refuse(key.place, `${key.value} stands in this list twice`);
  else return key.value;
  return null;
}

function warnGiven(key: string, input: { entry: Entry; owner: ServiceType | null; report: Report }): void {
  const { entry, owner, report } = input;
  if (!given.includes(key) || (owner !== null && !key.startsWith('KAPAL_') && owner !== 'web' && owner !== 'pserv'))
    return;
  report.warn(
    entry.fields.key?.place ?? entry.place,
    `Kapal sets ${key} itself: an instance gets its own value, and this one only the build`,
  );
}

interface ValueInput {
  readonly owner: ServiceType | null;
  readonly report: Report;
  readonly references: Reference[];
}

function readValue(entry: Entry, input: ValueInput): VariableValue | null {
  const { report } = input;
  const { value, generateValue, sync, fromService } = entry.fields;
  const generated = generateValue?.value === true ? generateValue : undefined;
  const prompted = sync?.value === false ? sync : undefined;
  const said = [value, generated, prompted, fromService].filter((one) => one !== undefined);
  if (said.length > 1) {
    report.refuse(
      entry.place,
      `has ${said.length} sources of its value (${said.map((one) => lastName(one.place)).join(', ')}): keep one`,
    );
    return null;
  }
  if (value !== undefined) return { kind: 'literal', text: value.value };
  if (generated !== undefined) return { kind: 'generated' };
  if (prompted !== undefined) return { kind: 'prompt' };
  if (fromService !== undefined) return readReference(fromService.value, { ...input, place: fromService.place });
  if (!report.refusedBelow(entry.place.path))
    report.refuse(entry.place, 'has no value: write value, generateValue: true, sync: false or fromService');
  return null;
}

type ServiceEntry = NonNullable<Entry['fields']['fromService']>['value'];

function readReference(found: ServiceEntry, input: ValueInput & { place: Place }): VariableValue | null {
  const { place, report, references, owner } = input;
  const { name, type, property, envVarKey } = found.fields;
  if (owner === null) report.refuse(place, 'a group holds plain values: write this in the service');
  if (name === undefined) return null;
  if ((property === undefined) === (envVarKey === undefined)) {
    if (property !== undefined || !report.refusedBelow(place.path))
      report.refuse(place, 'takes one of property and envVarKey');
    return null;
  }
  const service = slug(name.value) ?? name.value;
  references.push({
    kind: 'service',
    name: name.value,
    place: name.place,
    type: type?.value ?? null,
    property: property?.value ?? null,
    key: envVarKey?.value ?? null,
  });
  if (property !== undefined) return { kind: 'service', service, property: property.value };
  if (envVarKey === undefined) return null;
  return { kind: 'service-variable', service, key: envVarKey.value };
}

function lastName(place: Place): string {
  return place.path.slice(place.path.lastIndexOf('.') + 1);
}
