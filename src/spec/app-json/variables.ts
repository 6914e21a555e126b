import { isVariableName } from '../../model/names.ts';
import type { DraftVariable } from '../draft/draft.ts';
import type { Origin } from '../draft/note.ts';
import { type FieldTable, originAt, originOf, scalarOf, wrongKind } from '../draft/reading.ts';
import { shown } from '../report.ts';
import { entryOf, type MapValue, type Value } from '../yaml/value.ts';
import { addonVariables } from './addons.ts';
import { type App, asList, asMap, readInner, textAt } from './app.ts';

/** `env`: a value, or a mapping with one, with `generator`, or with `required`. */
export function readVariables(value: Value, origin: Origin, app: App): void {
  const { notes } = app.draft;
  for (const entry of asMap(value, origin, { notes, of: 'variables' })?.entries ?? []) {
    const at = originOf(entry, { file: app.file, path: 'env' });
    notes.handle(at);
    const said = entry.value.kind === 'map' ? entry.value : null;
    if (!isVariableName(entry.key)) {
      notes.refuse(at, `${shown(entry.key)} is not the name of a variable`);
      continue;
    }
    if (entry.value.kind === 'list') {
      wrongKind(notes, at, { expected: 'a value, or a mapping with one', value: entry.value });
      continue;
    }
    if (said !== null) {
      readInner(said, { table: {}, context: app, app, path: at.field, whole: variableFields });
      const generator = entryOf(said, 'generator');
      if (generator !== undefined && scalarOf(generator.value) !== 'secret')
        notes.refuse(originOf(generator, { file: app.file, path: at.field }), 'only the generator secret is known');
    }
    const variable = variableOf(entry.key, said === null ? { plain: scalarOf(entry.value) } : saidOf(said));
    if (variable !== null) app.variables.set(entry.key, { key: entry.key, entry: variable, origin: at });
    else
      notes.mention(
        at,
        `is optional and has no value: it is left out; kapal env set SERVICE ${entry.key}=... gives one`,
      );
  }
}

const variableFields = ['description', 'generator', 'required', 'value'];

interface SaidVariable {
  readonly plain: string | null;
  readonly isSecret?: boolean;
  readonly isOptional?: boolean;
}

function saidOf(map: MapValue): SaidVariable {
  return {
    plain: textAt(map, 'value'),
    isSecret: textAt(map, 'generator') === 'secret',
    isOptional: textAt(map, 'required') === 'false',
  };
}

/** Null: it is optional, and has no value. */
function variableOf(key: string, { plain, isSecret, isOptional }: SaidVariable): DraftVariable['entry'] | null {
  if (isSecret === true) return { key, generateValue: true };
  if (plain !== null) return { key, value: plain };
  return isOptional === true ? null : { key, sync: false };
}

/** Add-ons run nowhere here; the variables that they gave are asked for, unless `env` says what is in them. */
export function readAddons(value: Value, origin: Origin, app: App): void {
  const { notes } = app.draft;
  for (const [index, item] of (asList(value, origin, { notes, of: 'add-ons' }) ?? []).entries()) {
    const at = originAt(item, { file: app.file, field: `addons[${index}]` });
    notes.handle(at);
    const plan = item.kind === 'map' ? textAt(item, 'plan') : scalarOf(item);
    if (plan === null) {
      wrongKind(notes, at, { expected: 'the name of an add-on', value: item });
      continue;
    }
    if (item.kind === 'map')
      readInner(item, { table: addonTable, context: app, app, path: at.field, whole: ['plan', 'as'] });
    const keys = addonVariables(plan, item.kind === 'map' ? textAt(item, 'as') : null);
    for (const key of keys)
      if (!app.variables.has(key)) app.variables.set(key, { key, entry: { key, sync: false }, origin: at });
    notes.warn(
      at,
      keys.length === 0
        ? `${shown(plan)} comes from no add-on here: run it yourself, declare the variables that it gave with sync: false, and set them with kapal env set`
        : `${shown(plan)} comes from no add-on here: run it yourself; ${keys.join(' and ')} is declared with sync: false, and kapal env set gives its value`,
    );
  }
}

const addonTable: FieldTable<App> = {
  options: { warn: 'are for the provider of the add-on: they are left out' },
};
