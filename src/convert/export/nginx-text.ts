/** Lines of an nginx configuration. */
export type Lines = readonly string[];

/** The variable that holds a dollar: nginx has no way to write one in a text (ngx_http_script.c reads every `$`). */
export const DOLLAR = 'kapal_dollar';

/** A text as one parameter: in double quotes, backslash and quote escaped, a dollar by a variable. */
export function quoted(text: string): string {
  return `"${text.replaceAll(/[\\"]/g, String.raw`\$&`).replaceAll('$', `\${${DOLLAR}}`)}"`;
}

/** The same for a regular expression, where a backslash is doubled by the quotes and a dollar at the end is its own. */
export function quotedPattern(pattern: string): string {
  return `"${pattern.replaceAll(/[\\"]/g, String.raw`\$&`)}"`;
}

export function block(head: string, inner: Lines): Lines {
  return [`${head} {`, ...inner.map((line) => (line === '' ? '' : `    ${line}`)), '}'];
}

/** A name for an upstream or a zone. */
export function identifier(...parts: readonly string[]): string {
  return parts.join('_').replaceAll(/[^A-Za-z0-9_]/g, '_');
}

/** Text that stands for itself in a PCRE. */
export function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, (character) =>
    character === '/' || character === '-' ? character : `\\${character}`,
  );
}
