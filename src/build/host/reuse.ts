import type { BuildStep, InstalledTree } from '../../model/build-recipe.ts';

/** Below the service's home: trees of its earlier installs, by what they are and what they were made from. */
const stores = '$HOME/.cache/kapal-installed';

/**
 * An install whose outcome follows from some files alone is done once: its tree is copied (as shared extents where the file system can) to a store of the
 * service's own, and copied back by the next build with equal files, settings and programs. Copies, not hard links: what a release does to its files
 * must not reach another. The store holds the last tree only, and is filled by a rename, so that a build that is killed leaves none that is not whole.
 */
export function reusing({ title, command, tree }: BuildStep): BuildStep {
  return tree === undefined ? { title, command } : { title, command: script(command, tree) };
}

function script(command: string, { folder, from, versions }: InstalledTree): string {
  const say = versions.map((program) => `${program} --version`).join('; ');
  const parent = folder.includes('/') ? [`mkdir -p ${folder.slice(0, folder.lastIndexOf('/'))}`] : [];
  return [
    `store="${stores}/${folder.replaceAll('/', '-')}"`,
    // Settings of the package managers come as variables too.
    `key=$({ cat ${from.join(' ')} 2>/dev/null; env | grep -i '^npm_config_\\|^yarn_\\|^bundle_' | sort; ${say}; } | sha256sum | cut -c 1-32)`,
    ...parent,
    `if [ -d "$store/$key" ] && cp -a --reflink=auto "$store/$key" ${folder}; then`,
    `  echo "nothing of it changed since it was installed last: taken from there"`,
    '  exit 0',
    'fi',
    `rm -rf ${folder}`,
    `${command} || exit "$?"`,
    'rm -rf "$store"',
    // Without room for it, the next build installs again.
    `[ ! -d ${folder} ] || { mkdir -p "$store" && cp -a --reflink=auto ${folder} "$store/part" && mv "$store/part" "$store/$key"; } || rm -rf "$store"`,
  ].join('\n');
}
