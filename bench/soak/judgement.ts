import type { Course, Tolerance } from './series.ts';
import { isFlat } from './series.ts';

/** How a figure is judged: by its course, by a bound that the documentation states, or not at all. */
export type Rule =
  | ({ readonly kind: 'flat' } & Tolerance)
  | { readonly kind: 'bounded'; readonly most: number; readonly why: string }
  | { readonly kind: 'shown' };

const services = 4;
const quota = 67.2;
const accessLog = 33.6;

/** In order: the first that matches rules. */
const rules: readonly (readonly [RegExp, Rule])[] = [
  [/\.(resident|own)$/, { kind: 'flat', share: 0.04, grain: 2 }],
  // As many sockets of the edge as visitors have connections: those are judged at rest.
  [/^edge worker\.(descriptors|sockets)$/, { kind: 'shown' }],
  [/\.(descriptors|plain descriptors|sockets|threads|processes)$/, { kind: 'flat', share: 0, grain: 2 }],
  [/^beyond instances\./, { kind: 'flat', share: 0, grain: 1 }],
  [/^(users|mounts|control groups of services|other processes)$/, { kind: 'flat', share: 0, grain: 0 }],
  [/^rows\.(services|variables|domains)$/, { kind: 'flat', share: 0, grain: 2 }],
  [/^rows\.certificates$/, { kind: 'bounded', most: 6, why: 'one a host, of which four come and go' }],
  [/^artifacts$/, { kind: 'bounded', most: 10 * services + 3, why: '10 of a service, and what is being built' }],
  [/^files\.runs$/, { kind: 'flat', share: 0, grain: 20 }],
  [/^rows\.operations$/, { kind: 'bounded', most: 2_000, why: '500, and those of the last hour' }],
  [/^rows\.tasks$/, { kind: 'bounded', most: 4_000, why: 'those of the operations' }],
  [/^rows\.events$/, { kind: 'bounded', most: 10_100, why: '10,000' }],
  [/^rows\.releases of a service$/, { kind: 'bounded', most: 101, why: '100 of a service' }],
  [/^rows\.rollouts$/, { kind: 'bounded', most: 101 * services, why: '100 of a service' }],
  [
    /^MB\.(logs|logs\/logs\.db)$/,
    { kind: 'bounded', most: services * quota * 1.25 + 40, why: '64 MiB of lines a service, pages and journal beside' },
  ],
  [/^MB\.logs\/logs\.db-wal$/, { kind: 'bounded', most: 24, why: 'carried over at 8 MiB' }],
  [/^MB\.logs\/daemon\.log$/, { kind: 'bounded', most: 10.6, why: '10 MiB, and one before' }],
  [/^MB\.record\/record\.db-wal$/, { kind: 'bounded', most: 17, why: '16 MiB' }],
  [/^MB\.record/, { kind: 'bounded', most: 40, why: 'its rows' }],
  [
    /^MB\.(edge|edge-nginx)$/,
    { kind: 'bounded', most: 2 * 3 * accessLog + 30, why: '3 files of 32 MiB for the access log of each worker' },
  ],
  [/^trees beyond/, { kind: 'bounded', most: 10 + 10 * services, why: '10 releases of each service, and 10' }],
  [/^files\.(homes|record|edge|edge-nginx|keys|local-authority|logs|git)$/, { kind: 'flat', share: 0.05, grain: 4 }],
  [/^MB\.(runs|releases|homes)$/, { kind: 'flat', share: 0.05, grain: 2 }],
];

export function ruleOf(figure: string): Rule {
  return rules.find(([pattern]) => pattern.test(figure))?.[1] ?? { kind: 'shown' };
}

/** `flat`, `bounded`, what it fails by, or `` for what is only shown. */
export function verdictOf(rule: Rule, course: Course): { readonly passed: boolean; readonly word: string } {
  switch (rule.kind) {
    case 'flat':
      return isFlat(course, rule) ? { passed: true, word: 'flat' } : { passed: false, word: 'GROWS' };
    case 'bounded':
      return course.highest <= rule.most
        ? { passed: true, word: `within ${rule.most.toFixed(0)} (${rule.why})` }
        : { passed: false, word: `OVER ${rule.most.toFixed(0)} (${rule.why})` };
    case 'shown':
      return { passed: true, word: '' };
  }
}
