import type { BasicAuthSpec, ClientKeySpec, HeaderChangeSpec, PolicySpec, RateLimitSpec } from '../edge-spec.ts';
import { plainly, type Report } from '../report.ts';
import { defaults } from '../spec.ts';
import type { connectionLimitFields, edgeFields, headerChangeFields, rateLimitFields } from '../table/edge.ts';
import type { FoundService } from '../table/service.ts';
import type { Found, Located } from '../table/shape.ts';
import { present, some } from './present.ts';
import type { Rules } from './rules.ts';

type FoundEdge = Found<typeof edgeFields>['fields'];

/** Conditions and changes of requests, of `edge` and of Render's fields alike; undefined where nothing was asked for. */
export function readPolicy(entry: FoundService, rules: Rules['rules'], report: Report): PolicySpec | undefined {
  const edge: FoundEdge = entry.fields.edge?.value.fields ?? {};
  const policy = present<PolicySpec>({
    trustedProxies: some(notEmpty(edge.trustedProxies, report, 'it trusts nobody; leave it out')),
    maintenance: entry.fields.maintenanceMode?.value.fields.enabled?.value === true ? true : undefined,
    allow: some(allowed(entry, edge, report)),
    deny: some(edge.deny?.value ?? []),
    rateLimits: some((edge.rateLimit?.value ?? []).flatMap(rateLimitOf)),
    connectionLimit: connectionLimitOf(edge),
    basicAuth: basicAuthOf(edge, report),
    rules: some(rules),
    requestHeaders: some(changes(edge.requestHeaders, report)),
    responseHeaders: some([...changes(edge.responseHeaders, report), ...headersByPath(entry)]),
    gzip: edge.gzip?.value,
  });
  return Object.keys(policy).length === 0 ? undefined : policy;
}

/** A list without anything in it would let nobody in, or everybody: neither is guessed. */
function notEmpty<T>(found: Located<readonly T[]> | undefined, report: Report, problem: string): readonly T[] {
  if (found !== undefined && found.value.length === 0 && !report.refusedBelow(found.place.path))
    report.refuse(found.place, `is empty: ${problem}`);
  return found?.value ?? [];
}

function allowed(entry: FoundService, edge: FoundEdge, report: Report): readonly string[] {
  const { ipAllowList } = entry.fields;
  const own = notEmpty(edge.allow, report, 'nobody would get in; kapal stop takes a service off');
  const theirs = notEmpty(ipAllowList, report, 'nobody would get in; kapal stop takes a service off').flatMap(
    ({ fields }) => (fields.source === undefined ? [] : [fields.source.value]),
  );
  if (edge.allow !== undefined && ipAllowList !== undefined)
    report.refuse(edge.allow.place, 'says the same as ipAllowList, which stands here too: keep one');
  // Render means everyone by this one network, visitors over IPv6 too.
  return theirs.includes('0.0.0.0/0') ? own : [...own, ...theirs];
}

function rateLimitOf({ fields }: Found<typeof rateLimitFields>): RateLimitSpec[] {
  const requestsPerSecond = fields.requestsPerSecond?.value;
  if (requestsPerSecond === undefined) return [];
  const burst = fields.burst?.value ?? Math.max(1, Math.ceil(requestsPerSecond));
  return [{ requestsPerSecond, burst, key: fields.key?.value ?? byAddress }];
}

const byAddress: ClientKeySpec = { kind: 'ip' };

function connectionLimitOf(edge: FoundEdge): PolicySpec['connectionLimit'] {
  const found: Found<typeof connectionLimitFields>['fields'] = edge.connectionLimit?.value.fields ?? {};
  if (found.connections === undefined) return undefined;
  return { connections: found.connections.value, key: found.key?.value ?? byAddress };
}

function basicAuthOf(edge: FoundEdge, report: Report): BasicAuthSpec | undefined {
  if (edge.basicAuth === undefined) return undefined;
  const { realm, users: found } = edge.basicAuth.value.fields;
  const users: { name: string; variable: string }[] = [];
  for (const { value, place } of notEmpty(found, report, 'nobody would get in')) {
    const { name, passwordVariable } = value.fields;
    if (name === undefined || passwordVariable === undefined) continue;
    if (users.some((user) => user.name === name.value))
      report.refuse(place, `${plainly(name.value)} stands here twice`);
    else users.push({ name: name.value, variable: passwordVariable.value });
  }
  return { realm: realm?.value ?? defaults.realm, users };
}

function changes(
  found: Located<Found<typeof headerChangeFields>> | undefined,
  report: Report,
): readonly HeaderChangeSpec[] {
  const set = found?.value.fields.set?.value ?? [];
  const removed = found?.value.fields.remove;
  for (const name of removed?.value ?? [])
    if (removed !== undefined && set.some((change) => change.name === name))
      report.refuse(removed.place, `${name} is set here too: keep one`);
  return [...set, ...new Set(removed?.value)].map((change) =>
    typeof change === 'string' ? { name: change, value: null } : change,
  );
}

function headersByPath(entry: FoundService): (HeaderChangeSpec & { readonly path?: string })[] {
  return (entry.fields.headers?.value ?? []).flatMap(({ fields: { path, name, value } }) => {
    if (path === undefined || name === undefined || value === undefined) return [];
    const change = { name: name.value, value: value.value };
    return [path.value === '/*' ? change : { ...change, path: path.value }];
  });
}
