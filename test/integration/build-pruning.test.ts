import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { type Built, makeProject, openWorkshop, type Project, runPlan, type Workshop } from './build-fixtures.ts';

interface Manager {
  readonly lock: string;
  readonly packageManager?: string;
  readonly files?: Readonly<Record<string, string>>;
  /** An unchanged install is taken from the last build: not where packages of the project's own are among it. */
  readonly reuses: boolean;
  /** What has an install script of its own: a folder of the project's, the archive of one, or a package of the registry's. */
  readonly made: 'native' | 'archive' | 'esbuild';
  /** Programs of this Node, and what brings it. */
  readonly engine?: string;
}

const managers: Readonly<Record<string, Manager>> = {
  npm: { lock: 'package-lock.json', reuses: true, made: 'esbuild' },
  'npm 8, of Node 14': { lock: 'package-lock.json', reuses: true, made: 'esbuild', engine: '14.16.1' },
  'pnpm 8': { lock: 'pnpm-lock.yaml', packageManager: 'pnpm@8.15.9', reuses: false, made: 'esbuild' },
  'pnpm 9': { lock: 'pnpm-lock.yaml', packageManager: 'pnpm@9.15.9', reuses: false, made: 'esbuild' },
  'pnpm 10': { lock: 'pnpm-lock.yaml', packageManager: 'pnpm@10.34.9', reuses: false, made: 'esbuild' },
  'yarn 1': { lock: 'yarn.lock', packageManager: 'yarn@1.22.22', reuses: false, made: 'native' },
  'yarn 4': {
    lock: 'yarn.lock',
    packageManager: 'yarn@4.18.1',
    files: { '.yarnrc.yml': 'nodeLinker: node-modules\nenableScripts: true\n' },
    reuses: false,
    made: 'archive',
  },
};

/** A package of the project's own whose install makes something, as those do that compile. */
const native = {
  'native/package.json': JSON.stringify({ name: 'native', version: '1.0.0', scripts: { install: 'node make.js' } }),
  'native/make.js': "require('fs').writeFileSync('made.js', 'module.exports = \"made\"');",
};

/** Whether the install script has done what it is there for: esbuild's puts a binary of 10 MB in the place of a script. */
const esbuildAsk = "require('fs').statSync(require.resolve('esbuild/bin/esbuild')).size > 1e6 ? 'made' : 'not made'";

const dependencies = {
  native: { native: 'file:./native' },
  archive: { native: 'file:./native-1.0.0.tgz' },
  esbuild: { esbuild: '0.25.9' },
};

function sourceOf({ packageManager, files, engine, made }: Manager): Record<string, string> {
  return {
    'package.json': JSON.stringify({
      name: 'shop',
      version: '1.0.0',
      private: true,
      packageManager,
      engines: engine === undefined ? undefined : { node: engine },
      scripts: {
        build: `node -e "require('fs').writeFileSync('built.txt', String(require('is-odd')(3)))"`,
        start: 'node server.js',
      },
      dependencies: { 'is-number': '7.0.0', ...dependencies[made] },
      devDependencies: { 'is-odd': '3.0.1' },
      pnpm: { onlyBuiltDependencies: ['esbuild'] },
    }),
    'server.js': `console.log(require('is-number')(7), ${made === 'esbuild' ? esbuildAsk : "require('native/made.js')"});`,
    ...(made === 'esbuild' ? {} : native),
    ...files,
  };
}

describe('what only the build needs', () => {
  let workshop: Workshop;
  before(async () => void (workshop = await openWorkshop()));
  after(() => workshop[Symbol.asyncDispose]());

  for (const [name, manager] of Object.entries(managers))
    test(`is gone from the release, not from the next build: ${name}`, async (t) => {
      const files = sourceOf(manager);
      const { project: first } = await built(t, files);
      const lock = await readFile(join(first.folder, manager.lock), 'utf8');
      const more = { account: first.request.account, variables: { NODE_ENV: 'production' } };
      const locked = { ...files, [manager.lock]: lock };
      const second = await built(t, locked, more);
      const third = await built(t, locked, more);
      const taken =
        /nothing of it changed since it was installed last[^]*as when it was installed: without [1-9]\d* folders/;
      assert.deepEqual([taken.test(second.output), taken.test(third.output)], [false, manager.reuses], third.output);
      assert.equal(
        await readFile(join(third.project.folder, manager.lock), 'utf8'),
        lock,
        'the lock file is as it was',
      );
    });

  test('stays where a variable says so, and that is said', async (t) => {
    const files = sourceOf({ lock: '', reuses: false, made: 'native' });
    for (const variables of [{ NPM_CONFIG_PRODUCTION: 'false' }, { NODE_ENV: 'staging' }]) {
      const project = await makeProject(t, files, { start: 'npm start', variables });
      const { code, output } = await run(project);
      assert.equal(code, 0, output);
      assert.match(output, new RegExp(`==> Left out, as the variable ${Object.keys(variables)[0]} says: Removing`));
      assert.ok(existsSync(join(project.folder, 'node_modules', 'is-odd')));
    }
  });

  async function run(project: Project): Promise<Built> {
    return runPlan(project.request, await workshop.builder.plan(project.request));
  }

  /** Built with the development dependency, then without it, and what is left starts. */
  async function built(
    t: TestContext,
    files: Readonly<Record<string, string>>,
    more: Parameters<typeof makeProject>[2] = {},
  ): Promise<{ readonly project: Project; readonly output: string }> {
    const project = await makeProject(t, files, { start: 'npm start', ...more });
    if (files['native/package.json'] !== undefined)
      execFileSync('npm', ['pack', '--silent', './native'], { cwd: project.folder, stdio: 'ignore' });
    const { code, output } = await run(project);
    assert.equal(code, 0, output);
    assert.equal(await readFile(join(project.folder, 'built.txt'), 'utf8'), 'true', 'it was there for the build');
    const modules = join(project.folder, 'node_modules');
    const left = (await readdir(modules)).filter((name) => !name.startsWith('.')).toSorted();
    assert.deepEqual([left.includes('is-number'), left.includes('is-odd')], [true, false], output);
    const said = execFileSync(process.execPath, ['server.js'], { cwd: project.folder, encoding: 'utf8' });
    assert.equal(said, 'true made\n');
    return { project, output };
  }
});
