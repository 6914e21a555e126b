/** Requests that the edge refused because of overload in one go: it ends when none was refused for a while. */
export interface OverloadEpisode {
  readonly since: number;
  /** The last look that found more. */
  readonly last: number;
  readonly refused: number;
}

/** What is known of a service: the edge's count at the last look, and the episode that goes on, if one does. */
export interface OverloadState {
  readonly count: number;
  readonly episode: OverloadEpisode | null;
}

export const neverOverloaded: OverloadState = { count: 0, episode: null };

/** What people are to be told: once when it begins, and once when it is over. */
export type OverloadNews =
  | { readonly kind: 'began' }
  | { readonly kind: 'ended'; readonly refused: number; readonly milliseconds: number };

/** Milliseconds without a refusal after which it is over. */
const quiet = 15_000;

/** Pure: what one look at the edge's counter says. A count that is lower than before is of workers that have begun anew. */
export function lookAtOverload(
  { count, episode }: OverloadState,
  seen: { readonly count: number; readonly now: number },
): { readonly state: OverloadState; readonly news: OverloadNews | null } {
  const { now } = seen;
  const more = seen.count < count ? seen.count : seen.count - count;
  if (more > 0) {
    const next = { since: episode?.since ?? now, last: now, refused: (episode?.refused ?? 0) + more };
    return { state: { count: seen.count, episode: next }, news: episode === null ? { kind: 'began' } : null };
  }
  // A clock that was set back ends it too.
  if (episode === null || Math.abs(now - episode.last) < quiet)
    return { state: { count: seen.count, episode }, news: null };
  const { since, last, refused } = episode;
  return {
    state: { count: seen.count, episode: null },
    news: { kind: 'ended', refused, milliseconds: Math.max(0, last - since) },
  };
}
