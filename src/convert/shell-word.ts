/** One word of a POSIX shell, whatever the text holds (IEEE Std 1003.1, 2.2.2). */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A command line that starts a program with these arguments. */
export function commandLine(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}
