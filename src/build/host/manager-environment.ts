import { join } from 'node:path';
import type { BuildRecipe } from '../../model/build-recipe.ts';
import type { RegistrySettings } from './registry.ts';

/**
 * Settings of the package managers for one service: its caches below its own home, so that the next build finds what the last one downloaded and
 * no service reads or spoils another's; and how this machine reaches the registry. A setting in an unknown YARN_ variable is an error to yarn 2 and
 * later, so each kind gets its own.
 */
export function managerEnvironment(input: {
  manager: BuildRecipe['manager'];
  settings: RegistrySettings;
  home: string;
}): Record<string, string> {
  const cache = join(input.home, '.cache');
  return {
    ...input.settings.environment,
    npm_config_cache: join(cache, 'npm'),
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    npm_config_progress: 'false',
    ...pnpmEnvironment(input.manager, cache),
    ...yarnEnvironment(input.manager, { settings: input.settings, cache }),
  };
}

/** npm warns about settings that it does not know, in every build. */
function pnpmEnvironment(manager: BuildRecipe['manager'], cache: string): Record<string, string> {
  if (manager !== 'pnpm') return {};
  // pnpm 10 would fetch another version of itself while it runs.
  return { npm_config_store_dir: join(cache, 'pnpm'), npm_config_manage_package_manager_versions: 'false' };
}

function yarnEnvironment(
  manager: BuildRecipe['manager'],
  { settings, cache }: { settings: RegistrySettings; cache: string },
): Record<string, string> {
  if (manager === 'yarn') return { YARN_CACHE_FOLDER: join(cache, 'yarn') };
  if (manager !== 'yarn-berry') return {};
  return { YARN_GLOBAL_FOLDER: join(cache, 'yarn-berry'), YARN_ENABLE_TELEMETRY: '0', ...settings.berry };
}
