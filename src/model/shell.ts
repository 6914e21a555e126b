/** One word of a POSIX shell, whatever the text holds: between single quotes nothing but the single quote is special (POSIX.1-2017, XCU 2.2.2). */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The same, as people write it: without quotes where the text needs none. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : quoted(text);
}

/** A path below the working folder as one word, never taken for an option. */
export function shellPath(path: string): string {
  return /^[\w./-]+$/.test(path) && !path.startsWith('-') ? path : quoted(`./${path}`);
}

/** A command line that starts a program with these arguments. */
export function commandLine(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}
