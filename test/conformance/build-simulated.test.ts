import { nothingToBuild } from '../../src/model/build-recipe.ts';
import { KapalError } from '../../src/model/errors.ts';
import { createSimulatedBuilder } from '../../src/build/simulated/driver.ts';
import { builderConformance } from './build.ts';

builderConformance('simulated', async () => {
  const builder = createSimulatedBuilder();
  const runtime = { path: [], environment: {}, about: null };
  const plans = {
    project: ({ variables }: { variables: Readonly<Record<string, string>> }) => ({
      steps: [
        { title: 'Installing', command: 'echo install' },
        { title: 'Building', command: 'echo build' },
      ],
      environment: variables['CACHE'] === undefined ? { CACHE: '/cache' } : {},
      tools: [],
      notes: [],
      runtime,
    }),
    nothing: { steps: [], environment: {}, tools: [], notes: [], runtime },
    'no-tool': new KapalError('toolchain_missing', 'pnpm 0.0.0 is not there', { hint: 'Look for another.' }),
  };
  return {
    builder,
    async arrange(service, _folder, kind) {
      builder.script(service, plans[kind]);
      return nothingToBuild;
    },
  };
});
