import fc from 'fast-check';
import type { RolloutPolicy } from '../../../src/rollout/view.ts';

/** One history: a service, how its releases behave, what people do to it, and how much goes wrong on the way. All times in milliseconds. */
export interface Scenario {
  /** Of the noise: delays, losses, repetitions. */
  readonly seed: number;
  readonly routed: boolean;
  /** It has a disk: one at a time, and one is wanted at most. */
  readonly exclusive: boolean;
  readonly desired: number;
  readonly policy: RolloutPolicy;
  /** Chance that any single message, action or observation goes wrong. */
  readonly faults: number;
  /** Of release 1, 2, ...; the last repeats. */
  readonly releases: readonly Behaviour[];
  readonly commands: readonly Command[];
}

export interface Behaviour {
  readonly kind: 'good' | 'crashes at boot' | 'never ready' | 'crashes later' | 'flaps' | 'mixed';
  readonly boot: number;
  readonly ignoresTerm: boolean;
  readonly prepare: 'absent' | 'succeeds' | 'fails' | 'hangs';
}

export interface Command {
  /** Since the one before. */
  readonly after: number;
  readonly act:
    | { readonly kind: 'deploy' | 'cancel' | 'stop' | 'crash' | 'sicken' }
    | { readonly kind: 'scale'; readonly desired: number }
    | { readonly kind: 'kill daemon'; readonly down: number }
    | { readonly kind: 'jump'; readonly by: number };
}

const policy: fc.Arbitrary<RolloutPolicy> = fc.record({
  strategy: fc.constantFrom('rolling', 'rolling', 'blue-green'),
  maxSurge: fc.integer({ min: 1, max: 3 }),
  startTimeout: fc.integer({ min: 2_000, max: 6_000 }),
  shutdownDelay: fc.integer({ min: 300, max: 3_000 }),
});

const behaviour: fc.Arbitrary<Behaviour> = fc.record({
  kind: fc.constantFrom(
    'good',
    'good',
    'good',
    'good',
    'crashes at boot',
    'never ready',
    'crashes later',
    'flaps',
    'mixed',
  ),
  boot: fc.integer({ min: 20, max: 1_800 }),
  ignoresTerm: fc.nat(5).map((n) => n === 0),
  prepare: fc.constantFrom('absent', 'absent', 'absent', 'absent', 'absent', 'succeeds', 'fails', 'hangs'),
});

const act: fc.Arbitrary<Command['act']> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ kind: 'deploy' as const }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom({ kind: 'cancel' as const }, { kind: 'cancel' as const }, { kind: 'stop' as const }),
  },
  { weight: 2, arbitrary: fc.constantFrom({ kind: 'crash' as const }, { kind: 'sicken' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('scale' as const), desired: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('kill daemon' as const), down: fc.integer({ min: 50, max: 4_000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('jump' as const), by: fc.integer({ min: 500, max: 120_000 }) }),
  },
);

const command: fc.Arbitrary<Command> = fc.record({
  after: fc.oneof(fc.nat(400), fc.nat(2_500), fc.nat(12_000)),
  act,
});

export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  routed: fc.nat(4).map((n) => n > 0),
  exclusive: fc.constant(false),
  desired: fc.integer({ min: 1, max: 4 }),
  policy,
  faults: fc.constantFrom(0, 0.02, 0.1, 0.25),
  releases: fc.array(behaviour, { minLength: 1, maxLength: 4 }),
  commands: fc.array(command, { minLength: 1, maxLength: 8 }),
});

/** The same histories of services that have a disk. */
export const diskScenarios: fc.Arbitrary<Scenario> = scenarios.map((scenario) => ({
  ...scenario,
  exclusive: true,
  desired: 1,
  commands: scenario.commands.map(({ after, act: one }) => ({
    after,
    act: one.kind === 'scale' ? { kind: 'scale', desired: 1 } : one,
  })),
}));
