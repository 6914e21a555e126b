import type { ClientKeySpec } from '../../spec/edge-spec.ts';
import type { ExportNotes } from './exporter.ts';
import type { Location } from './nginx-place.ts';
import { type Lines, quoted } from './nginx-text.ts';

function keyOf(key: ClientKeySpec): string {
  return key.kind === 'ip' ? '$binary_remote_addr' : `$http_${key.name.replaceAll('-', '_')}`;
}

/** Zones are shared by all locations of a service. */
export function zoneLines({ service, upstream }: Location): Lines {
  const { rateLimits = [], connectionLimit } = service.edge.policy ?? {};
  return [
    ...rateLimits.map(
      ({ key, requestsPerSecond }, index) =>
        `limit_req_zone ${keyOf(key)} zone=${upstream}_rate_${index + 1}:10m rate=${rate(requestsPerSecond)};`,
    ),
    ...(connectionLimit === undefined
      ? []
      : [`limit_conn_zone ${keyOf(connectionLimit.key)} zone=${upstream}_connections:10m;`]),
  ];
}

/** nginx takes whole requests, of a second or of a minute. */
function rate(requestsPerSecond: number): string {
  return Number.isInteger(requestsPerSecond)
    ? `${requestsPerSecond}r/s`
    : `${Math.max(1, Math.round(requestsPerSecond * 60))}r/m`;
}

/** Conditions in the order in which nginx has them: addresses, rates, connections, password. */
export function conditionLines(location: Location, notes: ExportNotes): Lines {
  const { service, upstream } = location;
  const policy = service.edge.policy ?? {};
  const { trustedProxies = [], allow, deny = [], rateLimits = [], connectionLimit, basicAuth } = policy;
  const named = (field: string): string => `${service.name}.edge.${field}`;
  if (basicAuth !== undefined)
    notes.warn(
      named('basicAuth'),
      `nginx reads passwords from a file: htpasswd -c /etc/nginx/${upstream}.htpasswd ${basicAuth.users.map(({ name }) => name).join(' and ')}`,
    );
  if (rateLimits.some(({ requestsPerSecond }) => !Number.isInteger(requestsPerSecond)))
    notes.warn(named('rateLimit'), 'nginx takes whole requests: the rate is written by the minute, rounded');
  return [
    ...trustedProxies.map((network) => `set_real_ip_from ${network};`),
    ...(trustedProxies.length === 0 ? [] : ['real_ip_header X-Forwarded-For;', 'real_ip_recursive on;']),
    ...deny.map((network) => `deny ${network};`),
    ...(allow ?? []).map((network) => `allow ${network};`),
    ...(allow === undefined ? [] : ['deny all;']),
    ...rateLimits.map(({ burst }, index) => `limit_req zone=${upstream}_rate_${index + 1} burst=${burst} nodelay;`),
    ...(rateLimits.length === 0 ? [] : ['limit_req_status 429;']),
    ...(connectionLimit === undefined
      ? []
      : [`limit_conn ${upstream}_connections ${connectionLimit.connections};`, 'limit_conn_status 429;']),
    ...(basicAuth === undefined
      ? []
      : [`auth_basic ${quoted(basicAuth.realm)};`, `auth_basic_user_file /etc/nginx/${upstream}.htpasswd;`]),
  ];
}

/** What is added to answers. Where it is under maintenance there is no other. */
export function answerLines(location: Location, notes: ExportNotes): Lines {
  const { service } = location;
  const { gzip, maintenance } = service.edge.policy ?? {};
  const types =
    'text/plain text/css text/javascript application/javascript application/json application/xml image/svg+xml';
  return [
    ...((gzip ?? service.type === 'static') ? ['gzip on;', 'gzip_min_length 1024;', `gzip_types ${types};`] : []),
    ...headerLines(location, notes),
    ...(maintenance === true ? ['add_header Retry-After 300 always;', 'return 503;'] : []),
  ];
}

function headerLines({ service }: Location, notes: ExportNotes): Lines {
  const changes = service.edge.policy?.responseHeaders ?? [];
  const forPath = changes.filter(({ path }) => path !== undefined);
  for (const { name, path } of forPath)
    notes.refuse(
      `${service.name}.headers`,
      `${name} for ${path} alone: nginx sets headers by location, so it needs one of its own; it is left out`,
    );
  return changes.flatMap(({ name, value, path }) => {
    if (path !== undefined) return [];
    const hidden = service.type === 'static' ? [] : [`proxy_hide_header ${quoted(name)};`];
    return value === null ? hidden : [...hidden, `add_header ${quoted(name)} ${quoted(value)} always;`];
  });
}
