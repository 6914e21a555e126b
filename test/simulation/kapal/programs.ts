import type { RunSpec } from '../../../src/runtime/port.ts';
import type { Behaviour } from '../../../src/runtime/simulated/behaviour.ts';
import type { Noise } from '../noise.ts';

/** What a program does is written in its command: `serve good 120`, `make ok 50`, `migrate fail 30`. */
export const serverKinds = ['good', 'crash', 'deaf', 'sick', 'later', 'stubborn', 'leaves'] as const;
export type ServerKind = (typeof serverKinds)[number];
export const jobKinds = ['ok', 'fail', 'hang'] as const;
export type JobKind = (typeof jobKinds)[number];

const exitsWith = (code: number) => ({ code, signal: null, reason: 'exited' }) as const;

/** `taken`: another program holds its port. */
export function behaviourOf(
  spec: RunSpec,
  { noise, taken }: { readonly noise: Noise; readonly taken: boolean },
): Partial<Behaviour> {
  const [, program = '', kind = '', number = '0'] = /(serve|make|migrate) (\w+) (\d+)/.exec(spec.command) ?? [];
  const time = Number(number);
  const launch = noise.between(1, 20);
  const terminatesAfter = noise.between(5, 500);
  if (program !== 'serve') {
    const endsAfter = kind === 'hang' ? null : time;
    return { launch, terminatesAfter, listensAfter: null, endsAfter, exit: exitsWith(kind === 'ok' ? 0 : 1) };
  }
  const boot = launch + time;
  const server: Partial<Behaviour> = { launch, terminatesAfter, listensAfter: boot };
  if (taken) return { ...server, listensAfter: null, endsAfter: launch + 20, exit: exitsWith(98) };
  switch (kind as ServerKind) {
    case 'good':
    case 'sick':
      return server;
    case 'crash':
      return { ...server, listensAfter: null, endsAfter: boot, exit: exitsWith(1) };
    case 'deaf':
      return { ...server, listensAfter: null };
    case 'later':
      return { ...server, endsAfter: boot + noise.between(2_000, 30_000), exit: exitsWith(1) };
    case 'stubborn':
      return { ...server, terminatesAfter: null };
    case 'leaves':
      return {
        ...server,
        endsAfter: noise.chance(0.5) ? boot + noise.between(5_000, 30_000) : null,
        leavesProcesses: true,
      };
  }
}

/** It listens and answers 500. */
export function isSickFromBirth(spec: RunSpec): boolean {
  return spec.command.startsWith('serve sick');
}
