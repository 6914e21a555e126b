import { type Address, type AddressRange, contains, formatAddress, parseAddress } from '../../../model/network.ts';

/** Where a request comes from. */
export interface Origin {
  /** The client's address as text, canonical. */
  readonly remote: string;
  /** `null` where the connection has none that could be read. */
  readonly address: Address | null;
  readonly scheme: 'http' | 'https';
}

export interface Arrival {
  /** Address of the connection's other end. */
  readonly peer: string;
  /** Of the connection. */
  readonly scheme: 'http' | 'https';
  /** X-Forwarded-For and X-Forwarded-Proto as they came, several fields joined; `null` where there is none. */
  readonly forwardedFor: string | null;
  readonly forwardedProto: string | null;
}

/**
 * The client behind trusted proxies: X-Forwarded-For is read from its right end, which the nearest proxy wrote, as long as the address to the right
 * is trusted; what is no address ends the walk at the last one that was. Without trust the connection's other end is the client.
 */
export function originOf(arrival: Arrival, trusted: readonly AddressRange[]): Origin {
  const peer = parseAddress(withoutZone(arrival.peer));
  if (peer === null) return { remote: arrival.peer, address: null, scheme: arrival.scheme };
  if (!isWithin(trusted, peer)) return { remote: arrival.peer, address: peer, scheme: arrival.scheme };
  const proto = arrival.forwardedProto?.toLowerCase();
  const scheme = proto === 'http' || proto === 'https' ? proto : arrival.scheme;
  const address = walk(peer, { entries: (arrival.forwardedFor ?? '').split(','), trusted });
  return { remote: formatAddress(address), address, scheme };
}

export function isWithin(networks: readonly AddressRange[], address: Address): boolean {
  return networks.some((network) => contains(network, address));
}

function walk(
  peer: Address,
  { entries, trusted }: { readonly entries: readonly string[]; readonly trusted: readonly AddressRange[] },
): Address {
  let client = peer;
  for (let at = entries.length - 1; at >= 0 && isWithin(trusted, client); at -= 1) {
    const next = parseAddress((entries[at] ?? '').replace(/^[ \t]+|[ \t]+$/g, ''));
    if (next === null) break;
    client = next;
  }
  return client;
}

/** Link-local addresses of a connection may carry their interface: `fe80::1%eth0`. */
function withoutZone(address: string): string {
  const zone = address.indexOf('%');
  return zone === -1 ? address : address.slice(0, zone);
}
