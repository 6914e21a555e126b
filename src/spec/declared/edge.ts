import type { ServiceType } from '../../model/service.ts';
import type { EdgeSpec, HttpsSpec, StickySpec } from '../edge-spec.ts';
import type { Report } from '../report.ts';
import { defaults } from '../spec.ts';
import { type edgeFields, edgeFields as fields } from '../table/edge.ts';
import type { FoundService } from '../table/service.ts';
import type { Field, Found } from '../table/shape.ts';
import { readPolicy } from './policy.ts';
import { present } from './present.ts';
import type { Rules } from './rules.ts';

type FoundEdge = Found<typeof edgeFields>['fields'];

export interface EdgeInput {
  readonly type: ServiceType;
  /** Its upstreams are declared with `https://`. */
  readonly encrypted: boolean;
  readonly rules: Rules['rules'];
  readonly report: Report;
}

/** What the service asks of the edge. */
export function readEdge(entry: FoundService, input: EdgeInput): EdgeSpec {
  const { type, encrypted, rules, report } = input;
  checkTypes(entry, type, report);
  const found: FoundEdge = entry.fields.edge?.value.fields ?? {};
  checkPairs(found, { encrypted, report });
  const idle = found.idleTimeoutSeconds?.value ?? defaults.edge.idleTimeout;
  return present<EdgeSpec>({
    balance: found.balance?.value ?? defaults.edge.balance,
    maxBodySize: found.maxBodySize?.value ?? defaults.edge.maxBodySize,
    responseTimeout: found.responseTimeoutSeconds?.value ?? defaults.edge.responseTimeout,
    idleTimeout: idle === 0 ? null : idle,
    sticky: found.sticky === undefined ? undefined : stickyOf(found.sticky.value),
    slowStart: found.slowStartSeconds?.value,
    maxConnections: found.maxConnections?.value,
    queue: queueOf(found),
    overload: found.overload?.value === 'off' ? 'off' : undefined,
    ownHost: type === 'proxy' && found.preserveHost?.value === false ? true : undefined,
    upstreamTls: type === 'proxy' && encrypted ? tlsOf(found) : undefined,
    stripPath: found.stripPath?.value === true ? true : undefined,
    https: found.https === undefined ? undefined : httpsOf(found.https.value.fields),
    policy: readPolicy(entry, rules, report),
  });
}

/** A field of `edge` that the type has no use for would be read past in silence. */
function checkTypes(entry: FoundService, type: ServiceType, report: Report): void {
  // That the whole of it has no meaning is said once.
  if (type === 'worker' || type === 'cron') return;
  const known: Readonly<Record<string, Field<unknown>>> = fields;
  for (const [name, found] of Object.entries(entry.fields.edge?.value.fields ?? {})) {
    const types = known[name]?.types ?? null;
    if (types === null || types.includes(type)) continue;
    report.refuse(found.place, `has no meaning for a service of type ${type}, only for ${types.join(', ')}`);
  }
}

function checkPairs(found: FoundEdge, { encrypted, report }: { encrypted: boolean; report: Report }): void {
  const { queue, upstreamTls, maxConnections } = found;
  if (queue !== undefined && maxConnections === undefined) {
    const missing = queue.place.path.replace(/queue$/, 'maxConnections');
    if (!report.refusedBelow(missing)) report.refuse(queue.place, 'needs maxConnections: without it nothing waits');
  }
  if (upstreamTls !== undefined && !encrypted)
    report.refuse(upstreamTls.place, 'no upstream is spoken to over TLS: write https:// before their addresses');
}

function stickyOf(found: NonNullable<FoundEdge['sticky']>['value']): StickySpec {
  return present<StickySpec>({
    cookie: found?.fields.cookie?.value ?? defaults.sticky.cookie,
    maxAge: found?.fields.maxAgeSeconds?.value,
  });
}

function queueOf(found: FoundEdge): EdgeSpec['queue'] {
  const { size, timeoutSeconds } = found.queue?.value.fields ?? {};
  return size === undefined
    ? undefined
    : { size: size.value, timeout: timeoutSeconds?.value ?? defaults.queue.timeout };
}

function tlsOf(found: FoundEdge): NonNullable<EdgeSpec['upstreamTls']> {
  const tls = found.upstreamTls?.value.fields;
  return { serverName: tls?.serverName?.value ?? null, verify: tls?.verify?.value ?? true };
}

function httpsOf(found: NonNullable<FoundEdge['https']>['value']['fields']): HttpsSpec {
  return present<HttpsSpec>({ redirect: found.redirect?.value ?? 'auto', hsts: found.hstsSeconds?.value });
}
