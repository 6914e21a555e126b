import type { ServiceType } from '../../model/service.ts';
import { runtimes } from '../language/languages.ts';
import { defaults } from '../spec.ts';
import type { Value } from '../yaml/value.ts';
import { disk } from './disk.ts';
import { cronFields, schedule } from './cron.ts';
import { edge } from './edge.ts';
import { build, buildFilter, healthCheck, rollout, upstreams } from './kapal.ts';
import { headers, ipAllowList, maintenanceMode, routes } from './routes.ts';
import { type Field, type Found, honoured, ignored, own, refused } from './shape.ts';
import {
  choice,
  command,
  domain,
  flag,
  healthPath,
  host,
  list,
  located,
  path,
  seconds,
  text,
  whole,
} from './shapes.ts';
import { size } from './size.ts';
import { variables } from './variables.ts';

const running = ['web', 'pserv', 'worker'] as const satisfies readonly ServiceType[];
const programs = ['web', 'pserv', 'worker', 'cron'] as const satisfies readonly ServiceType[];
const built = ['web', 'pserv', 'worker', 'cron', 'static'] as const satisfies readonly ServiceType[];
const visible = ['web', 'static', 'proxy'] as const satisfies readonly ServiceType[];
const checked = ['web', 'pserv', 'proxy'] as const satisfies readonly ServiceType[];
const files = ['static'] as const satisfies readonly ServiceType[];

const language = (name: string) =>
  `${name} is not supported by this version of Kapal, which builds ${runtimes.join(', ')}`;
const docker =
  'images and Dockerfiles are not supported by this version of Kapal: take a runtime that is built from source';
const redis =
  'managed Redis is not supported by this version of Kapal: run it yourself, and give its address to the services as a variable';
const previews = 'this version makes no preview environments.';
const MB = 1024 * 1024;

/** The types of Render's that are refused by name. Nothing else of such a service is looked at. */
export const laterTypes: Readonly<Record<string, string>> = {
  keyvalue: redis,
  redis,
  workflow: 'workflows are not supported by this version of Kapal',
};

const runtime = choice(runtimes, {
  docker,
  image: docker,
  elixir: language('Elixir'),
});

