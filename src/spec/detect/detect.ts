import { KapalError } from '../../model/errors.ts';
import { slug } from '../../model/names.ts';
import { declarationFileNames, type DeclarationFiles } from '../files.ts';
import { plainService } from '../plain-service.ts';
import { Report } from '../report.ts';
import type { Origin, ServiceSpec } from '../spec.ts';
import { imageFiles, otherLanguages, sitesIn } from './folder.ts';
import { builtSite, looksLikeServer, startOf } from './node.ts';
import { inside, isDamaged, type Package, readPackage } from './package-json.ts';
import { type Process, readProcfile } from './procfile.ts';

export interface Detected {
  readonly services: readonly ServiceSpec[];
  readonly origin: Origin;
}

/** What a source without a declaration is, from its files: Procfile, then Node, then ready-made files. Throws `nothing_to_deploy` with what was found instead. */
export function detect(files: DeclarationFiles, project: string): Detected {
  const manifest = soundPackage(files);
  const procfile = files.read('Procfile');
  if (procfile !== null) return fromProcfile(files, { processes: readProcfile(procfile), manifest, project });
  const found = fromPackage(files, manifest, project) ?? fromSite(files, manifest, project);
  if (found !== null) return found;
  throw nothing(files, manifest);
}

function soundPackage(files: DeclarationFiles): Package | null {
  const found = readPackage(files, '.');
  if (!isDamaged(found)) return found;
  const report = new Report(found.file);
  report.refuse({ line: found.line, column: found.column, path: '' }, found.message);
  report.throwProblems();
  return null;
}

/** The web process takes the project's name, as the one that visitors know; the others keep their own. `release` prepares the web process. */
function fromProcfile(
  files: DeclarationFiles,
  input: { processes: readonly Process[]; manifest: Package | null; project: string },
): Detected {
  const { processes, manifest, project } = input;
  const foreign = otherLanguages(files, '.');
  if (manifest === null && foreign.length > 0) throw unsupported(['Procfile', ...foreign]);
  const running = processes.filter((process) => process.name !== 'release');
  const release = processes.find((process) => process.name === 'release')?.command ?? null;
  const prepared = running.find((process) => process.name === 'web') ?? running[0];
  if (prepared === undefined)
    throw new KapalError('nothing_to_deploy', 'the Procfile has a release process alone: nothing would run', {
      hint: 'Add a line web: COMMAND to it.',
    });
  const taken = new Set(running.map((process) => slug(process.name)));
  const services = running.map((process) => {
    const type = process.name === 'web' ? 'web' : 'worker';
    const name = type === 'web' && !taken.has(project) ? project : (slug(process.name) ?? project);
    return plainService({
      name,
      type,
      runtime: 'node',
      commands: { build: null, preDeploy: process === prepared ? release : null, start: process.command },
    });
  });
  return {
    services,
    origin: {
      kind: 'detected',
      file: 'Procfile',
      why: `its processes ${running.map((process) => process.name).join(', ')}`,
    },
  };
}

function fromPackage(files: DeclarationFiles, manifest: Package | null, project: string): Detected | null {
  const foreign = otherLanguages(files, '.').length > 0;
  const site = manifest === null || foreign ? null : builtSite(files, manifest);
  if (manifest !== null && site !== null) {
    const service = plainService({
      name: project,
      type: 'static',
      runtime: 'static',
      publishPath: site.publishPath,
      static: { fallback: site.fallback },
    });
    return {
      services: [service],
      origin: {
        kind: 'detected',
        file: manifest.file,
        why: `its build script and ${site.framework}, which writes ${site.publishPath}`,
      },
    };
  }
  const start = manifest === null && foreign ? null : startOf(files, '.', manifest);
  if (start === null) return null;
  if (sitesIn(files, '.').includes('.') && !looksLikeServer(start, manifest)) return null;
  const service = plainService({
    name: project,
    type: 'web',
    runtime: 'node',
    commands: { build: null, preDeploy: null, start: start.command },
  });
  return { services: [service], origin: { kind: 'detected', file: start.file, why: start.why } };
}

/** Files as they are. With a build script nobody knows which folder it writes. */
function fromSite(files: DeclarationFiles, manifest: Package | null, project: string): Detected | null {
  if (manifest?.scripts.has('build') === true || otherLanguages(files, '.').length > 0) return null;
  const [folder, ...others] = sitesIn(files, '.');
  if (folder === undefined || others.length > 0) return null;
  const service = plainService({ name: project, type: 'static', runtime: 'static', publishPath: folder });
  return {
    services: [service],
    origin: { kind: 'detected', file: inside(folder, 'index.html'), why: 'a folder of files for visitors' },
  };
}

function nothing(files: DeclarationFiles, manifest: Package | null): KapalError {
  const foreign = [...imageFiles(files, '.'), ...otherLanguages(files, '.')];
  if (manifest !== null) {
    const more = foreign.length === 0 ? '' : ` (beside it: ${foreign.join(', ')})`;
    return new KapalError(
      'nothing_to_deploy',
      `package.json was found${more}, but it does not say how to start: it has no start script, no server file, and no framework with a known output`,
      {
        hint: 'Add a start script to package.json. For a site, or more than one service, write a kapal.yaml: docs/guides/kapal-yaml.md',
      },
    );
  }
  const sites = sitesIn(files, '.');
  if (foreign.length > 0) return unsupported(foreign);
  if (sites.length > 1) {
    return new KapalError('nothing_to_deploy', `several folders have an index.html: ${sites.join(', ')}`, {
      hint: 'Name one by staticPublishPath in a kapal.yaml: docs/guides/kapal-yaml.md',
    });
  }
  return new KapalError('nothing_to_deploy', 'the source has none of the files that tell what to run', {
    hint: `Kapal looks for ${declarationFileNames.join(', ')} and index.html. docs/guides/kapal-yaml.md shows the shortest kapal.yaml.`,
  });
}

function unsupported(found: readonly string[]): KapalError {
  return new KapalError(
    'nothing_to_deploy',
    `found ${found.join(', ')}, but this version of Kapal deploys Node and static files only`,
    {
      hint: 'A later version brings more languages and Dockerfiles. What runs elsewhere can be served by a proxy service: docs/guides/kapal-yaml.md',
    },
  );
}
