import type { ServiceSpec } from '../spec/spec.ts';
import { aspects, differences } from './aspects.ts';

/** JSON with sorted keys: equal values make equal texts, whatever order their fields were written in. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, part]) => part !== undefined);
  const sorted = entries.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${sorted.map(([key, part]) => `${JSON.stringify(key)}:${canonicalJson(part)}`).join(',')}}`;
}

/**
 * What a release is made of, of all that a spec says: a change of it needs a new release. Variables are not in it: their values count as
 * resolved, by a digest.
 */
export function runtimePart(spec: ServiceSpec): Readonly<Record<string, string>> {
  return Object.fromEntries(
    aspects.flatMap(({ field, release, said, silent }) => {
      const text = said(spec);
      return release && text !== silent ? [[field, text]] : [];
    }),
  );
}

/** What changes without a new release, as `numInstances: 2 -> 3`; empty when nothing does. */
export function liveChanges(old: ServiceSpec, next: ServiceSpec): readonly string[] {
  return differences(
    old,
    next,
    aspects.filter((aspect) => !aspect.release),
  );
}

/** The fingerprint of a release: two with the same one would run the same. `digest` is a cryptographic hash of a text. */
export function releaseFingerprint(
  input: { readonly sourceDigest: string; readonly spec: ServiceSpec; readonly variablesDigest: string },
  digest: (text: string) => string,
): string {
  const { sourceDigest, spec, variablesDigest } = input;
  return digest(canonicalJson({ source: sourceDigest, spec: runtimePart(spec), variables: variablesDigest }));
}
