/**
 * Who may import whom under src/, as the architecture states it. `.oxlintrc.json` says the same as bans, because that is what a
 * linter can check; `planted-violation.ts` proves the two against each other, pair by pair.
 *
 * A port (`runtime`) is the files directly in its folder; each folder below it (`runtime/process`) is a driver.
 */
export const portLayers = ['build', 'certificates', 'datastore', 'edge', 'network', 'runtime'] as const;

const pureRing = ['model', 'spec', 'plan', 'rollout'];
const base = ['model', 'spec', 'lib', 'lib/errors.ts', 'secrets'];
const driver = ['model', 'lib', 'lib/errors.ts', 'secrets'];
const drivers = [
  'build/host',
  'build/dockerfile',
  'certificates/acme',
  'certificates/hook',
  'certificates/local',
  'certificates/network',
  'datastore/postgres',
  'edge/combined',
  'edge/embedded',
  'edge/nginx',
  'network/linux',
  'runtime/process',
];
const belowReconcile = [
  ...base,
  ...pureRing,
  ...portLayers,
  'access',
  'source',
  'release',
  'state',
  'observe',
  'api/contract',
];
const belowApi = [...belowReconcile, 'reconcile'];

/** For each place, the other places that it may import. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  model: [],
  lib: [],
  spec: ['model', 'lib/errors.ts'],
  convert: ['model', 'spec', 'lib/errors.ts'],
  plan: ['model', 'spec'],
  rollout: ['model', 'spec'],
  secrets: driver.filter((place) => place !== 'secrets'),
  source: base,
  build: [...base, ...portLayers],
  'build/host': [...driver, 'build'],
  'build/dockerfile': [...driver, 'build'],
  certificates: [...base, ...portLayers],
  'certificates/acme': [...driver, 'certificates'],
  'certificates/hook': [...driver, 'certificates'],
  'certificates/local': [...driver, 'certificates'],
  'certificates/network': [...driver, 'certificates'],
  datastore: [...base, ...portLayers],
  'datastore/postgres': [...driver, 'datastore'],
  edge: [...base, ...portLayers],
  'edge/combined': [...driver, 'edge'],
  'edge/embedded': [...driver, 'edge'],
  'edge/nginx': [...driver, 'edge'],
  network: [...base, ...portLayers],
  'network/linux': [...driver, 'network'],
  runtime: [...base, ...portLayers],
  'runtime/process': [...driver, 'runtime'],
  'runtime/simulated': [...driver, 'runtime'],
  observe: [...base, ...portLayers],
  release: [...base, ...portLayers, 'source', 'state'],
  state: [...base, ...pureRing, ...portLayers, 'source'],
  access: [...driver, 'state'],
  reconcile: belowReconcile,
  api: belowApi,
  'api/contract': ['model'],
  boot: ['lib', 'lib/errors.ts'],
  cli: ['lib', 'lib/errors.ts', 'api/contract'],
  daemon: [...belowApi, ...drivers, 'runtime/simulated', 'api', 'boot', 'cli', 'convert'],
};

/** The folders directly below src/ that have a layer rule; a new one is added here and in `.oxlintrc.json` first. */
export const knownFolders: ReadonlySet<string> = new Set(
  Object.keys(mayImport).map((place) => place.split('/')[0] ?? place),
);
