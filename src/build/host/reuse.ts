import type { BuildStep, InstalledTree } from '../../model/build-recipe.ts';

/** Below the service's home: trees of its earlier installs, by what they are and what they were made from. */
const stores = '$HOME/.cache/kapal-installed';

/**
 * An install whose outcome follows from some files alone is done once: its tree is copied (as shared extents where the file system can) to a store of the
 * service's own, and copied back by the next build with equal files, settings and programs. Copies, not hard links: what a release does to its files
 * must not reach another. The store holds the last tree only, and is filled by a rename, so that a build that is killed leaves none that is not whole.
 */
export function reusing({ title, command, tree, thins }: BuildStep): BuildStep {
  if (tree !== undefined) return { title, command: script(command, tree) };
  return thins === undefined ? { title, command } : { title, command: thinning(command, thins) };
}

/**
 * What a step took out of the tree that the store holds is taken out of a copy again without asking the package manager. It is remembered only where the
 * step moved nothing (yarn does, when a place at the top becomes free), and where the disk took all of what is compared.
 */
function thinning(command: string, folder: string): string {
  const list = `find ${folder} '(' -type d -o -type l ')' | LC_ALL=C sort`;
  return [
    `store="${storeOf(folder)}"`,
    'key=$(cat "$store/taken" 2>/dev/null)',
    'if [ -n "$key" ] && [ -f "$store/$key.gone" ]; then',
    `  xargs -r -d '\\n' rm -rf -- <"$store/$key.gone" || exit "$?"`,
    `  echo "as when it was installed: without $(wc -l <"$store/$key.gone") folders and links"`,
    '  exit 0',
    'fi',
    `[ -z "$key" ] || ${list} >"$store/before" || key=`,
    `${command} || exit "$?"`,
    '[ -n "$key" ] || exit 0',
    `${list} >"$store/after" && [ -z "$(LC_ALL=C comm -13 "$store/before" "$store/after" | head -n 1)" ] &&`,
    // What lies in a folder that is gone needs no line of its own.
    `  LC_ALL=C comm -23 "$store/before" "$store/after" | awk 'last == "" || index($0, last "/") != 1 { print; last = $0 }' >"$store/gone" &&`,
    '  mv "$store/gone" "$store/$key.gone"',
    'rm -f "$store/before" "$store/after" "$store/gone"',
  ].join('\n');
}

function storeOf(folder: string): string {
  return `${stores}/${folder.replaceAll('/', '-')}`;
}

function script(command: string, { folder, from, versions }: InstalledTree): string {
  const say = versions.map((program) => `${program} --version`).join('; ');
  const parent = folder.includes('/') ? [`mkdir -p ${folder.slice(0, folder.lastIndexOf('/'))}`] : [];
  return [
    `store="${storeOf(folder)}"`,
    // A step that thins the tree asks whether this is the one that the store holds.
    'rm -f "$store/taken"',
    // Settings of the package managers come as variables too.
    `key=$({ cat ${from.join(' ')} 2>/dev/null; env | grep -i '^npm_config_\\|^yarn_\\|^bundle_' | sort; ${say}; } | sha256sum | cut -c 1-32)`,
    ...parent,
    `if [ -d "$store/$key" ] && cp -a --reflink=auto "$store/$key" ${folder}; then`,
    '  echo "$key" >"$store/taken"',
    `  echo "nothing of it changed since it was installed last: taken from there"`,
    '  exit 0',
    'fi',
    `rm -rf ${folder}`,
    `${command} || exit "$?"`,
    'rm -rf "$store"',
    // Without room for it, the next build installs again.
    `[ ! -d ${folder} ] || { mkdir -p "$store" && cp -a --reflink=auto ${folder} "$store/part" && mv "$store/part" "$store/$key" && echo "$key" >"$store/taken"; } || rm -rf "$store"`,
  ].join('\n');
}
