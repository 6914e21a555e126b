/** Names of projects, environments and services: lower-case letters, digits and inner dashes, at most 40 characters (a DNS label, RFC 1123, with room for suffixes). */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

export function isName(text: string): boolean {
  return NAME.test(text);
}

/** The nearest valid name to any text, or `null` where nothing is left of it. `My App_2` becomes `my-app-2`. */
export function slug(text: string): string | null {
  const name = text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
  return name === '' ? null : name;
}

/** Host names of domains: lower-case labels of RFC 1123, at least one, at most 253 characters, no port, no trailing dot; `*.` may lead. */
const HOST =
  /^(?=.{1,253}$)(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;

export function isHost(text: string): boolean {
  return HOST.test(text);
}

/** Names of variables: POSIX (IEEE Std 1003.1, 8.1), any case, at most 255 characters as a file's (XBD, _XOPEN_NAME_MAX). */
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/;

export function isVariableName(text: string): boolean {
  return VARIABLE.test(text);
}
