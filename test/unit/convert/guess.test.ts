import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { guessedDeclaration } from '../../../src/convert/guess.ts';
import { KapalError } from '../../../src/model/errors.ts';
import { explain } from '../../../src/spec/language/explain.ts';
import { readDeclaration } from '../../../src/spec/read.ts';
import type { ServiceSpec, Spec } from '../../../src/spec/spec.ts';
import { corpus } from '../../corpus/corpus.ts';
import type { CorpusProject } from '../../corpus/shape.ts';
import { read, sourceOf, type Tree } from '../spec/source.ts';

const said = ({ project, services, groups }: Spec): unknown => ({ project, services, groups });

/** Without what declares: then every project of the corpus is guessed. */
function undeclared({ files }: CorpusProject): Tree {
  return Object.fromEntries(Object.entries(files).filter(([name]) => !['kapal.yaml', 'render.yaml'].includes(name)));
}

interface Guess {
  readonly spec: Spec;
  readonly text: string;
}

/** Null where nothing can be guessed, which `kapal detect` says as well. */
function guess(tree: Tree, name: string): Guess | null {
  const files = sourceOf(tree);
  try {
    const spec = readDeclaration(files, { name });
    return { spec, text: guessedDeclaration(spec, files) };
  } catch (error) {
    assert.ok(error instanceof KapalError, error instanceof Error ? error.stack : String(error));
    return null;
  }
}

/** The written file says what was detected, and a deploy builds and runs the same. */
function checkSame(tree: Tree, name: string, { spec, text }: Guess): void {
  const declared = { ...tree, 'kapal.yaml': text };
  const again = readDeclaration(sourceOf(declared), { name: 'another-name' });
  assert.deepEqual(said(again), said(spec), text);
  assert.deepEqual(again.warnings, [], text);
  const plans = (files: Tree, { services, groups }: Spec): unknown =>
    services.map((service) => explain(sourceOf(files), service, groups));
  assert.deepEqual(plans(declared, again), plans(tree, spec), `${name}\n${text}`);
}

describe('kapal init writes what was guessed', () => {
  for (const [title, projects] of corpus) {
    test(title, () => {
      for (const project of projects) {
        const found = guess(undeclared(project), project.name);
        if (found !== null) checkSame(undeclared(project), project.name, found);
      }
    });
  }

  test('most of the corpus can be guessed', () => {
    const all = corpus.flatMap(([, projects]) => projects);
    const guessed = all.filter((project) => guess(undeclared(project), project.name) !== null);
    assert.ok(guessed.length >= 55, `${guessed.length} of ${all.length}`);
  });

  test('with the file that told each part, and the steps that a build takes', () => {
    const found = guess(
      {
        Procfile: 'web: node server.js\nclock: node clock.js # x\nrelease: npm run migrate\n',
        'package.json': '{"scripts": {"build": "tsc"}, "engines": {"node": "20.x"}}',
        'package-lock.json': '{}',
        'app.json': '{\n"env": {"S": {"generator": "secret"}, "T": {}},\n"formation": {"web": {"quantity": 2}}\n}\n',
      },
      'shop',
    );
    assert.equal(
      found?.text,
      `# Written by kapal init from Procfile, package.json, app.json: without this file, kapal deploy does the same.

project: shop
services:
  # Built, unless there is a buildCommand, by:
  #   npm ci --include=dev
  #   npm run build
  # Needs: Node 20.x (engines.node of package.json)
  - type: web
    name: shop
    runtime: node # package.json: it is there
    preDeployCommand: npm run migrate # Procfile:3: its process release
    startCommand: node server.js # Procfile:1: its process web
    numInstances: 2 # app.json:3: formation.web.quantity
    envVars:
      - { fromGroup: app }
  # Built, unless there is a buildCommand, by:
  #   npm ci --include=dev
  #   npm run build
  # Needs: Node 20.x (engines.node of package.json)
  - type: worker
    name: clock
    runtime: node # package.json: it is there
    startCommand: "node clock.js # x" # Procfile:2: its process clock
    envVars:
      - { fromGroup: app }
envVarGroups:
  - name: app
    envVars:
      - { key: S, generateValue: true } # app.json:2: env.S
      - { key: T, sync: false } # app.json:2: env.T
`,
    );
  });

  test('a Procfile in a workspace runs at the top, and so does what is written', () => {
    const tree = {
      Procfile: 'web: node apps/api/server.js\n',
      'package.json': '{"workspaces":["apps/*"]}',
      'apps/api/package.json': '{"scripts":{"start":"node ."}}',
    };
    const found = guess(tree, 'shop');
    assert.ok(found !== null);
    assert.equal(found.spec.services[0]?.rootDir, '.');
    checkSame(tree, 'shop', found);
  });

  const line = fc.stringMatching(/^[!-~][ -~]{0,30}[!-~]$/);
  const text = fc.oneof(
    fc.constantFrom('', 'yes', '1.10', 'null', ' a ', 'a\nb', '#', '"', '~', '2026-01-01', '12:30', '- x', 'a # b'),
    fc.string({ maxLength: 12 }).filter((one) => !one.includes('\0')),
  );
  const app = fc.record(
    {
      env: fc.dictionary(
        fc.constantFrom('A', 'LEVEL', 'URL'),
        fc.oneof(text, fc.constant({ generator: 'secret' }), fc.constant({}), fc.constant({ required: false })),
      ),
      formation: fc.record({ web: fc.record({ quantity: fc.nat(5) }), clock: fc.record({ quantity: fc.nat(5) }) }),
      cron: fc.array(
        fc.record({
          command: text,
          schedule: fc.constantFrom('@daily', '*/5 * * * *', 'never'),
          concurrency_policy: fc.constantFrom('allow', 'forbid', 'replace'),
        }),
        { maxLength: 3 },
      ),
      scripts: fc.record({ predeploy: text, postdeploy: fc.record({ command: text }) }),
      healthchecks: fc.record({
        web: fc.array(
          fc.record({ path: fc.constantFrom('/up', 'x'), content: text, timeout: fc.nat(9), attempts: fc.nat(99) }),
          { maxLength: 2 },
        ),
      }),
    },
    { requiredKeys: ['env'] },
  );

  test('whatever Procfile and app.json say', () => {
    fc.assert(
      fc.property(line, line, app, (web, clock, manifest) => {
        const tree = {
          'package.json': '{}',
          Procfile: `web: ${web}\nclock: ${clock}\n`,
          'app.json': JSON.stringify(manifest),
        };
        const found = guess(tree, 'shop');
        assert.ok(found !== null);
        checkSame(tree, 'shop', found);
      }),
      { numRuns: 60 },
    );
  });
});

