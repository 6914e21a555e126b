import type { ServiceSpec, Spec } from '../../spec/spec.ts';
import { readDomain } from '../../model/domains.ts';
import { noteUnsaid } from './asked.ts';
import { ExportNotes, type Exported } from './exporter.ts';
import { locationLines } from './nginx-location.ts';
import type { Location } from './nginx-place.ts';
import { block, DOLLAR, identifier, type Lines } from './nginx-text.ts';
import { firstPorts } from './values.ts';

const carried = new Set([
  'domains',
  'numInstances',
  'upstreams',
  'rootDir',
  'staticPublishPath',
  'staticFallback',
  'edge.balance',
  'edge.maxBodySize',
  'edge.responseTimeoutSeconds',
  'edge.maxConnections',
  'edge.preserveHost',
  'edge.upstreamTls',
  'edge.stripPath',
  'edge.trustedProxies',
  'edge.maintenanceMode',
  'edge.allow',
  'edge.deny',
  'edge.rateLimit',
  'edge.connectionLimit',
  'edge.basicAuth',
  'edge.redirects',
  'edge.requestHeaders',
  'edge.responseHeaders',
  'edge.gzip',
  // What runs is not nginx's business: another export says it.
  'buildCommand',
  'preDeployCommand',
  'startCommand',
  'envVars',
  'memoryLimit',
  'disk',
  'disk.shared',
  'startTimeoutSeconds',
  'maxShutdownDelaySeconds',
  'rollout',
  'build',
]);

const why = {
  healthCheckPath: 'nginx asks no path by itself: a server that fails three requests is passed over for ten seconds',
  healthCheck: 'nginx asks no path by itself',
  'edge.sticky': 'nginx needs its commercial version for a cookie: balance ip-hash keeps visitors too',
  'edge.slowStartSeconds': 'nginx needs its commercial version for it',
  'edge.queue': 'nginx needs its commercial version for it: what finds no place is answered with 502',
  'edge.overload': 'nginx refuses nothing by itself because of overload',
  'edge.idleTimeoutSeconds':
    'nginx has one time for the first byte and for the silence after it: that of responseTimeoutSeconds',
  'edge.https': 'certificates are not in the declaration: certbot --nginx adds them, the redirect and HSTS',
} as const;

/** Sites for nginx as a file of /etc/nginx/conf.d, which is read inside of `http`. */
export function exportNginx(spec: Spec): Exported {
  const notes = new ExportNotes();
  const locations = spec.services.flatMap((service) => locationsOf(service, { spec, notes }));
  const rendered = locations.map((location) => ({ location, ...locationLines(location, notes) }));
  const shared = [...new Set(rendered.flatMap(({ outside }) => outside))];
  const hosts = [...new Set(locations.map(({ host }) => host))];
  const servers = hosts.flatMap((host) => {
    const here = rendered.filter(({ location }) => location.host === host);
    // The longest path wins, and nginx takes the first of its patterns that matches.
    const ordered = here.toSorted((a, b) => b.location.path.length - a.location.path.length);
    const inner = [
      'listen 80;',
      'listen [::]:80;',
      `server_name ${host};`,
      '# A redirect stays at the address that the visitor used.',
      'absolute_redirect off;',
      ...ordered.flatMap(({ lines }) => ['', ...lines]),
    ];
    return ['', ...block('server', inner)];
  });
  if (hosts.length > 0)
    notes.warn('domains', 'certificates are not in the declaration: certbot --nginx adds them, the redirect and HSTS');
  const text = `${['# Written by kapal export nginx, for /etc/nginx/conf.d: it is read inside of http.', ...preamble(rendered.length > 0), ...shared, ...servers].join('\n')}\n`;
  return { files: [{ path: `${spec.project}.conf`, text }], notes: notes.all() };
}

/** Without anything to serve there is nothing to prepare. */
function preamble(any: boolean): Lines {
  if (!any) return [];
  return [
    '',
    `geo $${DOLLAR} {`,
    '    default "$";',
    '}',
    'map $http_upgrade $kapal_connection {',
    '    default upgrade;',
    '    "" "";',
    '}',
  ];
}

function locationsOf(service: ServiceSpec, { spec, notes }: { spec: Spec; notes: ExportNotes }): Location[] {
  const { name, type, domains } = service;
  if (type === 'worker' || type === 'pserv') {
    notes.refuse(name, `nobody reaches a service of type ${type} through nginx: it is left out`);
    return [];
  }
  noteUnsaid(service, { carried, why, otherwise: 'nginx has no word for it' }, notes);
  if (service.edge.ownHost === true && service.upstreams.length > 1)
    notes.warn(
      `${name}.edge.preserveHost`,
      'nginx sends one Host to a group of upstreams: that of the first is written',
    );
  const first = firstPorts(spec).get(name);
  const found = domains.flatMap((text) => readDomain(text) ?? []);
  if (found.length === 0) notes.warn(`${name}.domains`, `has no domain: it is written for ${name}.localhost`);
  if (found.some(({ host }) => host.startsWith('*.')))
    notes.warn(`${name}.domains`, 'a wildcard of nginx covers any number of labels, and not one alone');
  const names = found.length === 0 ? [{ host: `${name}.localhost`, path: '/' }] : found;
  return names.map(({ host, path }, index) => ({
    index,
    service,
    host,
    path,
    upstream: identifier(spec.project, name),
    project: spec.project,
    firstPort: first ?? null,
  }));
}
