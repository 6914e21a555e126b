/** The program that a start command begins with: its path as it is written, past `exec` and assignments of variables. Null where a shell has to decide. */
export function startProgram(start: string | null): string | null {
  const words = start?.trim().split(/\s+/) ?? [];
  const word = words.find((one) => one !== 'exec' && !/^[A-Za-z_]\w*=/.test(one));
  return word !== undefined && /^[\w./-]+$/.test(word) ? word : null;
}

/** Its last part: `api` of `./bin/api`. */
export function baseName(path: string): string {
  return path.split('/').at(-1) ?? path;
}

/** What people call the program that answers requests, where there are others beside it. */
const usualServers = ['server', 'api', 'web', 'app', 'backend', 'httpd', 'service'];

/** The only one that is called as servers are, else null. */
export function onlyServer<T extends { readonly name: string }>(programs: readonly T[]): T | null {
  const found = programs.filter(({ name }) => usualServers.some((word) => new RegExp(`(?:^|[-_])${word}$`).test(name)));
  return found.length === 1 ? (found[0] ?? null) : null;
}
