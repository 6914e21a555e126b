import type { ServerPlan, ServicePlan, Unclear } from '../language.ts';
import { shellPath } from '../../../model/shell.ts';
import type { SourceFolder } from '../source-folder.ts';
import { serverScript } from './detect.ts';
import { type Bundle, readBundle } from './gemfile.ts';
import { isRails, planRails } from './rails.ts';

/** Rails, else the application of config.ru by a server of the bundle's, else a script that answers requests. */
export function planRuby(folder: SourceFolder): ServicePlan | Unclear {
  const bundle = readBundle(folder);
  if (isRails(folder, bundle)) return planRails(folder, bundle);
  return byRackup(folder, bundle) ?? byScript(folder, bundle) ?? unclear(folder);
}

function byRackup(folder: SourceFolder, bundle: Bundle | null): ServicePlan | Unclear | null {
  if (!folder.has('config.ru')) return null;
  const start = rackCommand(bundle);
  if (start !== null) return server({ start, file: folder.nameOf('config.ru'), why: 'its Rack application' });
  return {
    kind: 'unclear',
    missing: 'names no server for the application of config.ru',
    hint: 'Add gem "puma" to the Gemfile, or declare a startCommand in a kapal.yaml: docs/guides/kapal-yaml.md',
  };
}

/** Without a Gemfile the machine's gems are all there are, and rackup takes the server that it finds among them. */
function rackCommand(bundle: Bundle | null): string | null {
  if (bundle === null) return 'rackup -o $HOST -p $PORT -E production';
  const { gems, versions } = bundle;
  if (gems.has('puma')) return 'bundle exec puma -b tcp://$HOST:$PORT -e production';
  if (gems.has('falcon')) return 'bundle exec falcon serve --bind http://$HOST:$PORT';
  if (gems.has('unicorn')) return 'bundle exec unicorn -l $HOST:$PORT -E production';
  if (gems.has('thin')) return 'bundle exec thin start -a $HOST -p $PORT -e production -R config.ru';
  // From Rack 3 on, the command is a gem of its own, and WEBrick too.
  const major = Number(versions.get('rack')?.split('.')[0] ?? (gems.has('rackup') ? 3 : 2));
  const isWhole = major < 3 || (gems.has('rackup') && gems.has('webrick'));
  return isWhole ? 'bundle exec rackup -o $HOST -p $PORT -E production' : null;
}

function byScript(folder: SourceFolder, bundle: Bundle | null): ServerPlan | null {
  const script = serverScript(folder);
  if (script === null) return null;
  const { file, kind, text } = script;
  const ruby = bundle === null ? 'ruby' : 'bundle exec ruby';
  const known = {
    file: folder.nameOf(file),
    why: kind === 'sinatra' ? 'a Sinatra application' : 'a script that listens',
  };
  if (kind === 'sinatra')
    return server({ ...known, start: `${ruby} ${shellPath(file)} -o $HOST -p $PORT -e production` });
  const notes = /\bPORT\b/.test(text)
    ? []
    : [`${folder.nameOf(file)} does not read the variable PORT: it must listen on the port that PORT names.`];
  return { ...server({ ...known, start: `${ruby} ${shellPath(file)}` }), certainty: 'guessed', notes };
}

function unclear(folder: SourceFolder): Unclear {
  const site = folder.has('_config.yml') ? ' (pages of Jekyll are not built by this version of Kapal)' : '';
  return {
    kind: 'unclear',
    missing: `does not say how to start: there is no Rails application, no config.ru, and no script that listens${site}`,
    hint: 'Write web: COMMAND into a Procfile, or a kapal.yaml with startCommand (it gets HOST and PORT): docs/guides/kapal-yaml.md',
  };
}

function server(known: Pick<ServerPlan, 'start' | 'file' | 'why'>): ServerPlan {
  return { kind: 'server', rootDir: '.', preDeploy: null, certainty: 'declared', notes: [], ...known };
}
