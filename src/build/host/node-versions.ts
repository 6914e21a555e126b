import { mkdir, readdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import semver from 'semver';
import { exec } from '../../lib/exec.ts';
import { exists, makeFolder } from '../../lib/files.ts';
import type { NodeRequirement } from '../../model/build-recipe.ts';
import { KapalError } from '../../model/errors.ts';
import { fetchPackage } from './fetch-package.ts';
import type { RegistrySettings } from './registry.ts';
import { atomically, type Toolchain } from './toolchain.ts';
import type { ToolMarks } from './tool-store.ts';

/** A Node of another version than the daemon's. */
interface PlacedNode {
  /** `DATA/toolchain/node-16.20.2`: `bin`, `include`, and its npm. */
  readonly place: string;
  readonly bin: string;
  readonly version: string;
}

export interface FoundNode {
  /** Null for the daemon's own, which all services have. */
  readonly placed: PlacedNode | null;
  /** For people: `Node 16.20.2, as engines.node of package.json asks (16.x)`. */
  readonly about: string;
}

export interface NodeVersions {
  /**
   * The daemon's own Node where that is in the range, or the range says nothing that can be understood. Throws KapalError `toolchain_missing` where
   * there is no such Node for this machine, or the registry is not reached.
   */
  ensure(need: NodeRequirement): Promise<FoundNode>;
}

interface Options {
  readonly folder: string;
  readonly toolchain: () => Promise<Toolchain>;
  readonly registry: () => Promise<RegistrySettings>;
  readonly marks: ToolMarks;
}

/** Releases of npm by the oldest Node that each runs on (`engines` of their package.json), the newest first. */
const managers = [
  { node: '>=22.9.0', npm: '11' },
  { node: '>=20.17.0', npm: '11' },
  { node: '>=18.17.0', npm: '10' },
  { node: '>=14.17.0', npm: '9' },
  { node: '>=12.13.0', npm: '8' },
  { node: '>=6.2.0', npm: '6' },
] as const;

/** The oldest that is brought: before it, neither the packages of today nor their registries' TLS are to be relied on. */
const oldest = 12;

/** Nodes of other versions in `FOLDER/node-VERSION/`, each brought once from the npm registry with headers and an npm that runs on it. */
export function createNodeVersions(options: Options): NodeVersions {
  const coming = new Map<string, Promise<PlacedNode>>();
  return {
    async ensure(need) {
      const range = semver.validRange(need.range);
      const own = (await options.toolchain()).version;
      if (range === null || semver.satisfies(own, range)) return { placed: null, about: aboutOf(own, need, range) };
      const placed = (await placedIn(options, range)) ?? (await bringOnce(need, range));
      return { placed, about: aboutOf(placed.version, need, range) };
    },
  };

  function bringOnce(need: NodeRequirement, range: string): Promise<PlacedNode> {
    const started = coming.get(range);
    if (started !== undefined) return started;
    const bringing = bring(need, range, options).finally(() => coming.delete(range));
    coming.set(range, bringing);
    return bringing;
  }
}

function aboutOf(version: string, { said, range }: NodeRequirement, understood: string | null): string {
  if (said === null) return `Node ${version}; nothing says which it needs, such as engines.node of package.json`;
  if (understood === null) return `Node ${version}; ${said} says "${range}", which is no version`;
  return `Node ${version}, as ${said} asks (${range})`;
}

/** The newest of those that were brought already: a project gets the same Node at its next deploy, without asking the registry. */
async function placedIn({ folder, marks }: Options, range: string): Promise<PlacedNode | null> {
  const names = (await exists(folder)) ? await readdir(folder) : [];
  const versions = names.flatMap((name) => /^node-(\d+\.\d+\.\d+)$/.exec(name)?.[1] ?? []);
  const found = semver.maxSatisfying(versions, range);
  if (found === null) return null;
  await marks.mark(`node-${found}`);
  if (!(await exists(join(folder, `node-${found}`, 'include')))) return null;
  return at(folder, found);
}

function at(folder: string, version: string): PlacedNode {
  const place = join(folder, `node-${version}`);
  return { place, bin: join(place, 'bin'), version };
}

async function bring(need: NodeRequirement, range: string, options: Options): Promise<PlacedNode> {
  const lowest = semver.minVersion(range);
  const highest = semver.maxSatisfying(majors(), range);
  if (lowest === null || (highest === null && lowest.major < oldest)) throw unknown(need);
  const toolchain = await options.toolchain();
  const settings = await options.registry();
  const fetchInto = (part: string, spec: string) => fetchPackage(spec, { part, toolchain, settings });
  const part = join(options.folder, `node.${process.pid}.${Date.now()}.part`);
  await makeFolder(part);
  try {
    const node = await fetchInto(join(part, 'node'), `node-linux-${process.arch}@${range}`).catch((cause: unknown) => {
      throw unknown(need, cause);
    });
    const npm = managers.find((one) => semver.satisfies(node.version, one.node))?.npm ?? '6';
    const { folder } = await fetchInto(join(part, 'npm'), `npm@${npm}`);
    await mkdir(join(node.folder, 'lib', 'node_modules'), { recursive: true });
    await rename(folder, join(node.folder, 'lib', 'node_modules', 'npm'));
    for (const name of ['npm', 'npx'])
      await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(node.folder, 'bin', name));
    await exec('chmod', ['-R', 'a+rX', '--', node.folder]);
    const placed = at(options.folder, node.version);
    await options.marks.mark(`node-${node.version}`);
    await atomically(placed.place, async (fresh) => {
      await rm(fresh, { recursive: true });
      await rename(node.folder, fresh);
    });
    return placed;
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

/** One version of each line that could be meant, to tell a range of old ones alone. */
function majors(): string[] {
  return Array.from({ length: 30 }, (_, offset) => `${oldest + offset}.99.99`);
}

function unknown(need: NodeRequirement, cause?: unknown): KapalError {
  const log = cause instanceof KapalError ? cause.log : [];
  return new KapalError(
    'toolchain_missing',
    `no Node for "${need.range}", which ${need.said ?? 'the project'} asks for, could be brought`,
    {
      hint: `Kapal brings Node ${oldest} and later from the npm registry: change what it asks for, or see whether this machine reaches the registry (npm ping).`,
      log,
      cause,
    },
  );
}
