import type { ServiceSpec } from '../../spec/spec.ts';
import type { ExportNotes } from './exporter.ts';
import type { Location } from './nginx-place.ts';
import { answerLines, conditionLines, zoneLines } from './nginx-policy.ts';
import { ruleLines } from './nginx-rules.ts';
import { block, type Lines, literal, quoted, quotedPattern } from './nginx-text.ts';
import { seconds } from './values.ts';

export interface LocationText {
  /** Upstreams and zones, each a text of its own: they stand in `http`, once. */
  readonly outside: readonly string[];
  readonly lines: Lines;
}

export function locationLines(location: Location, notes: ExportNotes): LocationText {
  const { service, path } = location;
  const head = path === '/' ? 'location /' : `location ~ ${quotedPattern(`^${literal(path)}(?:/|$)`)}`;
  const rules = (service.edge.policy?.rules ?? []).flatMap((rule) => {
    const { lines, problem } = ruleLines(rule);
    if (problem !== null) notes.refuse(`${service.name}.edge.redirects`, `${rule.source}: ${problem}`);
    return lines;
  });
  const answers = answerLines(location, notes);
  const policy = [...conditionLines(location, notes), ...answers];
  const outside = [...zoneLines(location), ...(service.type === 'static' ? [] : [upstreamText(location)])];
  if (service.type !== 'static')
    return { outside, lines: block(head, [...policy, ...rules, ...stripLines(location), ...proxyLines(location)]) };
  // Files come before the rules of a site.
  const named = `@${location.upstream}_rules_${location.index}`;
  const root = `root ${rootOf(location)};`;
  const fallback = service.static?.fallback ?? null;
  const last = fallback === null ? '=404' : `${quoted(`/${fallback}`)} =404`;
  const files = [root, 'index index.html;', `try_files $uri $uri/index.html ${rules.length === 0 ? last : named};`];
  const after = block(`location ${named}`, [...answers, root, ...rules, `try_files $uri $uri/index.html ${last};`]);
  const lines = block(head, [...policy, ...stripLines(location), ...files]);
  return { outside, lines: rules.length === 0 ? lines : [...lines, '', ...after] };
}

function upstreamText({ service, upstream, firstPort }: Location): string {
  const { edge, upstreams, instances } = service;
  const slots = edge.maxConnections === undefined ? '' : ` max_conns=${edge.maxConnections}`;
  const checks = ' max_fails=3 fail_timeout=10s';
  const servers =
    firstPort === null
      ? upstreams.map(
          ({ host, port, weight }) =>
            `server ${host.includes(':') ? `[${host}]` : host}:${port}${weight === 1 ? '' : ` weight=${weight}`}${slots}${checks};`,
        )
      : Array.from({ length: instances }, (_, index) => `server 127.0.0.1:${firstPort + index}${slots}${checks};`);
  const balance = {
    'round-robin': [],
    'least-connections': ['least_conn;'],
    'ip-hash': ['ip_hash;'],
    'random-two': ['random two least_conn;'],
  }[edge.balance];
  const zone = slots === '' ? [] : [`zone ${upstream} 64k;`];
  return block(`upstream ${upstream}`, [...balance, ...zone, ...servers, 'keepalive 32;']).join('\n');
}

function stripLines({ service, path }: Location): Lines {
  if (service.edge.stripPath !== true || path === '/') return [];
  return [`rewrite ${quotedPattern(`^${literal(path)}/*(.*)$`)} /$1 break;`];
}

function proxyLines({ service, upstream, path }: Location): Lines {
  const { edge } = service;
  const { upstreamTls } = edge;
  const host = edge.ownHost === true ? quoted(ownHost(service)) : '$http_host';
  const tls =
    upstreamTls === undefined
      ? []
      : [
          'proxy_ssl_server_name on;',
          `proxy_ssl_name ${upstreamTls.serverName ?? (edge.ownHost === true ? (service.upstreams[0]?.host ?? '$host') : '$host')};`,
          ...(upstreamTls.verify
            ? ['proxy_ssl_verify on;', 'proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;']
            : ['proxy_ssl_verify off;']),
        ];
  return [
    ...tls,
    'proxy_http_version 1.1;',
    `proxy_set_header Host ${host};`,
    'proxy_set_header Connection $kapal_connection;',
    'proxy_set_header Upgrade $http_upgrade;',
    'proxy_set_header X-Real-IP $remote_addr;',
    'proxy_set_header X-Forwarded-For $remote_addr;',
    'proxy_set_header X-Forwarded-Proto $scheme;',
    'proxy_set_header X-Forwarded-Host $http_host;',
    ...(edge.stripPath === true && path !== '/' ? [`proxy_set_header X-Forwarded-Prefix ${quoted(path)};`] : []),
    ...(edge.policy?.requestHeaders ?? []).map(
      ({ name, value }) => `proxy_set_header ${quoted(name)} ${value === null ? '""' : quoted(value)};`,
    ),
    `client_max_body_size ${edge.maxBodySize};`,
    `proxy_read_timeout ${seconds(edge.responseTimeout)}s;`,
    `proxy_pass ${upstreamTls === undefined ? 'http' : 'https'}://${upstream};`,
  ];
}

/** nginx knows one name for a group of upstreams: that of the first. */
function ownHost({ upstreams, edge }: ServiceSpec): string {
  const [first] = upstreams;
  if (first === undefined) return '';
  const usual = edge.upstreamTls === undefined ? 80 : 443;
  const host = first.host.includes(':') ? `[${first.host}]` : first.host;
  return first.port === usual ? host : `${host}:${first.port}`;
}

/** Where the source lies, built, as the units of systemd have it too. */
function rootOf({ service, project }: Location): string {
  const { rootDir, publishPath } = service;
  return quoted(['/srv', project, rootDir, publishPath ?? '.'].filter((part) => part !== '.').join('/'));
}
