/**
 * Whether an endpoint is to be asked for anything, from what its checks say. Pure: the caller asks and remembers.
 *
 *   sound --active check refused, or failed twice in a row--> down
 *   sound --stalled, and nothing came back for a request--> down
 *   down --one good answer--> sound, `since` now
 *
 * It is not the state of an instance, which its own probes make: a stopped process is passed over within two seconds and its instance lives on, to be
 * named again when it answers. Where the probes find the same, the instance is `unready`, leaves the table, and what is known here is forgotten.
 */
export type EndpointHealth =
  | {
      readonly state: 'sound';
      /** Failed active checks in a row. */
      readonly failures: number;
      /** Until then (monotonic) a stall is no news: it answered lately. */
      readonly trustedUntil: number;
      /** When it came back, since the epoch; null where it was never gone. */
      readonly since: number | null;
    }
  | {
      readonly state: 'down';
      /** `silent`: nothing came back for a request. Only an answer to a request brings it back, since a stopped process still accepts. */
      readonly cause: 'check' | 'silent';
      readonly detail: string;
      /** Its name has no address, as far as the last answer goes. */
      readonly unresolved: boolean;
      readonly failures: number;
    };

/** What came of one question. `asked`: the active check, or whether it answers at all. */
export interface Asked {
  readonly asked: 'check' | 'alive';
  readonly ok: boolean;
  readonly refused: boolean;
  readonly detail: string;
  readonly unresolved?: true;
  readonly now: number;
  readonly monotonic: number;
}

const failuresUntilDown = 2;

/** Milliseconds in which a slow endpoint that has answered is not asked again. */
const trust = 3_000;

export const soundFromTheBeginning: EndpointHealth = { state: 'sound', failures: 0, trustedUntil: 0, since: null };

export function heard(health: EndpointHealth, asked: Asked): EndpointHealth {
  const unresolved = asked.unresolved === true;
  if (health.state === 'down')
    return asked.ok ? returned(health, asked) : { ...health, detail: asked.detail, unresolved };
  const failures = asked.asked === 'check' && !asked.ok ? health.failures + 1 : 0;
  if (asked.ok) {
    const trustedUntil = asked.asked === 'alive' ? asked.monotonic + trust : health.trustedUntil;
    return { ...health, failures: 0, trustedUntil };
  }
  if (asked.asked === 'alive')
    return { state: 'down', cause: 'silent', detail: asked.detail, unresolved, failures: health.failures };
  if (asked.refused || failures >= failuresUntilDown)
    return { state: 'down', cause: 'check', detail: asked.detail, unresolved, failures };
  return { ...health, failures };
}

function returned(health: Extract<EndpointHealth, { state: 'down' }>, asked: Asked): EndpointHealth {
  // An accepted connection is no answer of a process that stopped answering.
  if (health.cause === 'silent' && asked.asked === 'check') return { ...health, unresolved: false };
  return { state: 'sound', failures: 0, trustedUntil: asked.monotonic + trust, since: asked.now };
}

/** Whether people are to be told: it went down, came back, or is down for another kind of reason, since a name is mended elsewhere than a server. */
export function isNews(before: EndpointHealth, now: EndpointHealth): boolean {
  if (before.state !== 'down' || now.state !== 'down') return before.state !== now.state;
  return before.unresolved !== now.unresolved;
}
