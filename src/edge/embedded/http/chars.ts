/** Classes of bytes, as tables of 256 entries: one read decides (RFC 9110 5.6.2 token, 5.5 field-value; RFC 3986 for targets). */

/** 0: not of a token; 1: of a token; 2: underscore, which is of a token but makes a request field ambiguous for CGI-like backends. */
export const token = table((byte) => {
  if (byte === 0x5f) return 2;
  return /[!#$%&'*+\-.^`|~0-9A-Za-z]/.test(String.fromCharCode(byte)) && byte < 0x80 ? 1 : 0;
});

/** 1: may stand in a field value: HTAB, SP, visible ASCII, obs-text. */
export const fieldValue = table((byte) => (byte === 9 || (byte >= 0x20 && byte !== 0x7f) ? 1 : 0));

/** Methods as nginx takes them: other token characters and lower case are read differently by different backends. */
export const methodChar = table((byte) => ((byte >= 0x41 && byte <= 0x5a) || byte === 0x2d || byte === 0x5f ? 1 : 0));

export const targetClass = { refused: 0, plain: 1, query: 2, special: 3, slash: 4 } as const;

/** Visible ASCII without `#`; `special` asks for a look at the decoded path. */
export const target = table((byte) => {
  if (byte <= 0x20 || byte >= 0x7f || byte === 0x23) return targetClass.refused;
  if (byte === 0x3f) return targetClass.query;
  if (byte === 0x25 || byte === 0x5c) return targetClass.special;
  return byte === 0x2f ? targetClass.slash : targetClass.plain;
});

/** 1: letters, digits, `-`, `.`, `_`: what host names consist of. The rest of RFC 3986's reg-name is refused. */
export const hostChar = table((byte) => (byte < 0x80 && /[A-Za-z0-9._-]/.test(String.fromCharCode(byte)) ? 1 : 0));

/** Value of a hexadecimal digit, 255 for others. */
export const hexValue = table((byte) => {
  const value = byte < 0x80 ? Number.parseInt(String.fromCharCode(byte), 16) : Number.NaN;
  return Number.isNaN(value) ? 255 : value;
});

function table(classOf: (byte: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => classOf(byte));
}
