import { KapalError } from '../../model/errors.ts';
import { slug } from '../../model/names.ts';
import { plainService } from '../plain-service.ts';
import type { Runtime, Told } from '../spec.ts';
import { languagesOf } from './choose.ts';
import type { Asking, Detected } from './language.ts';
import { otherLanguages, unsupported } from './others.ts';
import { type Process, readProcfile } from './procfile.ts';
import type { SourceFolder } from './source-folder.ts';

/** The web process takes the project's name, as the one that visitors know; the others keep their own. `release` prepares the web process. */
export function fromProcfile(folder: SourceFolder, { project, prefers }: Asking): Detected {
  const processes = readProcfile(folder.read('Procfile') ?? '');
  const running = processes.filter((process) => process.name !== 'release');
  const release = processes.find((process) => process.name === 'release');
  const prepared = running.find((process) => process.name === 'web') ?? running[0];
  if (prepared === undefined)
    throw new KapalError('nothing_to_deploy', 'the Procfile has a release process alone: nothing would run', {
      hint: 'Add a line web: COMMAND to it.',
    });
  const runtime = runtimeOf(folder, { processes: running, prefers });
  const file = folder.nameOf('Procfile');
  const evidence = languagesOf(folder).find(({ language }) => language.runtime === runtime)?.evidence;
  const told: Told[] = [];
  const named = new Map<string, string>();
  const taken = new Set(running.map((process) => slug(process.name)));
  const services = running.map((process) => {
    const type = process.name === 'web' ? 'web' : 'worker';
    const name = type === 'web' && !taken.has(project) ? project : (slug(process.name) ?? project);
    const preDeploy = process === prepared ? (release?.command ?? null) : null;
    const from = { service: name, file };
    named.set(process.name, name);
    if (evidence !== undefined) told.push({ service: name, field: 'runtime', line: null, ...evidence });
    told.push({ ...from, field: 'startCommand', line: process.line, why: `its process ${process.name}` });
    if (process === prepared && release !== undefined)
      told.push({ ...from, field: 'preDeployCommand', line: release.line, why: 'its process release' });
    return plainService({ name, type, runtime, commands: { build: null, preDeploy, start: process.command } });
  });
  const names = running.map((process) => process.name).join(', ');
  return { services, told, processes: named, origin: { kind: 'detected', file, why: `its processes ${names}` } };
}

const nodeWords = /(?:^|[\s;&|/])(?:node|npm|npx|yarn|pnpm)(?:\s|$)/;

/** Where a package.json lies beside another language, the commands tell whose they are. */
function runtimeOf(
  folder: SourceFolder,
  { processes, prefers }: { readonly processes: readonly Process[]; readonly prefers: Runtime | null },
): Runtime {
  const found = languagesOf(folder).map(({ language }) => language.runtime);
  const unbuilt = otherLanguages(folder);
  if (found.length === 0 && unbuilt.length > 0) throw unsupported(['Procfile', ...unbuilt]);
  if (prefers !== null && found.includes(prefers)) return prefers;
  const web = processes.find(({ name }) => name === 'web') ?? processes[0];
  if (found.includes('node') && nodeWords.test(web?.command ?? '')) return 'node';
  // Commands alone need nothing but what PATH has.
  return found[0] ?? 'node';
}
