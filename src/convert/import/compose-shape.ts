import type { MapValue } from '../../spec/yaml/value.ts';
import type { Origin } from '../../spec/draft/note.ts';
import type { ImageKind } from './compose-images.ts';
import type { Draft, Plain } from '../../spec/draft/draft.ts';
import type { ImportInput } from './importer.ts';

/** A file of Compose while it is read. */
export interface Whole extends ImportInput {
  readonly draft: Draft;
  readonly services: Map<string, ComposeService>;
  /** Names that other services may mean and that Kapal does not run. */
  readonly leftOut: Set<string>;
  /** Services that end before others begin, with what they run: those become commands of the others. */
  readonly onceOnly: Map<string, string>;
}

/** A service as Compose declares it, read field by field; what it becomes depends on several of them together. */
export interface ComposeService {
  readonly name: string;
  readonly origin: Origin;
  readonly map: MapValue;
  readonly kind: ImageKind | null;
  /** `null` where it is built. */
  readonly image: { readonly name: string; readonly origin: Origin } | null;
  readonly fields: { readonly name: string; readonly value: Plain; readonly origin: Origin }[];
  readonly variables: { readonly key: string; readonly text: string | null; readonly origin: Origin }[];
  readonly command: { entrypoint?: Placed; command?: Placed };
  /** `public` where ports are published, `private` where they are only exposed. */
  reach: 'public' | 'private' | null;
  readonly mounts: { readonly source: string; readonly target: string; readonly origin: Origin }[];
}

export interface Placed {
  readonly text: string;
  readonly origin: Origin;
}
