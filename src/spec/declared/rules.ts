import {
  type Destination,
  isAskable,
  matchSource,
  parseDestination,
  parseSource,
  pathParts,
  type SourcePattern,
} from '../../model/path-pattern.ts';
import type { ServiceType } from '../../model/service.ts';
import type { PathRuleSpec, RedirectStatus } from '../edge-spec.ts';
import { type Place, type Report, shown } from '../report.ts';
import { defaults } from '../spec.ts';
import type { FoundService } from '../table/service.ts';

interface Placed {
  readonly rule: PathRuleSpec;
  readonly place: Place;
}

export interface Rules {
  readonly rules: readonly PathRuleSpec[];
  /** The file that Render's rewrite of all paths leads to: what a single-page app is made by. */
  readonly fallback: string | null;
}

/** Redirects and rewrites of `edge` and of Render's `routes`, in the order in which they are tried. */
export function readRules(entry: FoundService, type: ServiceType, report: Report): Rules {
  const own = [...redirectsOf(entry), ...rewritesOf(entry)];
  const routes = routesOf(entry);
  const all = [...own, ...routes];
  for (const placed of all) checkRule(placed, { type, report });
  checkReached(all, report);
  const last = routes.at(-1);
  const fallback = last === undefined ? null : fallbackOf(last.rule);
  return { rules: (fallback === null ? all : all.slice(0, -1)).map(({ rule }) => rule), fallback };
}

function redirectsOf(entry: FoundService): Placed[] {
  return (entry.fields.edge?.value.fields.redirects?.value ?? []).flatMap(({ value: { fields } }): Placed[] => {
    const { source, destination, status } = fields;
    if (source === undefined || destination === undefined) return [];
    const both = { source: source.value, destination: destination.value };
    return [{ rule: { kind: 'redirect', ...both, status: statusOf(status?.value) }, place: destination.place }];
  });
}

function rewritesOf(entry: FoundService): Placed[] {
  return (entry.fields.edge?.value.fields.rewrites?.value ?? []).flatMap(({ value: { fields } }): Placed[] => {
    const { source, destination } = fields;
    if (source === undefined || destination === undefined) return [];
    return [
      { rule: { kind: 'rewrite', source: source.value, destination: destination.value }, place: destination.place },
    ];
  });
}

function statusOf(word: '301' | '302' | '307' | '308' | undefined): RedirectStatus {
  switch (word) {
    case '302':
      return 302;
    case '307':
      return 307;
    case '308':
      return 308;
    case '301':
    case undefined:
      return defaults.redirectStatus;
  }
}

function routesOf(entry: FoundService): Placed[] {
  return (entry.fields.routes?.value ?? []).flatMap(({ value: { fields } }): Placed[] => {
    const { type, source, destination } = fields;
    if (type === undefined || source === undefined || destination === undefined) return [];
    const both = { source: source.value, destination: destination.value };
    const rule: PathRuleSpec =
      type.value === 'redirect'
        ? { kind: 'redirect', ...both, status: defaults.redirectStatus }
        : { kind: 'rewrite', ...both };
    return [{ rule, place: destination.place }];
  });
}

/** A destination must be safe, take only what its source has, and a redirect must lead away from itself. */
function checkRule({ rule, place }: Placed, { type, report }: { type: ServiceType; report: Report }): void {
  const source = parseSource(rule.source);
  // The source was judged where it was read.
  if ('problem' in source) return;
  const destination = parseDestination(rule.destination, source);
  if ('problem' in destination) report.refuse(place, `${shown(rule.destination)} ${destination.problem}`);
  else if (rule.kind === 'rewrite' && destination.origin !== '')
    report.refuse(
      place,
      'a rewrite stays in its service: for another address declare a service of type proxy, with this path in its domains',
    );
  else if (rule.kind === 'rewrite' && !isAskable(destination))
    report.refuse(place, `${shown(rule.destination)} holds a fragment, which is for browsers alone`);
  else if (rule.kind === 'redirect' && type !== 'static' && leadsBack(source, destination))
    report.refuse(place, 'leads to itself, for ever');
}

/** Files come before the rules of a static site, so there a redirect of all paths may lead to a file. */
function leadsBack(source: SourcePattern, { origin, path }: Destination): boolean {
  if (origin !== '' || path.some((piece) => 'name' in piece)) return false;
  const parts = pathParts(path.map((piece) => ('literal' in piece ? piece.literal : '')).join(''));
  return parts !== null && matchSource(source, parts) !== null;
}

/** The first rule that matches counts, so what stands behind one for all paths never does. */
function checkReached(all: readonly Placed[], report: Report): void {
  const first = all.findIndex(({ rule }) => rule.source === '/*');
  if (first === -1) return;
  for (const { place } of all.slice(first + 1)) report.warn(place, 'is never reached: a rule for /* stands before it');
}

/** `/index.html`, without anything that the files of a site do not have in their names. */
function fallbackOf(rule: PathRuleSpec): string | null {
  if (rule.kind !== 'rewrite' || rule.source !== '/*') return null;
  return /^\/((?:[\w-][\w.-]*\/)*[\w-][\w.-]*)$/.exec(rule.destination)?.[1] ?? null;
}
