import type { Evidence, Language, ServicePlan, Unclear } from './language.ts';
import { languages } from './languages.ts';
import { otherLanguages } from './others.ts';
import type { Runtime } from '../spec.ts';
import type { SourceFolder } from './source-folder.ts';

/** The language of a folder, and what would run there. */
export interface Chosen {
  readonly language: Language;
  readonly evidence: Evidence;
  readonly plan: ServicePlan | Unclear;
}

/** The languages of a folder in the order in which they count; those that are not built are `otherLanguages`. */
export function languagesOf(
  folder: SourceFolder,
): readonly { readonly language: Language; readonly evidence: Evidence }[] {
  return languages.flatMap((language) => {
    const evidence = language.detect(folder);
    return evidence === null ? [] : [{ language, evidence }];
  });
}

/**
 * Where several languages lie side by side, a package.json is that of the application when it says how it starts; else it makes the pages of an
 * application in the other language. `prefers` decides where its files are there. Null where no language is there that Kapal builds.
 */
export function chooseLanguage(folder: SourceFolder, prefers: Runtime | null = null): Chosen | null {
  const found = languagesOf(folder).map((one) => ({ ...one, plan: () => one.language.plan(folder) }));
  const named = found.find(({ language }) => language.runtime === prefers);
  if (named !== undefined) return { ...named, plan: named.plan() };
  const node = found.find(({ language }) => language.runtime === 'node');
  const [other] = found.filter((one) => one !== node);
  const nodePlan = node?.plan();
  const isAlone = other === undefined && otherLanguages(folder).length === 0;
  if (node !== undefined && nodePlan !== undefined && (isAlone || isDeclaredServer(nodePlan)))
    return { ...node, plan: nodePlan };
  return other === undefined ? null : { ...other, plan: other.plan() };
}

/** Whether a package.json beside the files of another language makes pages for it. */
export function makesPages(folder: SourceFolder, chosen: Language): boolean {
  return chosen.runtime !== 'node' && languagesOf(folder).some(({ language }) => language.runtime === 'node');
}

function isDeclaredServer(plan: ServicePlan | Unclear): boolean {
  return plan.kind === 'server' && plan.certainty === 'declared';
}

export function languageNamed(runtime: string): Language | null {
  return languages.find((language) => language.runtime === runtime) ?? null;
}
