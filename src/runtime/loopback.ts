/** Whether a connection to 127.0.0.1 can reach a socket bound there: `::` takes IPv4 too unless the program forbade it (ipv6(7), IPV6_V6ONLY). */
export function answersLoopback(address: string): boolean {
  return address === '0.0.0.0' || address === '127.0.0.1' || address === '::';
}
