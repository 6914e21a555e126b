import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { type Built, makeProject, openWorkshop, type Project, runPlan, type Workshop } from './build-fixtures.ts';

/** The one small dependency of these projects, from the real registry. */
const manifest = (more: object = {}) =>
  JSON.stringify({
    name: 'shop',
    version: '1.0.0',
    private: true,
    dependencies: { 'is-number': '7.0.0' },
    scripts: {
      build: "node -e \"require('fs').writeFileSync('out.txt', String(require('is-number')('5')) + process.version)\"",
    },
    ...more,
  });

describe('a project is built for real, as another user where the test may', () => {
  let workshop: Workshop;
  before(async () => void (workshop = await openWorkshop()));
  after(() => workshop[Symbol.asyncDispose]());

  async function build(project: Project): Promise<Built & { readonly tools: readonly string[] }> {
    const plan = await workshop.builder.plan(project.request);
    return { ...(await runPlan(project.request, plan)), tools: plan.tools };
  }

  /** Without a lock file first, then with the one that this made: as a user's first and second deploy. */
  async function buildTwice(
    t: TestContext,
    given: { lock: string; more?: object; files?: Record<string, string> },
  ): Promise<[Built, Built, Project]> {
    const files = { 'package.json': manifest(given.more), ...given.files };
    const first = await makeProject(t, files);
    const one = await build(first);
    await check(first, one);
    const lock = await readFile(join(first.folder, given.lock), 'utf8');
    const second = await makeProject(t, { ...files, [given.lock]: lock }, { variables: { NODE_ENV: 'production' } });
    const two = await build(second);
    await check(second, two);
    return [one, two, second];
  }

  async function check({ folder }: Project, { code, output }: Built): Promise<void> {
    assert.equal(code, 0, output);
    assert.equal(await readFile(join(folder, 'out.txt'), 'utf8'), `true${process.version}`);
  }

  test('with npm, development dependencies too, and its cache kept in the home of the service', async (t) => {
    const [one, two, second] = await buildTwice(t, {
      lock: 'package-lock.json',
      more: { devDependencies: { 'is-odd': '3.0.1' } },
    });
    assert.match(one.output, /^==> Installing dependencies \(npm install --include=dev\)\n/);
    assert.match(
      two.output,
      /^==> Installing dependencies \(npm ci --include=dev; package-lock.json\)\n[^]*\n==> Building \(npm run build\)\n/,
    );
    assert.equal(second.request.variables['NODE_ENV'], 'production');
    await access(join(second.folder, 'node_modules', 'is-odd', 'package.json'));
    assert.deepEqual((await readdir(join(second.request.account.home, '.cache'))).includes('npm'), true);
  });

  test('with pnpm', async (t) => {
    const [, two] = await buildTwice(t, { lock: 'pnpm-lock.yaml', more: { packageManager: 'pnpm@9.15.9' } });
    assert.match(two.output, /pnpm install --frozen-lockfile/);
  });

  test('with yarn 1', async (t) => {
    const [, two] = await buildTwice(t, { lock: 'yarn.lock', more: { packageManager: 'yarn@1.22.22' } });
    assert.match(two.output, /yarn install --frozen-lockfile/);
  });

  test('with yarn 4', async (t) => {
    const [, two] = await buildTwice(t, {
      lock: 'yarn.lock',
      more: { packageManager: 'yarn@4.18.1' },
      files: { '.yarnrc.yml': 'nodeLinker: node-modules\n' },
    });
    assert.match(two.output, /yarn install --immutable/);
  });

  test('with pnpm and yarn named by a declared command or by a start command', async (t) => {
    const project = await makeProject(
      t,
      { 'package.json': manifest() },
      { command: 'pnpm install && pnpm run build && yarn --version' },
    );
    const result = await build(project);
    await check(project, result);
    assert.deepEqual(
      result.tools.map((tool) => tool.split(' ')[0]),
      ['pnpm', 'yarn'],
    );
    // At run time only the toolchain's own folder is on PATH.
    const { PATH: _, ...environment } = (await workshop.builder.plan(project.request)).environment;
    const path = `${workshop.toolchain.bin}:/usr/bin:/bin`;
    const started = await runPlan(project.request, {
      steps: [{ title: 'start', command: 'pnpm --version && yarn --version' }],
      environment: { ...environment, PATH: path },
    });
    assert.equal(started.code, 0, started.output);
    assert.match(started.output, /\n\d+\.\d+\.\d+\n1\.22\.\d+\n$/);
    const asks = await makeProject(t, {
      'package.json': '{\n  "name": "x", "packageManager": "pnpm@9.15.9+sha1.0"\n}',
    });
    const asked = await runPlan(asks.request, {
      steps: [{ title: 'start', command: 'pnpm --version' }],
      environment: { PATH: path },
    });
    assert.match(asked.output, /\n9\.15\.9\n$/);
  });

  test('a part of a workspace', async (t) => {
    const files = {
      'package.json': JSON.stringify({ private: true, workspaces: ['apps/*'] }),
      'apps/web/package.json': manifest({ name: 'web' }),
    };
    const project = await makeProject(t, files, { rootDir: 'apps/web' });
    const { code, output } = await build(project);
    assert.equal(code, 0, output);
    await access(join(project.folder, 'node_modules', 'is-number', 'package.json'));
    await access(join(project.folder, 'apps', 'web', 'out.txt'));
  });

  test('and a step that fails ends it with what npm said', async (t) => {
    const project = await makeProject(t, {
      'package.json': manifest({ dependencies: {}, scripts: { build: 'echo to stderr >&2; exit 3' } }),
    });
    const { code, output } = await build(project);
    assert.equal(code, 3, output);
    assert.match(output, /to stderr/);
  });

  test('a tool whose hash is not the one that package.json demands is not used', async (t) => {
    const tarball = (await npmView('yarn@1.22.21')).integrity;
    const right = Buffer.from(tarball.replace('sha512-', ''), 'base64').toString('hex');
    const demand = async (hash: string) => {
      const project = await makeProject(t, {
        'package.json': manifest({ packageManager: `yarn@1.22.21+sha512.${hash}` }),
      });
      return workshop.builder.plan(project.request);
    };
    await assert.rejects(demand('0'.repeat(128)), {
      code: 'toolchain_missing',
      message: /is not what package.json demands/,
    });
    assert.deepEqual((await demand(right)).tools, ['yarn 1.22.21']);
    const left = await readdir(join(workshop.folder, 'toolchain'));
    assert.deepEqual(
      left.filter((name) => name.endsWith('.part')),
      [],
    );
  });
});

async function npmView(name: string): Promise<{ readonly integrity: string }> {
  const text = execFileSync('npm', ['view', name, 'dist', '--json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const dist: unknown = JSON.parse(text);
  if (typeof dist === 'object' && dist !== null && 'integrity' in dist && typeof dist.integrity === 'string')
    return { integrity: dist.integrity };
  throw new TypeError(`npm view ${name} has no integrity`);
}
