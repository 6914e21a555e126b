import type { NodeRequirement } from '../../../model/build-recipe.ts';
import type { SourceFolder } from '../source-folder.ts';
import type { Package } from './package-json.ts';
import { workspaceOf } from './project.ts';

/**
 * The Node that a project asks for: `.nvmrc`, `.node-version`, Volta, `engines.node`, of its folder and then of its workspace. The first that says
 * something counts: what pins a version for this very project stands before what bounds it.
 */
export function askedNode(folder: SourceFolder, manifest: Package | null): NodeRequirement {
  const own = askedHere(folder, manifest);
  if (own !== null) return own;
  const root = manifest === null ? null : workspaceOf(folder);
  const around = root === null ? null : askedHere(root.folder, root.manifest);
  return around ?? { kind: 'node', range: '*', said: null };
}

function askedHere(folder: SourceFolder, manifest: Package | null): NodeRequirement | null {
  for (const name of ['.nvmrc', '.node-version']) {
    const range = versionFile(folder.read(name));
    if (range !== null) return { kind: 'node', range, said: folder.nameOf(name) };
  }
  if (manifest === null) return null;
  if (manifest.volta !== null) return { kind: 'node', range: manifest.volta, said: `volta.node of ${manifest.file}` };
  if (manifest.engine !== null)
    return { kind: 'node', range: manifest.engine, said: `engines.node of ${manifest.file}` };
  return knownLimit(manifest);
}

/** nvm's words: a version or the start of one, `lts/*`, `lts/NAME`, `node`, `stable`; a comment may follow. */
function versionFile(text: string | null): string | null {
  const word = text
    ?.split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .find((line) => line !== '');
  if (word === undefined) return null;
  const version = /^v?(\d+(?:\.\d+){0,2})(?:\.x)?$/.exec(word)?.[1];
  if (version !== undefined) return version;
  const line = ltsLines[word.toLowerCase()];
  return line ?? null;
}

/** Lines with long-term support by their names (https://github.com/nodejs/Release); the newest ones ask for nothing special. */
const ltsLines: Readonly<Record<string, string>> = {
  'lts/erbium': '12',
  'lts/fermium': '14',
  'lts/gallium': '16',
  'lts/hydrogen': '18',
  'lts/iron': '20',
  'lts/jod': '22',
  'lts/krypton': '24',
};

/**
 * Packages of before Node 17 that hash by MD4, which OpenSSL 3 does not have: their builds fail there with ERR_OSSL_EVP_UNSUPPORTED. Webpack 4 is
 * what all of them build with.
 */
const beforeSeventeen = /^[~^=v\s]*([0-4])\./;

function knownLimit(manifest: Package): NodeRequirement | null {
  const scripts = manifest.ranges.get('react-scripts') ?? null;
  const webpack = manifest.ranges.get('webpack') ?? null;
  const vue = manifest.ranges.get('@vue/cli-service') ?? null;
  const old = (range: string | null): boolean => range !== null && beforeSeventeen.test(range);
  const found = old(scripts) ? 'react-scripts' : old(webpack) ? 'webpack' : old(vue) ? '@vue/cli-service' : null;
  if (found === null) return null;
  return {
    kind: 'node',
    range: '16',
    said: `${found} ${manifest.ranges.get(found)} of ${manifest.file}, which needs OpenSSL 1.1`,
  };
}
