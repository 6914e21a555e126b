import { runtimeConformance } from './runtime.ts';
import { ProcessSubject } from './runtime-process.ts';
import { SimulatedSubject } from './runtime-simulated.ts';

runtimeConformance('simulated', async () => new SimulatedSubject());
runtimeConformance('process', () => ProcessSubject.make());
runtimeConformance('process, without cgroups', () => ProcessSubject.make({ useCgroups: 'off' }));
