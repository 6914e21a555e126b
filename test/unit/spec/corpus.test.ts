import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KapalError } from '../../../src/model/errors.ts';
import { explain } from '../../../src/spec/language/explain.ts';
import { readDeclaration } from '../../../src/spec/read.ts';
import { corpus } from '../../corpus/corpus.ts';
import { type CorpusProject, type ExpectedService, isRefusal } from '../../corpus/shape.ts';
import { sourceOf } from './source.ts';

/** What `kapal detect` says of each project, and what a deploy does, from its files alone. */
for (const [title, projects] of corpus) {
  describe(title, () => {
    for (const project of projects) test(project.name, () => check(project));
  });
}

test('the corpus is as broad as it says', (t) => {
  const all = corpus.flatMap(([, projects]) => projects);
  const built = all.filter(({ visits }) => visits !== undefined);
  t.diagnostic(`${all.length} projects of ${corpus.length} kinds, ${built.length} of them to be built and started`);
  assert.ok(corpus.length >= 10, `${corpus.length} kinds`);
  assert.ok(all.length >= 60, `${all.length} projects`);
  assert.ok(built.length >= 20, `${built.length} built`);
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length, 'names are there once');
});

function check({ name, files, expect }: CorpusProject): void {
  if (!isRefusal(expect)) {
    const wanted = expect.map((service) => whole(name, service));
    assert.deepEqual(alike(seen(name, files), wanted), wanted);
    return;
  }
  const error = refusal(name, files);
  assert.equal(error.code, expect.code);
  for (const words of expect.words) assert.match(`${error.message}\n${error.hint ?? ''}`, words);
}

function whole(project: string, expected: ExpectedService): Required<Record<keyof ExpectedService, unknown>> {
  const nothing = { install: [], build: [], needs: [], preDeploy: null, start: null, publishPath: null };
  return { name: project, type: 'web', rootDir: '.', ...nothing, ...expected };
}

/** What was seen, with an expression of what is wanted in the place of each text that it fits. */
function alike(found: unknown, wanted: unknown): unknown {
  if (wanted instanceof RegExp) return typeof found === 'string' && wanted.test(found) ? wanted : found;
  if (Array.isArray(found) && Array.isArray(wanted)) return found.map((one, at) => alike(one, wanted[at]));
  if (typeof found !== 'object' || found === null || typeof wanted !== 'object' || wanted === null) return found;
  const parts = new Map(Object.entries(wanted));
  return Object.fromEntries(Object.entries(found).map(([name, one]) => [name, alike(one, parts.get(name))]));
}

function seen(name: string, files: CorpusProject['files']): readonly ReturnType<typeof whole>[] {
  const source = sourceOf(files);
  return readDeclaration(source, { name }).services.map((service) => {
    const { install, build, ...found } = explain(source, service);
    const { type, runtime, rootDir, preDeploy, start, publishPath, needs } = found;
    return {
      name: service.name,
      type,
      runtime,
      rootDir,
      install: install.map(({ command }) => command),
      build: build.map(({ command }) => command),
      preDeploy,
      start,
      publishPath,
      needs,
    };
  });
}

function refusal(name: string, files: CorpusProject['files']): KapalError {
  try {
    const found = seen(name, files);
    return assert.fail(`not refused: ${JSON.stringify(found)}`);
  } catch (error) {
    assert.ok(error instanceof KapalError, error instanceof Error ? error.stack : String(error));
    return error;
  }
}
