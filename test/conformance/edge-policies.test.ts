import { policyConformance } from './edge-policies.ts';
import { limitConformance } from './edge-policies-limits.ts';
import { secureConformance } from './edge-policies-secure.ts';
import { streamConformance } from './edge-policies-streams.ts';
import { engines } from './engines.ts';

for (const kind of engines) {
  policyConformance(kind);
  limitConformance(kind);
  streamConformance(kind);
  secureConformance(kind);
}
