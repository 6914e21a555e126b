/** Fields of a normalised head: `Name: value CRLF`, one after the other. */

/** The value of a field, several of one name joined by `, ` (RFC 9110 5.2); `null` where there is none. `name` in lower case. */
export function fieldOf(lines: string, name: string): string | null {
  let found: string | null = null;
  for (const line of lines.split('\r\n')) {
    if (line.charCodeAt(name.length) !== 0x3a || line.slice(0, name.length).toLowerCase() !== name) continue;
    const value = line.slice(name.length + 2);
    found = found === null ? value : `${found}, ${value}`;
  }
  return found;
}

export interface LineChange {
  /** Lower case. */
  readonly name: string;
  /** `null` takes the field away. */
  readonly value: string | null;
}

/** The lines with all fields of those names taken out, and those that have a value put in again at the end. Of several changes of one name the last holds. */
export function changed(lines: string, changes: readonly LineChange[]): string {
  const last = new Map(changes.map(({ name, value }) => [name, value]));
  let kept = '';
  for (const line of lines.split('\r\n')) {
    if (line !== '' && !last.has(line.slice(0, line.indexOf(':')).toLowerCase())) kept += `${line}\r\n`;
  }
  for (const [name, value] of last) {
    if (value !== null) kept += `${name}: ${value}\r\n`;
  }
  return kept;
}
