import { KapalError } from '../../model/errors.ts';
import { type DeclarationFiles, declarationFileNames } from '../files.ts';
import { plainService } from '../plain-service.ts';
import type { Origin, Told } from '../spec.ts';
import { type Chosen, chooseLanguage } from './choose.ts';
import { keptDisk } from './kept.ts';
import type { Asking, Detected, Evidence } from './language.ts';
import { languages } from './languages.ts';
import { imageFiles, otherLanguages, sitesIn, unsupported } from './others.ts';
import { fromProcfile } from './processes.ts';
import { SourceFolder } from './source-folder.ts';

/**
 * What a source without a declaration is, from its files: Procfile, then its language, then ready-made files. Throws `nothing_to_deploy` with what was
 * found instead, `declaration_invalid` for a file that is damaged.
 */
export function detect(files: DeclarationFiles, asking: Asking): Detected {
  const folder = new SourceFolder(files);
  if (folder.has('Procfile')) return fromProcfile(folder, asking);
  const chosen = chooseLanguage(folder, asking.prefers);
  const found = fromLanguage(chosen, asking.project) ?? fromSite(folder, { chosen, project: asking.project });
  if (found !== null) return found;
  throw nothing(folder, chosen);
}

function fromLanguage(chosen: Chosen | null, project: string): Detected | null {
  if (chosen === null || chosen.plan.kind === 'unclear') return null;
  const { plan, language } = chosen;
  const origin: Origin = { kind: 'detected', file: plan.file, why: plan.why };
  if (plan.kind === 'site') {
    const { publishPath, fallback } = plan;
    const service = plainService({
      name: project,
      type: 'static',
      runtime: 'static',
      publishPath,
      static: { fallback },
    });
    const told = toldBy(plan, {
      service: project,
      fields: ['staticPublishPath', ...(fallback === null ? [] : ['staticFallback'])],
    });
    return { services: [service], origin, told, processes: only(project) };
  }
  const { start, preDeploy, rootDir } = plan;
  const commands = { build: null, preDeploy, start };
  const disk = keptDisk(plan);
  return {
    services: [
      plainService({
        name: project,
        type: 'web',
        runtime: language.runtime,
        rootDir,
        commands,
        ...(disk === null ? {} : { disk }),
      }),
    ],
    origin,
    told: [
      ...toldBy(chosen.evidence, { service: project, fields: ['runtime'] }),
      ...toldBy(plan, {
        service: project,
        fields: [
          ...(rootDir === '.' ? [] : ['rootDir']),
          ...(preDeploy === null ? [] : ['preDeployCommand']),
          'startCommand',
          ...(disk === null ? [] : ['disk']),
        ],
      }),
    ],
    processes: only(project),
  };
}

/** Files as they are. With a build script nobody knows which folder it writes. */
function fromSite(
  folder: SourceFolder,
  { chosen, project }: { readonly chosen: Chosen | null; readonly project: string },
): Detected | null {
  if (chosen !== null && !isPageOnly(folder, chosen)) return null;
  if (otherLanguages(folder).length > 0) return null;
  const [site, ...others] = sitesIn(folder);
  if (site === undefined || others.length > 0) return null;
  const service = plainService({ name: project, type: 'static', runtime: 'static', publishPath: site });
  const evidence: Evidence = {
    file: folder.nameOf(site === '.' ? 'index.html' : `${site}/index.html`),
    why: 'a folder of files for visitors',
  };
  return {
    services: [service],
    origin: { kind: 'detected', ...evidence },
    told: toldBy(evidence, { service: project, fields: ['staticPublishPath'] }),
    processes: only(project),
  };
}

function toldBy(
  { file, why }: Evidence,
  about: { readonly service: string; readonly fields: readonly string[] },
): readonly Told[] {
  return about.fields.map((field) => ({ service: about.service, field, file, line: null, why }));
}

/** What runs alone is what visitors reach. */
function only(service: string): Detected['processes'] {
  return new Map([['web', service]]);
}

/** A package.json that builds nothing, beside ready-made pages. */
function isPageOnly(folder: SourceFolder, { language, plan }: Chosen): boolean {
  return language.runtime === 'node' && plan.kind === 'unclear' && !buildsSomething(folder);
}

function buildsSomething(folder: SourceFolder): boolean {
  return /"build"\s*:/.test(folder.read('package.json') ?? '');
}

function nothing(folder: SourceFolder, chosen: Chosen | null): KapalError {
  const foreign = [...imageFiles(folder), ...otherLanguages(folder)];
  if (chosen !== null && chosen.plan.kind === 'unclear') {
    const more = foreign.length === 0 ? '' : ` (beside it: ${foreign.join(', ')})`;
    const message = `${chosen.evidence.file} was found${more}, but it ${chosen.plan.missing}`;
    return new KapalError('nothing_to_deploy', message, { hint: chosen.plan.hint });
  }
  const sites = sitesIn(folder);
  if (foreign.length > 0) return unsupported(foreign);
  if (sites.length > 1) {
    return new KapalError('nothing_to_deploy', `several folders have an index.html: ${sites.join(', ')}`, {
      hint: 'Name one by staticPublishPath in a kapal.yaml: docs/guides/kapal-yaml.md',
    });
  }
  return new KapalError('nothing_to_deploy', 'the source has none of the files that tell what to run', {
    hint: `Kapal looks for ${declarationFileNames.join(', ')} and index.html, and for the usual files of ${languages.map(({ title }) => title).join(', ')}. docs/guides/kapal-yaml.md shows the shortest kapal.yaml.`,
  });
}
