/** A single percent sign begins a specifier (systemd.unit(5), "Specifiers"). */
export function percents(text: string): string {
  return text.replaceAll('%', '%%');
}

/**
 * One argument of a command line (systemd.syntax(7), "Quoting"; systemd.service(5), "Command lines"): in double quotes, with C-style escapes for what ends
 * a line or a quote, and a doubled `$`, which else begins a variable.
 */
export function argument(text: string): string {
  const escaped = percents(text)
    .replaceAll('$', '$$$$')
    .replaceAll(/[\\"]/g, String.raw`\$&`)
    // Below 0x80 a byte is the character; above it `\x` would be half of one.
    .replaceAll(/\p{Cc}/gu, (character) => {
      const code = character.charCodeAt(0).toString(16);
      return character < '\u0080' ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
    });
  return `"${escaped}"`;
}