export const serviceFields = {
  type: honoured(
    choice(['web', 'pserv', 'worker', 'cron', 'static', 'proxy'], laterTypes),
    "What runs: `web` (HTTP, reached by visitors), `pserv` (private: reached by other services only), `worker` (listens on nothing), `cron` (runs by a schedule), `static` (files; the same as Render's `web` with `runtime: static`), `proxy` (upstreams that Kapal does not run).",
    { required: true },
  ),
  name: honoured(
    text,
    'Unique in the file. Lower-case letters, digits and inner dashes, 40 at most; another text is made into such a name, with a warning.',
    { required: true },
  ),
  runtime: honoured(runtime, 'What builds and runs it.', {
    types: built,
    fallback: 'seen from the files in `rootDir`',
  }),
  env: honoured(runtime, "Render's old name of `runtime`.", { types: built }),
  rootDir: honoured(path, 'The folder of the service in the source. Its commands run there.', {
    types: built,
    fallback: "`.`, or the only package of a workspace that says how it starts; in Render's file always `.`",
  }),
  buildCommand: honoured(command, 'Builds the service. An empty text (`""`) builds nothing.', {
    types: built,
    fallback: 'install by lockfile, then the `build` script where there is one',
  }),
  preDeployCommand: honoured(
    command,
    'Runs once in every new release before it takes traffic: for migrations. When it fails, the deploy fails. An empty text (`""`) runs nothing.',
    {
      types: running,
      elsewhere: 'refuse',
      fallback:
        'for `web` without a `startCommand`, the migrations of Django, Rails, Laravel or Symfony where there are any',
    },
  ),
  startCommand: honoured(
    command,
    'Starts one instance, or one job of a `cron`. It gets `PORT` and `HOST` where visitors or services reach it.',
    {
      types: programs,
      fallback: 'what the files tell: the `start` script of package.json, the application of a framework',
    },
  ),
  schedule: honoured(
    schedule,
    'When a job of a `cron` is due: minute, hour, day of month, month, day of week, or a nickname such as `@hourly`.',
    { types: ['cron'], elsewhere: 'refuse' },
  ),
  ...cronFields,
  initialDeployHook: honoured(
    command,
    'Runs once, in the first release of the service that goes live. When it fails, the deploy says so and stays live.',
    { types: ['web', 'pserv', 'worker'], elsewhere: 'refuse' },
  ),
  staticPublishPath: honoured(path, 'The folder that is served, inside `rootDir`.', {
    types: files,
    elsewhere: 'refuse',
    fallback: 'seen from the files and the framework, where that is unambiguous',
  }),
  numInstances: honoured(whole(1, 500), 'How many instances run. `kapal scale` changes it until this number changes.', {
    types: running,
    fallback: String(defaults.instances),
  }),
  healthCheckPath: honoured(
    healthPath,
    'An instance is ready when this path answers 2xx or 3xx; without it, when its port accepts. The same for the upstreams of a proxy.',
    { types: checked },
  ),
  maxShutdownDelaySeconds: honoured(
    seconds(1, 300),
    'The time between SIGTERM and SIGKILL, in which requests under way end.',
    { types: programs, fallback: String(defaults.shutdownDelay / 1000) },
  ),
  domains: honoured(
    list(located(domain)),
    'Host names of visitors, beside the default one; `*.example.com` for all of one level. With a path (`shop.example.com/api`) only what is below it: so several services share a host, and the longest path wins.',
    { types: visible, elsewhere: 'refuse' },
  ),
  domain: honoured(host, 'One host name; the same as `domains` with one.', { types: visible, elsewhere: 'refuse' }),
  envVars: honoured(variables, 'Variables of the service, for its build and its instances.', { types: built }),
  routes: honoured(
    routes,
    'Redirects and rewrites of paths at which there is no file; the first that matches. A rewrite of `/*` to a file makes a single-page app.',
    { types: files, elsewhere: 'refuse' },
  ),
  headers: honoured(headers, 'Headers of responses, by path.', { types: files, elsewhere: 'refuse' }),
  ipAllowList: honoured(ipAllowList, 'Only these get in; 403 to all others.', { types: visible }),
  disk: honoured(
    disk,
    'A folder that outlives releases. Unless it is `shared`, the service has one instance, and a rollout stops it before the next one starts: a gap, in which visitors wait.',
    { types: running, elsewhere: 'refuse' },
  ),
  maintenanceMode: honoured(maintenanceMode, 'Takes the service off for visitors, while its instances run on.', {
    types: visible,
  }),
  repo: honoured(text, 'Must be the repository that is deployed: one deploy takes one source.', { types: built }),
  branch: honoured(text, 'The branch is chosen by `kapal deploy --branch`; another one here is warned about.', {
    types: built,
  }),

  autoDeployTrigger: honoured(
    choice(['commit', 'off'], {
      checksPass:
        'Kapal does not wait for checks of the provider: take commit, or off and deploy from your CI with kapal deploy',
    }),
    'Whether a push to the remote, told by a hook or seen by polling (`kapal hook add`), deploys the service. `kapal deploy` and `git push kapal` always do.',
    { types: built, fallback: 'commit' },
  ),
  autoDeploy: honoured(flag, "Render's old name of it: `false` is `autoDeployTrigger: off`.", { types: built }),
  buildFilter: honoured(buildFilter, 'Which paths of the repository have to change for that.', { types: built }),

  edge: own(edge, 'How the edge treats requests.', { types: ['web', 'pserv', 'static', 'proxy'] }),
  rollout: own(rollout, 'How a new release takes over from the old one.', { types: running }),
  healthCheck: own(healthCheck, 'What health checks ask for, and their pace.', { types: checked }),
  startTimeoutSeconds: own(seconds(1, 3600), 'A deploy fails when a new instance is not ready by then.', {
    types: running,
    fallback: String(defaults.startTimeout / 1000),
  }),
  port: own(
    whole(1, 65_535),
    'The app always listens on this port and cannot read `PORT`, which then has this number too. Where the daemon runs as root with `ip` and `nft`, each instance has the port to itself; elsewhere one instance can have it at a time, and a rollout is a gap as with a `disk`.',
    { types: ['web', 'pserv'], elsewhere: 'refuse', fallback: 'the app reads `PORT`' },
  ),
  memoryLimit: own(
    size(32 * MB),
    'Memory of one instance; above it the kernel kills it. Without control groups the daemon does so, by a look once a second.',
    { types: programs, fallback: 'no limit' },
  ),
  build: own(build, 'Limits of the build.', { types: built }),
  staticFallback: own(path, 'This file of the publish path is served where nothing matches: a single-page app.', {
    types: files,
  }),
  upstreams: own(upstreams, 'The addresses that requests go to. A `proxy` needs at least one.', { types: ['proxy'] }),

  plan: ignored('your own server has no plans; memoryLimit bounds an instance.'),
  region: ignored('your own server is where it is.'),
  previews: ignored(previews),
  previewPlan: ignored(previews),
  pullRequestPreviewsEnabled: ignored(previews, { harmless: says('false') }),
  renderSubdomainPolicy: ignored('the default name of a service always answers.', { harmless: says('enabled') }),

  scaling: refused('autoscaling is not supported by this version of Kapal: set numInstances'),
  image: refused(docker),
  dockerCommand: refused(docker),
  dockerContext: refused(docker),
  dockerfilePath: refused(docker),
  registryCredential: refused(docker),
  buildSource: refused(
    'shared build sources are not supported by this version of Kapal: declare the build in each service',
  ),
  maxmemoryPolicy: refused(redis),
  persistenceMode: refused(redis),
} as const satisfies Readonly<Record<string, Field<unknown>>>;

export type FoundService = Found<typeof serviceFields>;

function says(word: string): (value: Value) => boolean {
  return (value) => value.kind === 'scalar' && value.source === word;
}
