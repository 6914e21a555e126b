import { spawn } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createHostBuilder } from '../../src/build/host/driver.ts';
import { HostTools } from '../../src/build/host/tool-store.ts';
import { ensureToolchain, type Toolchain } from '../../src/build/host/toolchain.ts';
import type { Builder, BuildPlan, BuildRequest } from '../../src/build/port.ts';
import { buildScript } from '../../src/build/script.ts';
import { serviceId } from '../../src/model/service.ts';
import { buildRecipe } from '../../src/spec/language/build.ts';
import type { Runtime } from '../../src/spec/spec.ts';
import { placeToolchain } from '../toolchain.ts';
import { sourceOf } from '../unit/spec/source.ts';

const isRoot = process.getuid?.() === 0;
/** As root, builds run as another user, as they do in production: `nobody`. */
const other = isRoot ? { uid: 65_534, gid: 65_534 } : null;

export interface Workshop extends AsyncDisposable {
  readonly folder: string;
  readonly builder: Builder;
  readonly toolchain: Toolchain;
}

/** A builder with a toolchain of its own, where every user reaches it. */
export async function openWorkshop(): Promise<Workshop> {
  const folder = await mkdtemp(join(tmpdir(), 'kapal-test-workshop-'));
  await chmod(folder, 0o755);
  await placeToolchain(join(folder, 'toolchain'));
  const toolchain = await ensureToolchain({ folder: join(folder, 'toolchain'), node: process.execPath });
  const builder = createHostBuilder({
    folder: join(folder, 'toolchain'),
    marks: new HostTools(join(folder, 'toolchain'), toolchain.version),
    toolchain: () => Promise.resolve(toolchain),
    environment: process.env,
  });
  return { folder, builder, toolchain, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** What a declaration would say, beside what a request can. */
export type ProjectChange = Partial<Omit<BuildRequest, 'recipe'>> & {
  readonly runtime?: Runtime;
  readonly command?: string;
  readonly start?: string;
};

export interface Project {
  readonly folder: string;
  readonly request: BuildRequest;
}

/** A project of these files, which belongs to the user that will build it. */
export async function makeProject(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  { runtime = 'node', command, start, ...change }: ProjectChange = {},
): Promise<Project> {
  const top = await mkdtemp(join(tmpdir(), 'kapal-test-project-'));
  t.after(() => rm(top, { recursive: true, force: true }));
  const [folder, home] = [join(top, 'artifact'), join(top, 'home')];
  for (const path of [folder, home]) await mkdir(path);
  const owned = new Set([top, folder, home]);
  for (const [path, content] of Object.entries(files)) {
    const parents = path
      .split('/')
      .slice(0, -1)
      .map((_, at, names) => join(folder, ...names.slice(0, at + 1)));
    for (const parent of parents) await mkdir(parent, { recursive: true });
    await writeFile(join(folder, path), content);
    for (const made of [...parents, join(folder, path)]) owned.add(made);
  }
  if (other !== null) for (const path of owned) await chown(path, other.uid, other.gid);
  const commands = { build: command ?? null, preDeploy: null, start: start ?? null };
  const recipe = buildRecipe(sourceOf(files), { runtime, rootDir: change.rootDir ?? '.', commands });
  return { folder, request: { ...requestFor(folder, home), recipe, ...change } };
}

function requestFor(folder: string, home: string): Omit<BuildRequest, 'recipe'> {
  return {
    id: 'build-1',
    service: serviceId({ project: 'shop', environment: 'production', service: 'api' }),
    folder,
    rootDir: '.',
    variables: {},
    account: {
      user: null,
      uid: other?.uid ?? null,
      gid: other?.gid ?? null,
      home,
      environment: { PATH: '/usr/bin:/bin', HOME: home, TMPDIR: home },
    },
  };
}

export interface Built {
  readonly code: number | null;
  readonly output: string;
}

/** Runs the steps as they are run for real: one script, the service's user, declared variables, nothing else. */
export function runPlan(request: BuildRequest, plan: Pick<BuildPlan, 'steps' | 'environment'>): Promise<Built> {
  const child = spawn('/bin/sh', ['-c', buildScript(plan.steps)], {
    cwd: join(request.folder, request.rootDir),
    env: { ...request.account.environment, ...plan.environment, ...request.variables },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...other,
  });
  const parts: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => parts.push(part));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output: Buffer.concat(parts).toString() }));
  });
}
