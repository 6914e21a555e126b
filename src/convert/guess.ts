import { isMap, isScalar, isSeq, type Pair, type YAMLMap } from 'yaml';
import { draftedFields, draftOf } from '../spec/draft/of-spec.ts';
import { Notes } from '../spec/draft/note.ts';
import { keepAtTop } from '../spec/draft/top.ts';
import { writtenOf } from '../spec/draft/written.ts';
import type { DeclarationFiles } from '../spec/files.ts';
import { type Explanation, explain } from '../spec/language/explain.ts';
import type { Spec, Told } from '../spec/spec.ts';
import { askedBy } from './export/asked.ts';

/**
 * The kapal.yaml that says what was detected: a deploy reads the same out of it as out of the files, and comments say which file told each part. Steps of
 * the build stand in comments too: as a buildCommand they would be the user's own, and no longer follow the lock file. Throws as `explain` does.
 */
export function guessedDeclaration(spec: Spec, files: DeclarationFiles): string {
  const { origin, project } = spec;
  requireWhole(spec);
  const draft = draftOf(spec, new Notes());
  draft.named(project, { file: origin.file, field: '', line: 1, column: 1 });
  const { document } = writtenOf(draft, headingOf(spec));
  keepAtTop(document, files);
  const services = document.get('services');
  const groups = document.get('envVarGroups');
  if (isSeq(services))
    for (const item of services.items) {
      const name = isMap(item) ? item.get('name') : undefined;
      const service = spec.services.find((one) => one.name === name);
      if (!isMap(item) || service === undefined) continue;
      item.commentBefore = commentOf(saidOf(explain(files, service)));
      annotate(item, toldOf(spec.told, service.name));
    }
  if (isSeq(groups)) for (const item of groups.items) if (isMap(item)) annotate(item, toldOf(spec.told, null));
  return document.toString({ lineWidth: 0 });
}

/** A part that a draft does not hold would be lost without a word. */
function requireWhole({ services, groups }: Spec): void {
  for (const service of services)
    for (const field of askedBy(service))
      if (!draftedFields.has(field)) throw new Error(`${service.name}.${field} was detected, and cannot be written`);
  if (groups.length > 1) throw new Error(`${groups.length} groups were detected, and one can be written`);
}

function headingOf({ origin, told }: Spec): string {
  const files = [...new Set([origin.file, ...told.map(({ file }) => file)])];
  return plain(`Written by kapal init from ${files.join(', ')}: without this file, kapal deploy does the same.`);
}

/** What a deploy does with a service beyond what its fields say. */
function saidOf({ install, build, needs, notes }: Explanation): readonly string[] {
  const steps = [...install, ...build].map(({ command }) => command);
  return [
    ...(steps.length === 0 ? [] : ['Built, unless there is a buildCommand, by:', ...steps.map((step) => `  ${step}`)]),
    ...(needs.length === 0 ? [] : [`Needs: ${needs.join(', ')}`]),
    ...notes,
  ];
}

function toldOf(told: readonly Told[], service: string | null): ReadonlyMap<string, Told> {
  return new Map(told.filter((one) => one.service === service).map((one) => [one.field, one]));
}

/** Each field, and each variable, with the file that told it. */
function annotate(holder: YAMLMap, told: ReadonlyMap<string, Told>): void {
  for (const pair of holder.items) note(pair, told.get(keyOf(pair)));
  const variables = holder.get('envVars');
  if (!isSeq(variables)) return;
  for (const item of variables.items) {
    const found = isMap(item) ? told.get(`envVars.${String(item.get('key'))}`) : undefined;
    if (isMap(item) && found !== undefined) item.comment = ` ${plain(placeOf(found))}`;
  }
}

/** Beside its value, or above a value of several lines. */
function note(pair: Pair, told: Told | undefined): void {
  if (told === undefined) return;
  const text = ` ${plain(placeOf(told))}`;
  const { key, value } = pair;
  if (isScalar(value) && String(value.value).includes('\n')) {
    if (isScalar(key)) key.commentBefore = text;
  } else if (isScalar(value) || isMap(value)) value.comment = text;
}

function placeOf({ file, line, why }: Told): string {
  return `${file}${line === null ? '' : `:${line}`}: ${why}`;
}

function commentOf(lines: readonly string[]): string | null {
  return lines.length === 0 ? null : lines.map((line) => ` ${plain(line)}`).join('\n');
}

/** On one line: what a file is called, or holds, ends no comment. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

function keyOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : String(key);
}
