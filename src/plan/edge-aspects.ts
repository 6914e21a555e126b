import type { ClientKeySpec, EdgeSpec, HeaderChangeSpec, PathRuleSpec, PolicySpec } from '../spec/edge-spec.ts';
import type { Aspect } from './aspect.ts';
import { list, quoted, seconds, size } from './said.ts';

/** What a declaration asks of the edge. All of it takes effect without a new release, but how the upstreams of one are spoken to. */
export const edgeAspects: readonly Aspect[] = [
  live('balance', (edge) => edge.balance),
  live('maxBodySize', (edge) => size(edge.maxBodySize)),
  live('responseTimeoutSeconds', (edge) => seconds(edge.responseTimeout)),
  live('idleTimeoutSeconds', (edge) => seconds(edge.idleTimeout ?? 0)),
  live('sticky', ({ sticky }) =>
    sticky === undefined ? 'none' : fields({ cookie: sticky.cookie, maxAgeSeconds: sticky.maxAge }),
  ),
  live('slowStartSeconds', (edge) => (edge.slowStart === undefined ? 'none' : seconds(edge.slowStart))),
  live('maxConnections', (edge) => String(edge.maxConnections ?? 'none')),
  live('queue', ({ queue }) =>
    queue === undefined ? 'none' : fields({ size: queue.size, timeoutSeconds: seconds(queue.timeout) }),
  ),
  live('overload', (edge) => edge.overload ?? 'adaptive'),
  live('preserveHost', (edge) => String(edge.ownHost !== true)),
  {
    field: 'edge.upstreamTls',
    release: true,
    said: ({ edge: { upstreamTls } }) =>
      upstreamTls === undefined
        ? 'none'
        : fields({ serverName: upstreamTls.serverName ?? undefined, verify: upstreamTls.verify }),
  },
  live('stripPath', (edge) => String(edge.stripPath === true)),
  live('https', ({ https }) =>
    https === undefined ? 'none' : fields({ redirect: https.redirect, hstsSeconds: https.hsts }),
  ),
  policy('trustedProxies', (one) => list(one.trustedProxies ?? [])),
  policy('maintenanceMode', (one) => String(one.maintenance === true), 'maintenanceMode'),
  policy('allow', (one) => list(one.allow ?? [])),
  policy('deny', (one) => list(one.deny ?? [])),
  policy('rateLimit', (one) =>
    list(
      (one.rateLimits ?? []).map(({ requestsPerSecond, burst, key }) =>
        fields({ requestsPerSecond, burst, key: clientText(key) }),
      ),
    ),
  ),
  policy('connectionLimit', ({ connectionLimit }) =>
    connectionLimit === undefined
      ? 'none'
      : fields({ connections: connectionLimit.connections, key: clientText(connectionLimit.key) }),
  ),
  policy('basicAuth', ({ basicAuth }) =>
    basicAuth === undefined
      ? 'none'
      : fields({
          realm: quoted(basicAuth.realm),
          users: list(basicAuth.users.map((user) => `${quoted(user.name)} by ${user.variable}`)),
        }),
  ),
  policy('redirects, rewrites', (one) => list((one.rules ?? []).map(ruleText))),
  policy('requestHeaders', (one) => list((one.requestHeaders ?? []).map(headerText))),
  policy('responseHeaders', (one) => list((one.responseHeaders ?? []).map(headerText))),
  policy('gzip', (one) => String(one.gzip ?? 'default')),
];

function live(name: string, said: (edge: EdgeSpec) => string): Aspect {
  return { field: `edge.${name}`, release: false, said: (spec) => said(spec.edge) };
}

function policy(name: string, said: (policy: PolicySpec) => string, field = `edge.${name}`): Aspect {
  return { field, release: false, said: (spec) => said(spec.edge.policy ?? {}) };
}

/** `{size: 10, timeoutSeconds: 5}`, without what is not there. */
function fields(all: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const there = Object.entries(all).filter(([, value]) => value !== undefined);
  return `{${there.map(([name, value]) => `${name}: ${value}`).join(', ')}}`;
}

function clientText(key: ClientKeySpec): string {
  return key.kind === 'ip' ? 'ip' : `header:${key.name}`;
}

function ruleText(rule: PathRuleSpec): string {
  const how = rule.kind === 'redirect' ? String(rule.status) : 'rewrite';
  return `${quoted(rule.source)} to ${quoted(rule.destination)} (${how})`;
}

function headerText({ name, value, path }: HeaderChangeSpec & { readonly path?: string }): string {
  const where = path === undefined ? '' : ` at ${quoted(path)}`;
  return value === null ? `${name} removed${where}` : `${name}: ${quoted(value)}${where}`;
}
