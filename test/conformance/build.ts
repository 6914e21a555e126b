import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { Builder, BuildRequest } from '../../src/build/port.ts';
import { buildScript } from '../../src/build/script.ts';
import { readFolder } from '../../src/lib/tree/list.ts';
import { type BuildRecipe, nothingToBuild } from '../../src/model/build-recipe.ts';
import { isVariableName } from '../../src/model/names.ts';
import { KapalError } from '../../src/model/errors.ts';
import { serviceId } from '../../src/model/service.ts';

/** What the suite needs of a driver: a builder, and folders (or scripts) for which it has known answers. */
export interface BuilderUnderTest {
  readonly builder: Builder;
  /** Makes the next plans for this service be those of: a project with an install and a build step, one with nothing to build, one whose tool cannot be had. */
  readonly arrange: (
    service: BuildRequest['service'],
    folder: string,
    kind: 'project' | 'nothing' | 'no-tool',
  ) => Promise<BuildRecipe>;
}

/** The promises of `Builder`, for every driver. `make` may register clean-up on the test. */
export function builderConformance(name: string, make: (t: TestContext) => Promise<BuilderUnderTest>): void {
  describe(`the builder ${name}`, () => {
    const promise = (title: string, keep: (given: Given) => Promise<void>) => {
      test(title, async (t) => keep(await given(t, await make(t))));
    };

    promise('has a name', async ({ builder }) => assert.match(builder.name, /^[a-z]+$/));

    promise('plans steps for a project, the same ones each time it is asked', async ({ arrange, plan }) => {
      await arrange('project');
      const first = await plan({});
      assert.ok(first.steps.length > 0);
      assert.deepEqual(await plan({}), first);
      assert.deepEqual(await Promise.all([plan({}), plan({})]), [first, first]);
    });

    promise('plans no step where there is nothing to build', async ({ arrange, plan }) => {
      await arrange('nothing');
      assert.deepEqual((await plan({})).steps, []);
    });

    promise('plans a declared command as it stands, alone', async ({ plan }) => {
      const command = 'echo \'one\n"two # $THREE';
      const { steps } = await plan({ recipe: declared(command) });
      assert.deepEqual(
        steps.map((step) => step.command),
        [command],
      );
    });

    promise(
      'answers data: titles of one line, environment of strings, a script that sh can read',
      async ({ arrange, plan }) => {
        await arrange('project');
        const found = await plan({});
        assert.deepEqual(JSON.parse(JSON.stringify(found)), found);
        for (const { title, command } of found.steps) {
          assert.match(title, /^[^\p{Cc}]{3,200}$/u);
          assert.notEqual(command, '');
        }
        for (const [key, value] of Object.entries(found.environment)) {
          assert.ok(isVariableName(key), key);
          assert.ok(typeof value === 'string' && !value.includes('\0'), key);
        }
        const { status, stderr } = spawnSync('sh', ['-n', '-c', buildScript(found.steps)], { encoding: 'utf8' });
        assert.deepEqual([status, stderr], [0, '']);
      },
    );

    promise('leaves to the user what the user declares', async ({ arrange, plan }) => {
      await arrange('project');
      const { environment } = await plan({});
      const variables = Object.fromEntries(Object.keys(environment).map((key) => [key, 'declared']));
      assert.deepEqual(Object.keys((await plan({ variables })).environment), []);
    });

    promise('changes nothing in the folder and starts nothing of it', async ({ arrange, plan, folder, canary }) => {
      await arrange('project');
      await plantTraps(folder, canary);
      const before = await readFolder(folder);
      await plan({});
      await plan({ recipe: declared(`touch ${canary}`) });
      assert.deepEqual(await readFolder(folder), before);
      assert.equal(
        (await readFolder(join(canary, '..'))).entries.some(({ path }) => path === 'canary'),
        false,
      );
    });

    promise('says by the catalogue that a tool cannot be had', async ({ arrange, plan }) => {
      await arrange('no-tool');
      const missing = (error: unknown) =>
        error instanceof KapalError && error.code === 'toolchain_missing' && error.hint !== null;
      await assert.rejects(plan({}), missing);
    });
  });
}

interface Given {
  readonly builder: Builder;
  readonly folder: string;
  readonly canary: string;
  readonly arrange: (kind: 'project' | 'nothing' | 'no-tool') => Promise<void>;
  readonly plan: (change: Partial<BuildRequest>) => ReturnType<Builder['plan']>;
}

async function given(t: TestContext, { builder, arrange }: BuilderUnderTest): Promise<Given> {
  const top = await mkdtemp(join(tmpdir(), 'kapal-test-build-'));
  t.after(() => rm(top, { recursive: true, force: true }));
  const [folder, home, outside] = [join(top, 'artifact'), join(top, 'home'), join(top, 'outside')];
  for (const path of [folder, home, outside]) await mkdir(path);
  const service = serviceId({ project: 'shop', environment: 'production', service: 'api' });
  const request = buildRequest({ service, folder, home });
  let recipe = nothingToBuild;
  return {
    builder,
    folder,
    canary: join(outside, 'canary'),
    async arrange(kind) {
      recipe = await arrange(service, folder, kind);
    },
    plan: (change) => builder.plan({ ...request, recipe, ...change }),
  };
}

function declared(command: string): BuildRecipe {
  return { ...nothingToBuild, build: [{ title: 'Running buildCommand', command }] };
}

export function buildRequest(at: { service: BuildRequest['service']; folder: string; home: string }): BuildRequest {
  return {
    id: 'build-1',
    service: at.service,
    folder: at.folder,
    rootDir: '.',
    recipe: nothingToBuild,
    variables: {},
    account: {
      user: null,
      uid: null,
      gid: null,
      home: at.home,
      environment: { PATH: process.env['PATH'] ?? '', HOME: at.home },
    },
  };
}

/** Files that a careless planner would run or obey: each would make the canary. */
async function plantTraps(folder: string, canary: string): Promise<void> {
  const touch = `require('node:fs').writeFileSync(${JSON.stringify(canary)}, '')`;
  const traps = {
    '.npmrc': `node-options=--require=./trap.cjs\nscript-shell=${join(folder, 'trap.sh')}\nonload-script=${join(folder, 'trap.cjs')}\n`,
    '.pnpmfile.cjs': touch,
    '.yarnrc': `yarn-path "./trap.cjs"\n`,
    'trap.cjs': touch,
    'trap.sh': `#!/bin/sh\ntouch ${canary}\n`,
  };
  for (const [name, content] of Object.entries(traps)) await writeFile(join(folder, name), content, { mode: 0o755 });
}
