import type { BuildStep } from '../../../model/build-recipe.ts';
import type { SourceFolder } from '../source-folder.ts';
import type { Install } from './install.ts';
import { environmentStep, pythonNeed } from './interpreter.ts';
import { fetching } from './tool.ts';
import { askedPython } from './version.ts';

/**
 * What a declared command finds: an environment of the project's own, as on other platforms, where its `pip install` reaches (Debian's Python refuses it
 * for the whole machine), with the package managers that it names. Nothing of it where it makes an environment itself.
 */
export function surroundPython(folder: SourceFolder, command: string): Install {
  const asked = /\buv\b/.test(command) ? null : askedPython(folder);
  if (command === 'true' || /venv\b|\bvirtualenv\b/.test(command))
    return { steps: [], requires: [pythonNeed(asked, false)] };
  const tools = (['uv', 'poetry', 'pdm', 'pipenv'] as const).filter((tool) =>
    new RegExp(`\\b${tool}\\b`).test(command),
  );
  const bringing = tools.map((tool): BuildStep => {
    const link = `[ -z "\${tool:-}" ] || ln -sf "$tool/bin/${tool}" .venv/bin/${tool}`;
    return { title: `Looking for ${tool}`, command: ['unset tool', ...fetching({ tool }), link].join('\n') };
  });
  return { steps: [environmentStep(asked), ...bringing], requires: [pythonNeed(asked, true)] };
}
