import { KapalError } from '../../model/errors.ts';
import { slug } from '../../model/names.ts';
import { plainService } from '../plain-service.ts';
import type { Runtime } from '../spec.ts';
import { languagesOf } from './choose.ts';
import type { Detected } from './language.ts';
import { otherLanguages, unsupported } from './others.ts';
import { type Process, readProcfile } from './procfile.ts';
import type { SourceFolder } from './source-folder.ts';

/** The web process takes the project's name, as the one that visitors know; the others keep their own. `release` prepares the web process. */
export function fromProcfile(folder: SourceFolder, project: string): Detected {
  const processes = readProcfile(folder.read('Procfile') ?? '');
  const running = processes.filter((process) => process.name !== 'release');
  const release = processes.find((process) => process.name === 'release')?.command ?? null;
  const prepared = running.find((process) => process.name === 'web') ?? running[0];
  if (prepared === undefined)
    throw new KapalError('nothing_to_deploy', 'the Procfile has a release process alone: nothing would run', {
      hint: 'Add a line web: COMMAND to it.',
    });
  const runtime = runtimeOf(folder, running);
  const taken = new Set(running.map((process) => slug(process.name)));
  const services = running.map((process) => {
    const type = process.name === 'web' ? 'web' : 'worker';
    const name = type === 'web' && !taken.has(project) ? project : (slug(process.name) ?? project);
    const preDeploy = process === prepared ? release : null;
    return plainService({ name, type, runtime, commands: { build: null, preDeploy, start: process.command } });
  });
  const names = running.map((process) => process.name).join(', ');
  return { services, origin: { kind: 'detected', file: folder.nameOf('Procfile'), why: `its processes ${names}` } };
}

const nodeWords = /(?:^|[\s;&|/])(?:node|npm|npx|yarn|pnpm)(?:\s|$)/;

/** Where a package.json lies beside another language, the commands tell whose they are. */
function runtimeOf(folder: SourceFolder, processes: readonly Process[]): Runtime {
  const found = languagesOf(folder).map(({ language }) => language.runtime);
  const unbuilt = otherLanguages(folder);
  if (found.length === 0 && unbuilt.length > 0) throw unsupported(['Procfile', ...unbuilt]);
  const web = processes.find(({ name }) => name === 'web') ?? processes[0];
  if (found.includes('node') && nodeWords.test(web?.command ?? '')) return 'node';
  // Commands alone need nothing but what PATH has.
  return found[0] ?? 'node';
}
