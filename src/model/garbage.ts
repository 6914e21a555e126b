/** A folder of programs that was brought for builds, or what is left of one. */
export interface BroughtTool {
  /** Absolute. */
  readonly path: string;
  /** `node`: a Node of its own version; `manager`: a package manager, which start commands may call too; `rest`: half brought or half removed. */
  readonly kind: 'node' | 'manager' | 'rest';
  /** When a build last asked for it, or when it came; milliseconds since the epoch. */
  readonly usedAt: number;
  /** Why it stays whatever builds say; null where nothing says so. */
  readonly kept: string | null;
  /** How often it was asked for when it was looked at. */
  readonly asked: number;
}

/** A folder that builds of a service fill, to be quicker the next time. */
export interface CacheFolder {
  readonly path: string;
  /** `rest`: half removed. */
  readonly kind: 'cache' | 'rest';
  /** Null where they could not be counted in time. */
  readonly bytes: number | null;
}
