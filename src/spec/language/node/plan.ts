import type { ServerPlan, ServicePlan, Unclear } from '../language.ts';
import { shellPath } from '../../../model/shell.ts';
import { isInside, type SourceFolder } from '../source-folder.ts';
import { builtServer } from './built-server.ts';
import { answersRequests, builtSite, isDevelopmentServer } from './frameworks.ts';
import { readNodeProject, type NodeProject } from './project.ts';
import { packagesOf } from './workspace.ts';

/** A `start` script for people at work on the code: it watches files, or compiles at each start. */
const watcher = /\b(?:nodemon|ts-node-dev|tsx watch|nest start|node --watch|next dev|nuxt dev|ng serve)\b/;

/** What projects call the script that is meant for servers. */
const productionScripts = ['start:prod', 'start:production'];

/** A site that is built, else by the `start` script or what a framework starts, else by the server file that `main` names, else by a usual name, else by a package of the workspace. */
export function planNode(folder: SourceFolder): ServicePlan | Unclear {
  const project = readNodeProject(folder);
  if (project !== null) {
    const site = builtSite(folder, project.manifest);
    if (site !== null) return site;
  }
  return byScript(project) ?? byFile(folder, project) ?? byWorkspace(folder, project) ?? unclear(project);
}

function byScript(project: NodeProject | null): ServerPlan | null {
  if (project === null) return null;
  const { scripts, file } = project.manifest;
  const start = scripts.get('start');
  const production = productionScripts.find((name) => scripts.has(name));
  if (production !== undefined && (start === undefined || watcher.test(start)))
    return server({ start: `${project.manager.name} run ${production}`, file, why: `its script ${production}` });
  const ssr = [...scripts.keys()].find((name) => name.startsWith('serve:ssr'));
  if (ssr !== undefined && (start === undefined || watcher.test(start)))
    return server({ start: `${project.manager.name} run ${ssr}`, file, why: `its script ${ssr}` });
  const built = builtServer(project.manifest);
  if (built !== null) return server({ start: built.start, file, why: `its build script and ${built.dependency}` });
  if (start === undefined) return null;
  const notes = isDevelopmentServer(start)
    ? [`The start script (${start}) runs a development server, which is not made for visitors.`]
    : [];
  return { ...server({ start: `${project.manager.name} start`, file, why: 'its start script' }), notes };
}

function byFile(folder: SourceFolder, project: NodeProject | null): ServerPlan | null {
  const answers = project !== null && answersRequests(project.manifest);
  const file = serverFile(folder, project?.manifest.main ?? null, answers);
  if (file === null) return null;
  // A script beside a page is a script of that page, unless it says that it is a server.
  if (folder.has('index.html') && !answers && !/(?:^|\/)server\.[cm]?[jt]s$/.test(file)) return null;
  const found = {
    start: `node ${shellPath(file)}`,
    file: folder.nameOf(file),
    why: 'a server file, and no start script',
  };
  return { ...server(found), certainty: 'guessed' };
}

/** The only package of a workspace that says how it starts. */
function byWorkspace(folder: SourceFolder, project: NodeProject | null): ServerPlan | null {
  if (project === null) return null;
  const able = packagesOf(folder, project.manifest).flatMap((below) => {
    const plan = byScript(readNodeProject(below));
    return plan === null ? [] : [{ below, plan }];
  });
  const [only] = able;
  if (only === undefined || able.length > 1) return null;
  const rootDir = folder.path === '.' ? only.below.path : only.below.path.slice(folder.path.length + 1);
  return { ...only.plan, rootDir };
}

function unclear(project: NodeProject | null): Unclear {
  const hint =
    'Add a start script to package.json. For a site, or more than one service, write a kapal.yaml: docs/guides/kapal-yaml.md';
  if (project === null) return { kind: 'unclear', missing: 'does not say how to start: there is no server file', hint };
  return {
    kind: 'unclear',
    missing: 'does not say how to start: it has no start script, no server file, and no framework with a known output',
    hint,
  };
}

function server(known: Pick<ServerPlan, 'start' | 'file' | 'why'>): ServerPlan {
  return { kind: 'server', rootDir: '.', preDeploy: null, certainty: 'declared', notes: [], ...known };
}

function serverFile(folder: SourceFolder, main: string | null, isServer: boolean): string | null {
  const named = main?.replace(/^\.\//, '') ?? null;
  if (named !== null && /\.[cm]?js$/.test(named) && isInside(named) && folder.has(named)) return named;
  const usual = filesOf('.', ['js', 'mjs', 'cjs']);
  // In other places, and in TypeScript, such a file is mostly a part of something else.
  const others = [...filesOf('src', ['js', 'mjs', 'cjs']), ...filesOf('.', ['ts']), ...filesOf('src', ['ts'])];
  return folder.firstOf(isServer ? [...usual, ...others] : usual);
}

function filesOf(place: string, extensions: readonly string[]): string[] {
  const names = ['server', 'app', 'index', 'main'].flatMap((name) => extensions.map((one) => `${name}.${one}`));
  return place === '.' ? names : names.map((name) => `${place}/${name}`);
}
