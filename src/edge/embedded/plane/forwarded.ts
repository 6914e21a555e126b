export interface Forwarding {
  /** Address of the client, without a port. */
  readonly remote: string;
  readonly scheme: 'http' | 'https';
  /** The Host field as it was sent. */
  readonly host: string;
}

/** What the edge alone says about a request's origin, as field lines (RFC 7239 and the older names). No proxy before the edge is trusted. */
export function forwardedFieldsOf({ remote, scheme, host }: Forwarding): string {
  const port = portOf(host) ?? (scheme === 'https' ? '443' : '80');
  const node = remote.includes(':') ? `"[${remote}]"` : remote;
  return (
    `X-Forwarded-For: ${remote}\r\nX-Forwarded-Proto: ${scheme}\r\nX-Forwarded-Host: ${host}\r\nX-Forwarded-Port: ${port}\r\n` +
    `X-Real-IP: ${remote}\r\nForwarded: for=${node};host="${host}";proto=${scheme}\r\n`
  );
}

/** A Host field as routes name hosts: lower case, no port, no trailing dot. */
export function routedHost(host: string): string {
  const port = portOf(host);
  const name = (port === null ? host : host.slice(0, -port.length - 1)).toLowerCase();
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

function portOf(host: string): string | null {
  const colon = host.lastIndexOf(':');
  return colon === -1 || host.endsWith(']') ? null : host.slice(colon + 1);
}
