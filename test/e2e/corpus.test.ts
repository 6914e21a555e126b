import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { corpus } from '../corpus/corpus.ts';
import type { CorpusProject } from '../corpus/shape.ts';
import { TestKapal } from './kapal.ts';

/** Projects whose toolchain and dependencies come from npm and Debian alone: deployed as they are, visited, removed. */
describe('the corpus, built and started', { concurrency: 2 }, () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
  });
  after(async () => {
    await kapal[Symbol.asyncDispose]();
  });

  const built = corpus.flatMap(([, projects]) => projects.filter(({ visits }) => visits !== undefined));
  for (const project of built) test(project.name, (t) => deployed(kapal, project, (text) => t.diagnostic(text)));
});

async function deployed(
  kapal: TestKapal,
  { name, files, visits = {} }: CorpusProject,
  say: (text: string) => void,
): Promise<void> {
  const document = await kapal.deploy(await kapal.project(name, files));
  const ended = document.services.map(({ service, outcome }) => `${service} ${outcome}`);
  assert.deepEqual(
    ended.filter((text) => !text.endsWith(' live')),
    [],
  );
  for (const [service, { path, sees }] of Object.entries(visits)) {
    const { status, body } = await kapal.visit(`${service}.localhost`, path);
    assert.deepEqual([status, sees.test(body)], [200, true], `${service}${path}: ${status} ${body.slice(0, 500)}`);
  }
  const spent = document.services.map(
    ({ milliseconds }) => `${milliseconds.build} ms of build, ${milliseconds.start} of start`,
  );
  say(`${name}: ${spent.join('; ')}`);
}
