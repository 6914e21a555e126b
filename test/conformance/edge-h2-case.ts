import type { FrameClient } from './edge-h2-client.ts';

/** One thing that a client may do, and what may come of it. */
export interface FrameCase {
  /** With the section of RFC 9113, or of RFC 7541 (HPACK). */
  readonly name: string;
  /** `without`: the client has not greeted yet. */
  readonly greeting?: 'without';
  readonly settings?: readonly (readonly [number, number])[];
  readonly act: (client: FrameClient) => void | Promise<void>;
  /** Stream whose end is looked at; 1 unless told. */
  readonly stream?: number;
  /** Outcomes that the RFC allows: see `FrameClient.outcome`. A stream error may be answered as one of the connection (5.4.2). */
  readonly allowed: readonly string[];
  /** What nginx 1.22 does instead. */
  readonly nginx?: { readonly allowed: readonly string[]; readonly why: string };
}
