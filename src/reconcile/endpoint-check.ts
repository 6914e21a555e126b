import type { EdgeSpec } from '../spec/edge-spec.ts';
import type { ServiceSpec } from '../spec/spec.ts';

/** How one endpoint is asked whether it works. Plain data. */
export interface EndpointCheck {
  readonly endpoint: string;
  readonly address: string;
  readonly port: number;
  /** Where it says of itself that it works; null without one. */
  readonly path: string | null;
  /** What the answer's body has to hold; absent where nothing is asked of it. */
  readonly content?: string | undefined;
  /** Sent as Host. */
  readonly host: string;
  readonly tls: EdgeSpec['upstreamTls'] | null;
  /** Milliseconds between checks and for one; null: it is only asked when the edge reports it stalled, because others watch over it. */
  readonly active: { readonly interval: number; readonly timeout: number } | null;
}

/** An instance is probed by its service's own loop; here it is only asked whether it answers at all. */
export function instanceCheck(of: {
  readonly endpoint: string;
  readonly address: string;
  readonly port: number;
  readonly host: string | null;
  readonly path: string | null;
}): EndpointCheck {
  const { endpoint, address, port, path } = of;
  const host = of.host ?? `127.0.0.1:${port}`;
  return { endpoint, address, port, path, host, tls: null, active: null };
}

/** `spec`: what is in force; `released`: of the release that serves, whose upstreams they are; `host`: where visitors reach the service. */
export function upstreamChecks(spec: ServiceSpec, released: ServiceSpec, host: string | null): EndpointCheck[] {
  const { interval, timeout } = spec.health;
  const { path, content } = released.health;
  return released.upstreams.map((upstream) => {
    const own = hostText(upstream);
    return {
      endpoint: `${upstream.host}:${upstream.port}`,
      address: upstream.host,
      port: upstream.port,
      path,
      ...(content === undefined ? {} : { content }),
      host: spec.edge.ownHost === true || host === null ? own : host,
      tls: released.edge.upstreamTls ?? null,
      active: { interval, timeout },
    };
  });
}

/** An address as Host carries it: IPv6 in brackets (RFC 3986 3.2.2). */
function hostText({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
