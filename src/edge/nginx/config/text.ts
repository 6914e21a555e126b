/** Lines of a configuration; blocks nest, and an empty line parts one subject from the next. */
export type Lines = readonly string[];

/** `head { ... }` with its lines indented. */
export function block(head: string, lines: Lines): Lines {
  return [`${head} {`, ...lines.map((line) => (line === '' ? '' : `    ${line}`)), '}'];
}

/** Sections with an empty line between two of them. */
export function sections(...parts: readonly Lines[]): Lines {
  return parts.filter((part) => part.length > 0).flatMap((part, index) => (index === 0 ? part : ['', ...part]));
}

/**
 * One word of a directive, in quotes where nginx would otherwise end it. Variables are not meant here: a dollar sign is refused, for
 * nginx has no way to write one that stands for itself. Throws a RangeError for that and for control characters.
 */
export function word(text: string): string {
  if (/[$\p{Cc}]/u.test(text)) throw new RangeError(`${JSON.stringify(text)} cannot stand in nginx.conf`);
  return /^[\w./:@+=,*-]+$/.test(text) ? text : `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