describe('one field is declared, all else is as detected', () => {
  const bases = corpus.flatMap(([title, projects]) =>
    projects.flatMap((project) => {
      const found = 'Procfile' in project.files ? null : guess(undeclared(project), project.name);
      const [service] = found?.spec.services ?? [];
      return service === undefined || service.type !== 'web' ? [] : [{ title, project, service }];
    }),
  );

  for (const title of new Set(bases.map((base) => base.title)))
    test(`startCommand: ${title}`, () => {
      for (const { project, service } of bases.filter((base) => base.title === title)) {
        const tree = undeclared(project);
        const own = declaring(tree, { type: 'web', name: service.name, startCommand: 'sh own.sh' });
        assert.equal(own.commands.start, 'sh own.sh');
        assert.deepEqual(planOf(tree, own), planOf(tree, service), project.name);
      }
    });

  test('buildCommand, rootDir, runtime, healthCheckPath', () => {
    for (const { project, service: found } of bases) {
      const tree = undeclared(project);
      // A folder that stays is for who declares nothing: in a file it is said.
      const { disk: _, ...service } = found;
      const name = { type: 'web', name: service.name };
      assert.deepEqual(declaring(tree, name), service, project.name);
      const built = declaring(tree, { ...name, buildCommand: 'make' });
      assert.deepEqual(built, { ...service, commands: { ...service.commands, build: 'make' } }, project.name);
      const { rootDir, runtime } = service;
      assert.deepEqual(declaring(tree, { ...name, rootDir }), { ...service, rootDir }, project.name);
      assert.deepEqual(declaring(tree, { ...name, runtime }), service, project.name);
      const checked = declaring(tree, { ...name, healthCheckPath: '/up' });
      assert.deepEqual(checked, { ...service, health: { ...service.health, path: '/up' } }, project.name);
    }
  });

  test("in a workspace, and not in Render's file, which means the top", () => {
    const tree = {
      'package.json': '{"workspaces":["apps/*"]}',
      'apps/api/package.json': '{"scripts":{"start":"node ."}}',
    };
    const yaml = 'services:\n  - {type: web, name: api, env: node, startCommand: node apps/api/server.js}\n';
    const rootOf = (file: string, text = yaml): string | undefined =>
      read({ ...tree, [file]: text }).services[0]?.rootDir;
    assert.equal(rootOf('kapal.yaml'), 'apps/api');
    assert.equal(rootOf('kapal.yaml', yaml.replace('env: node', 'rootDir: .')), '.');
    assert.equal(rootOf('render.yaml'), '.');
  });

  function declaring(tree: Tree, service: object): ServiceSpec {
    const [found] = read({ ...tree, 'kapal.yaml': JSON.stringify({ services: [service] }) }).services;
    assert.ok(found !== undefined);
    return found;
  }

  function planOf(tree: Tree, service: ServiceSpec): unknown {
    const { install, build, needs, rootDir, runtime } = explain(sourceOf(tree), service);
    // Whether development dependencies leave the release follows from what is started.
    const made = build.filter(({ unless }) => unless === undefined);
    return { install, build: made, needs, rootDir, runtime };
  }
});
