import { KapalError } from '../../../model/errors.ts';
import type { ManagerTool } from '../../../model/build-recipe.ts';

/** How a project's dependencies are installed. All commands are fixed words. */
export interface PackageManager {
  readonly name: 'npm' | 'pnpm' | 'yarn';
  /** Null for npm, which comes with Node. */
  readonly tool: ManagerTool | null;
  readonly install: string;
  readonly build: string;
  /** `yarn` from version 2 on, which takes other settings. */
  readonly isBerry: boolean;
  readonly hasLock: boolean;
  /** For the step's title: `package-lock.json`, `package-lock.json; yarn.lock is ignored`. Null without a lock file. */
  readonly note: string | null;
}

/** What decides: the first lines of each lock file (null where there is none), and the field `packageManager`. */
export interface ManagerSigns {
  readonly packageManager: string | null;
  readonly locks: Readonly<Record<LockName, string | null>>;
  /** `pnpm-workspace.yaml`, which pnpm 10 also reads as its settings. */
  readonly pnpmWorkspace: string | null;
  readonly hasBuiltDependencies: boolean;
  readonly hasYarnSettings: boolean;
}

export const lockNames = ['npm-shrinkwrap.json', 'package-lock.json', 'pnpm-lock.yaml', 'yarn.lock'] as const;
export type LockName = (typeof lockNames)[number];

const owners = {
  'npm-shrinkwrap.json': 'npm',
  'package-lock.json': 'npm',
  'pnpm-lock.yaml': 'pnpm',
  'yarn.lock': 'yarn',
} as const satisfies Record<LockName, PackageManager['name']>;

/** Versions that read what their lock files hold; the last release of each line when this was written. */
const versions = {
  pnpm: { 5: '7.33.7', 6: '8.15.9', 9: '9.15.9', 10: '10.34.9' },
  yarn: { 1: '1.22.22', 2: '2.4.3', 3: '3.8.7', 4: '4.18.1' },
} as const;

/** The package manager of a project: the field `packageManager`, else the lock file, else npm. npm's lock file wins over others. */
export function decideManager(evidence: ManagerSigns): PackageManager {
  const present = lockNames.filter((name) => evidence.locks[name] !== null);
  const asked = parseField(evidence.packageManager);
  const name = asked?.name ?? (present[0] === undefined ? 'npm' : owners[present[0]]);
  const lock = present.find((one) => owners[one] === name) ?? null;
  const ignored = present.filter((one) => owners[one] !== name);
  const note = [lock, ...ignored.map((one) => `${one} is ignored`)].filter((part) => part !== null).join('; ');
  const common = { name, hasLock: lock !== null, note: note === '' ? null : note };
  switch (name) {
    case 'npm':
      return { ...common, ...npm(lock !== null) };
    case 'pnpm':
      return { ...common, ...pnpm(asked?.tool ?? pnpmTool(evidence), lock !== null) };
    case 'yarn':
      return { ...common, ...yarn(asked?.tool ?? yarnTool(evidence), lock !== null) };
  }
}

/** The version that a project without any sign of a package manager gets when its command calls one. */
export function usualTool(name: ManagerTool['name']): ManagerTool {
  return { name, version: name === 'pnpm' ? versions.pnpm[10] : versions.yarn[1], hash: null };
}

type Recipe = Pick<PackageManager, 'tool' | 'install' | 'build' | 'isBerry'>;

// Development dependencies hold the compilers, whatever NODE_ENV the service declares.
function npm(locked: boolean): Recipe {
  const install = locked ? 'npm ci --include=dev' : 'npm install --include=dev';
  return { tool: null, install, build: 'npm run build', isBerry: false };
}

function pnpm(tool: ManagerTool, locked: boolean): Recipe {
  const install = `pnpm install ${locked ? '--frozen-lockfile' : '--no-frozen-lockfile'} --prod=false`;
  return { tool, install, build: 'pnpm run build', isBerry: false };
}

function yarn(tool: ManagerTool, locked: boolean): Recipe {
  const isBerry = !tool.version.startsWith('1.');
  const classic = `yarn install${locked ? ' --frozen-lockfile' : ''} --production=false --non-interactive`;
  const berry = `yarn install ${locked ? '--immutable' : '--no-immutable'}`;
  return { tool, install: isBerry ? berry : classic, build: 'yarn run build', isBerry };
}

/** `lockfileVersion: '9.0'` in the first lines (pnpm 9 and 10 write the same). */
function pnpmTool(evidence: ManagerSigns): ManagerTool {
  const lock = evidence.locks['pnpm-lock.yaml'];
  const major = Number(/^lockfileVersion:\s*'?(\d+)/m.exec(lock ?? '')?.[1] ?? 9);
  const settings = evidence.pnpmWorkspace !== null && !/^packages:/m.test(evidence.pnpmWorkspace);
  const isTen = lock === null || settings || evidence.hasBuiltDependencies;
  const { pnpm: of } = versions;
  const version = major <= 5 ? of[5] : major <= 8 ? of[6] : isTen ? of[10] : of[9];
  return { name: 'pnpm', version, hash: null };
}

/** Berry's lock files have `__metadata:` with a version: 4 and 5 by yarn 2, 6 and 7 by yarn 3, 8 and up by yarn 4. */
function yarnTool(evidence: ManagerSigns): ManagerTool {
  const lock = evidence.locks['yarn.lock'];
  const metadata = lock === null ? null : /^__metadata:\s*\n\s+version:\s*(\d+)/m.exec(lock);
  const { yarn: of } = versions;
  const berry = metadata !== null || ((lock ?? '').trim() === '' && evidence.hasYarnSettings);
  if (!berry) return { name: 'yarn', version: of[1], hash: null };
  const format = Number(metadata?.[1] ?? 8);
  return { name: 'yarn', version: format >= 8 ? of[4] : format >= 6 ? of[3] : of[2], hash: null };
}

const managerField = /^(npm|pnpm|yarn)(?:@(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)(?:\+(sha\d+)\.([0-9a-f]+))?)?$/;

/** `pnpm@9.15.0+sha512.0123...`, as corepack writes it. Null without the field. */
function parseField(field: string | null): { name: PackageManager['name']; tool: ManagerTool | null } | null {
  if (field === null) return null;
  const match = managerField.exec(field.trim());
  const [, name, version, algorithm, hex] = match ?? [];
  if (name === 'npm') return { name, tool: null };
  if (name !== 'pnpm' && name !== 'yarn') throw unknownManager(field);
  const hash = algorithm === undefined || hex === undefined ? null : { algorithm, hex };
  return { name, tool: version === undefined ? null : { name, version, hash } };
}

/** Whether the field `packageManager` says nothing, or something that `decideManager` understands. */
export function isKnownManager(field: string | null): boolean {
  return field === null || managerField.test(field.trim());
}

export function unknownManager(field: string): KapalError {
  return new KapalError(
    'toolchain_missing',
    `packageManager ${JSON.stringify(field.slice(0, 100))} in package.json is not known here`,
    {
      hint: 'Kapal brings npm, pnpm and yarn, as in "packageManager": "pnpm@9.15.9"; or declare a buildCommand that needs none of them.',
    },
  );
}
