import assert from 'node:assert/strict';
import { KapalError } from '../../../src/model/errors.ts';
import type { DeclarationFiles } from '../../../src/spec/files.ts';
import { type ReadOptions, readDeclaration } from '../../../src/spec/read.ts';
import type { ServiceSpec, Spec } from '../../../src/spec/spec.ts';

export type Tree = Readonly<Record<string, string>>;

/** A source in memory: texts by their path. */
export function sourceOf(tree: Tree): DeclarationFiles {
  const paths = Object.keys(tree);
  return {
    read: (path) => (Object.hasOwn(tree, path) ? (tree[path] ?? null) : null),
    head: (path) => (Object.hasOwn(tree, path) ? (tree[path] ?? '').slice(0, 4096) : null),
    list(folder) {
      const start = folder === '.' ? '' : `${folder}/`;
      const names = paths
        .filter((path) => path.startsWith(start))
        .map((path) => path.slice(start.length).split('/')[0] ?? '');
      return [...new Set(names)].toSorted();
    },
  };
}

export function read(tree: Tree, options: Partial<ReadOptions> = {}): Spec {
  return readDeclaration(sourceOf(tree), { name: 'shop', ...options });
}

/** The error that a source is refused with; fails when it is not refused. */
export function refusalOf(tree: Tree, options: Partial<ReadOptions> = {}): KapalError {
  try {
    read(tree, options);
  } catch (error) {
    assert.ok(error instanceof KapalError, error instanceof Error ? error.stack : String(error));
    return error;
  }
  return assert.fail('the source was not refused');
}

/** The problems of a kapal.yaml, one a line. */
export function problemsOf(text: string, more: Tree = {}): readonly string[] {
  const error = refusalOf({ 'kapal.yaml': text, ...more });
  assert.equal(error.code, 'declaration_invalid');
  return error.message.split('\n');
}

export function warningsOf(text: string, more: Tree = {}): readonly string[] {
  return read({ 'kapal.yaml': text, ...more }).warnings.map(
    ({ message, file, line, column }) => `${file}:${line}:${column}: ${message}`,
  );
}

/** The only service of a declaration. */
export function onlyService(spec: Spec): ServiceSpec {
  assert.equal(spec.services.length, 1);
  const [service] = spec.services;
  assert.ok(service !== undefined);
  return service;
}
