import type { BuildRecipe, BuildStep } from '../../model/build-recipe.ts';
import { quoted } from '../../model/shell.ts';

/**
 * Writes the files of a recipe as a step of the build: as the service's user, who owns the folder and may have put a link where they go. Each is written
 * beside its place and moved there, so that a link is replaced and never written through.
 */
export function placing(files: BuildRecipe['files']): BuildStep[] {
  if (files.length === 0) return [];
  const lines = files.flatMap(({ path, text }) => {
    const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.';
    return [
      `{ [ ! -L ${folder} ] || rm ${folder}; } && mkdir -p ${folder} && printf %s ${quoted(text)} >${path}.part && mv -f ${path}.part ${path}`,
    ];
  });
  return [{ title: `Writing ${files.map(({ path }) => path).join(', ')}`, command: lines.join(' &&\n') }];
}
