/** Fields of the connection and of framing (RFC 9110 7.6.1, RFC 9112 6), and those by which the edge says who asks: nobody but the edge sets them. */
const edgesOwn: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'forwarded',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-proto',
  'x-real-ip',
]);

/** Whether a declaration may set or remove the field. `name` in lower case, a token of RFC 9110 5.6.2. */
export function isChangeable(name: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9a-z-]{1,100}$/.test(name) && !edgesOwn.has(name);
}

/** Whether it can be the value of a field: visible ASCII and inner blanks, no line break (RFC 9110 5.5). */
export function isFieldValue(value: string): boolean {
  return /^(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?$/.test(value) && value.length <= 4096;
}
