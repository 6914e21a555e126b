import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHostBuilder } from '../../src/build/host/driver.ts';
import { HostTools } from '../../src/build/host/tool-store.ts';
import { ensureToolchain } from '../../src/build/host/toolchain.ts';
import { buildRecipe } from '../../src/spec/language/build.ts';
import { placeToolchain } from '../toolchain.ts';
import { sourceOf } from '../unit/spec/source.ts';
import { builderConformance } from './build.ts';

const manifests = {
  project: {
    scripts: { build: 'node trap.cjs', postinstall: 'node trap.cjs' },
    dependencies: { 'is-number': '7.0.0' },
  },
  nothing: { scripts: { start: 'node server.js' } },
  'no-tool': { packageManager: 'pnpm@0.0.99999', scripts: { build: 'true' } },
};

builderConformance('host', async (t) => {
  const top = await mkdtemp(join(tmpdir(), 'kapal-test-toolchain-'));
  t.after(() => rm(top, { recursive: true, force: true }));
  const folder = join(top, 'toolchain');
  await placeToolchain(folder);
  const toolchain = () => ensureToolchain({ folder, node: process.execPath });
  return {
    builder: createHostBuilder({
      folder,
      marks: new HostTools(folder, process.versions.node),
      toolchain,
      environment: process.env,
    }),
    async arrange(_service, project, kind) {
      const text = JSON.stringify(manifests[kind]);
      await writeFile(join(project, 'package.json'), text);
      const commands = { build: null, preDeploy: null, start: null };
      return buildRecipe(sourceOf({ 'package.json': text }), { runtime: 'node', rootDir: '.', commands });
    },
  };
});
