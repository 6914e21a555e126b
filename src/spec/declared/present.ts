/** The same with optional parts that may be undefined. */
type Loose<T> = { readonly [K in keyof T]: T[K] | undefined };

/** Without the parts that are undefined: what was not asked for is absent, in the spec and in its JSON alike. */
export function present<T extends object>(parts: Loose<T>): T {
  // What is left of a Loose<T> without undefined is a T: the parts that T requires are required here too.
  return Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)) as T;
}

/** A list with something in it, each once, else undefined. */
export function some<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length === 0 ? undefined : [...new Set(items)];
}
