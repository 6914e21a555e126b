import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { satisfies } from 'semver';
import { rangeOf } from '../../../src/spec/language/python/version.ts';
import { refusalOf, type Tree } from './source.ts';

const flask = 'from flask import Flask\napp = Flask(__name__)\n';
const fastapi = 'from fastapi import FastAPI\n\napp = FastAPI(title="Shop")\n';
const managePy =
  "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\nfrom django.core import management\n";

describe('Python that does not say how to start', () => {
  const refused: readonly (readonly [name: string, tree: Tree, message: RegExp, hint: RegExp])[] = [
    [
      'a list alone',
      { 'requirements.txt': 'requests' },
      /^requirements\.txt was found, but it does not say/,
      /Procfile/,
    ],
    [
      'an ASGI application without a server',
      { 'requirements.txt': 'fastapi', 'main.py': fastapi },
      /names no server for an ASGI application \(app in main\.py\)/,
      /Add uvicorn/,
    ],
    [
      'two Django projects',
      { 'requirements.txt': 'django', 'a/manage.py': managePy, 'b/manage.py': managePy },
      /several Django projects \(a, b\)/,
      /startCommand/,
    ],
  ];
  for (const [name, tree, message, hint] of refused) {
    test(name, () => {
      const error = refusalOf(tree);
      assert.equal(error.code, 'nothing_to_deploy');
      assert.match(error.message, message);
      assert.match(error.hint ?? '', hint);
    });
  }

  test('a damaged pyproject.toml is named with its place', () => {
    const error = refusalOf({ 'pyproject.toml': '[project]\nname = "x\n', 'app.py': flask });
    assert.equal(error.code, 'declaration_invalid');
    assert.match(error.message, /^pyproject\.toml:2:\d+: is not valid TOML/);
  });
});

describe('version specifiers (PEP 440, poetry)', () => {
  const said: readonly (readonly [text: string, fits: readonly string[], not: readonly string[]])[] = [
    ['>=3.9', ['3.9.0', '3.13.1'], ['3.8.18']],
    ['>=3.8,<4.0', ['3.11.2'], ['3.7.1', '4.0.0']],
    ['~=3.9', ['3.12.1'], ['3.8.1', '4.0.0']],
    ['~=3.9.1', ['3.9.7'], ['3.10.0']],
    ['^3.9', ['3.12.1'], ['4.0.0']],
    ['~3.10', ['3.10.4'], ['3.11.0']],
    ['==3.11.*', ['3.11.9'], ['3.12.0']],
    ['>3.8', ['3.8.1'], ['3.8.0']],
    ['^3.8 || ^3.10', ['3.9.1'], ['3.7.0']],
    ['!=3.9.7,>=3.9', ['3.9.7'], ['3.8.1']],
    ['*', ['3.1.0'], []],
  ];
  for (const [text, fits, not] of said) {
    test(text, () => {
      const range = rangeOf(text);
      assert.ok(range !== null);
      for (const version of fits) assert.ok(satisfies(version, range), `${version} fits ${range}`);
      for (const version of not) assert.ok(!satisfies(version, range), `${version} does not fit ${range}`);
    });
  }
  test('what is not understood asks for nothing', () => assert.equal(rangeOf('three'), null));
});
