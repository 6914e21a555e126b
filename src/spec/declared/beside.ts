import type { ServiceType } from '../../model/service.ts';
import { slug } from '../../model/names.ts';
import { nearest, suggestion } from '../nearest.ts';
import { type Place, plainly, type Report } from '../report.ts';
import type { GroupSpec, ServiceSpec } from '../spec.ts';
import type { Draft } from './service.ts';
import type { Reference } from './variables.ts';

export interface Beside {
  readonly drafts: readonly Draft[];
  readonly groups: readonly GroupSpec[];
  /** Names of services that were refused: what refers to them is not refused again. */
  readonly refusedNames: ReadonlySet<string>;
  /** The groups could not be read whole, so that a missing one may only be a faulty one. */
  readonly groupsSound: boolean;
}

/** What is wrong only beside the other services: names and domains that stand twice, references that lead nowhere or in a circle. */
export function checkBeside(all: Beside, report: Report): void {
  checkNames(all.drafts, report);
  checkDomains(all.drafts, report);
  for (const draft of all.drafts) {
    for (const reference of draft.references) {
      if (reference.kind === 'group') checkGroup(reference, all, report);
      else checkService(reference, { ...all, report, from: draft });
    }
  }
  checkCircles(all.drafts, report);
}

function checkNames(drafts: readonly Draft[], report: Report): void {
  const known = new Map<string, Draft>();
  for (const draft of drafts) {
    const other = known.get(draft.spec.name);
    if (other === undefined) known.set(draft.spec.name, draft);
    else report.refuse(draft.namePlace, `${draft.spec.name} is the name of ${other.place.path} too`);
  }
}

function checkDomains(drafts: readonly Draft[], report: Report): void {
  const known = new Map<string, string>();
  for (const draft of drafts) {
    for (const { name, place } of draft.domains) {
      const other = known.get(name);
      if (other !== undefined) report.refuse(place, `${name} is a domain of ${other} too`);
      else known.set(name, draft.spec.name);
    }
  }
}

function checkGroup(reference: Extract<Reference, { kind: 'group' }>, all: Beside, report: Report): void {
  if (!all.groupsSound || all.groups.some((group) => group.name === reference.name)) return;
  report.refuse(
    reference.place,
    `no group is called ${plainly(reference.name)}${suggestion(
      reference.name,
      all.groups.map((group) => group.name),
    )}`,
  );
}

type ServiceReference = Extract<Reference, { kind: 'service' }>;

function checkService(reference: ServiceReference, input: Beside & { report: Report; from: Draft }): void {
  const { drafts, refusedNames, report, from, groups } = input;
  const name = slug(reference.name) ?? reference.name;
  if (refusedNames.has(name)) return;
  const target = drafts.find((draft) => draft.spec.name === name)?.spec;
  if (target === undefined) {
    report.refuse(
      reference.place,
      `no service is called ${plainly(reference.name)}${suggestion(
        reference.name,
        drafts.map((draft) => draft.spec.name),
      )}`,
    );
    return;
  }
  if (reference.key !== null && target.name === from.spec.name)
    report.refuse(reference.place, 'a service cannot take a variable from itself');
  else if (reference.type !== null && !isOfType(target, reference.type))
    report.refuse(reference.place, `${target.name} is of type ${target.type}, not ${reference.type}`);
  else if (reference.property !== null && !offers(target.type, reference.property)) {
    report.refuse(
      reference.place,
      `${target.name} is of type ${target.type} and has no ${reference.property}${reference.property === 'url' ? '' : ': only web and pserv have'}`,
    );
  } else if (reference.key !== null) warnUndeclared(reference.key, { target, groups, place: reference.place, report });
}

/** Render calls a static site a web service. */
function isOfType(target: ServiceSpec, type: ServiceType): boolean {
  return target.type === type || (target.type === 'static' && type === 'web');
}

function offers(type: ServiceType, property: NonNullable<ServiceReference['property']>): boolean {
  return property === 'url'
    ? type === 'web' || type === 'static' || type === 'proxy'
    : type === 'web' || type === 'pserv';
}

/** It may still be set by `kapal env set`, so this is no mistake yet. */
function warnUndeclared(
  key: string,
  input: { target: ServiceSpec; groups: readonly GroupSpec[]; place: Place; report: Report },
): void {
  const { target, groups, place, report } = input;
  const taken = groups.filter((group) => target.groups.includes(group.name)).flatMap((group) => group.variables);
  const keys = [...target.variables, ...taken].map((variable) => variable.key);
  if (keys.includes(key)) return;
  const near = nearest(key, keys);
  const meant = near === null ? '' : ` (did you mean ${near}?)`;
  report.warn(
    place,
    `${target.name} declares no variable ${plainly(key)}${meant}: kapal env set ${target.name} has to give it`,
  );
}

/**
 * Services that take variables from each other, directly or over others. The variables of a service are resolved together, so this
 * counts services and not single variables.
 */
function checkCircles(drafts: readonly Draft[], report: Report): void {
  const byName = new Map(drafts.map((draft) => [draft.spec.name, draft]));
  const done = new Set<string>();
  const visit = (name: string, way: readonly string[]): void => {
    if (done.has(name)) return;
    for (const reference of byName.get(name)?.references ?? []) {
      if (reference.kind !== 'service' || reference.key === null) continue;
      const next = slug(reference.name) ?? reference.name;
      const start = [...way, name].indexOf(next);
      if (next === name || !byName.has(next)) continue;
      if (start === -1) visit(next, [...way, name]);
      else
        report.refuse(
          reference.place,
          `services take variables from each other in a circle: ${[...way, name].slice(start).join(' -> ')} -> ${next}`,
        );
    }
    done.add(name);
  };
  for (const draft of drafts) visit(draft.spec.name, []);
}
