import type { DomainFinding } from '../../api/contract/types.ts';
import type {
  CertificateSource,
  CertificateState,
  ConversionKind,
  DaemonPlaces,
  DeployStage,
  FindingResult,
  Outcome,
  ServiceStatus,
} from './words.ts';

/** What the command line says to people, in English. The other languages have the same keys, checked by type. */
export const en = {
  error: 'error',
  hint: 'hint',
  lastLines: 'last lines',
  warning: 'warning',
  note: 'note',

  noDaemon: (data: string) => `no daemon answers for the data folder ${data}`,
  startDaemon: (data: string) => `Start it: kapal up --data ${data}`,
  notAllowedSocket: (socket: string) => `this user may not open ${socket}`,
  useToken: 'Run the command as the user of the daemon, or set KAPAL_API and KAPAL_TOKEN.',
  connectionLost: 'the daemon went away; waiting for it to come back',
  connectionBack: 'the daemon is back',

  stages: {
    source: 'fetching the source',
    build: 'building',
    prepare: 'running preDeployCommand',
    start: 'starting',
    shift: 'shifting traffic',
  } satisfies Record<DeployStage, string> as Record<DeployStage, string>,
  outcomes: {
    live: 'live',
    failed: 'failed',
    rolled_back: 'rolled back',
    cancelled: 'cancelled',
    unchanged: 'unchanged',
  } satisfies Record<Outcome, string> as Record<Outcome, string>,
  statuses: {
    running: 'running',
    deploying: 'deploying',
    degraded: 'degraded',
    'crash-looping': 'crash-looping',
    stopped: 'stopped',
    failed: 'failed',
    pending: 'pending',
  } satisfies Record<ServiceStatus, string> as Record<ServiceStatus, string>,

  conversions: { carried: 'carried', warned: 'differs', refused: 'refused' } satisfies Record<
    ConversionKind,
    string
  > as Record<ConversionKind, string>,

  readingSource: (name: string) => `reading ${name}`,
  sendingSource: (files: number, size: string) => `sending ${files} ${files === 1 ? 'file' : 'files'} (${size})`,
  sourceKnown: 'the daemon has this source already',
  acknowledged: (operation: string) => `acknowledged as operation ${operation}`,
  goesOn: (service: string) => `The deploy goes on without this command. Cancel it with: kapal cancel ${service}`,
  nothingBegun: 'Stopped before the daemon was asked for anything.',
  seconds: (seconds: string) => `${seconds} s`,
  failedService: (service: string) => `${service} failed`,
  moreLines: (service: string) => `More lines: kapal logs ${service}`,

  columns: {
    service: 'SERVICE',
    release: 'RELEASE',
    outcome: 'OUTCOME',
    time: 'TIME',
    urls: 'URLS',
    status: 'STATUS',
    instances: 'INSTANCES',
    created: 'CREATED',
    source: 'SOURCE',
    cause: 'CAUSE',
    key: 'KEY',
    value: 'VALUE',
    host: 'HOST',
    url: 'URL',
    action: 'ACTION',
    certificate: 'CERTIFICATE',
    disk: 'DISK',
    used: 'USED',
    path: 'PATH',
  },
  certificates: {
    states: {
      valid: 'valid',
      expired: 'expired',
      asking: 'being asked for',
      waiting: 'to be asked for',
      failing: 'failing',
      none: 'none',
    } satisfies Record<CertificateState, string> as Record<CertificateState, string>,
    sources: { acme: 'ACME', own: 'own', local: 'local' } satisfies Record<CertificateSource, string> as Record<
      CertificateSource,
      string
    >,
    nextTry: (moment: string) => `next try: ${moment} UTC`,
    root: (path: string) => `Clients accept the local certificates once they trust ${path}`,
  },
  findings: {
    results: { ok: 'ok', warning: 'warning', problem: 'problem', unknown: 'unknown' } satisfies Record<
      FindingResult,
      string
    > as Record<FindingResult, string>,
    said: ({ message, advice }: DomainFinding): Pick<DomainFinding, 'message' | 'advice'> => ({ message, advice }),
  },
  domainSound: (host: string) => `Nothing about ${host} has to be put right, as far as can be seen from this machine.`,
  domainUnsound: (host: string) => `Something about ${host} has to be put right.`,
  nothingRuns: 'Nothing is deployed yet. Deploy something: kapal deploy FOLDER',
  noReleases: (service: string) => `${service} has no releases yet.`,
  noVariables: (service: string) => `${service} has no variables.`,
  noChanges: 'Nothing would change.',
  detected: (project: string, origin: { readonly kind: string; readonly file: string; readonly why?: string }) =>
    origin.kind === 'declared'
      ? `${project}, as ${origin.file} declares`
      : `${project}, seen from ${origin.file}${origin.why === undefined ? '' : ` (${origin.why})`}`,
  detectNeeds: 'needs',
  detectBuild: 'build',
  detectPrepare: 'before traffic',
  detectStart: 'start',
  detectPublish: 'serves',
  planOf: (project: string, environment: string, origin: string) => `${project} (${environment}), from ${origin}`,
  vanished: 'no longer declared; kapal deploy --prune removes it',
  restarts: (count: number) => `${count} ${count === 1 ? 'restart' : 'restarts'}`,
  nextStart: (wait: string) => `next start in ${wait}`,
  hidden: '(hidden; --reveal shows it)',

  daemonReady: (pid: number) => `Kapal is up (pid ${pid}).`,
  daemonPlaces: ({ http, https, api, data }: DaemonPlaces) => [
    `  HTTP      http://${http}`,
    ...(https === null ? [] : [`  HTTPS     https://${https}`]),
    `  API       http://${api}/api/docs`,
    `  data      ${data}`,
  ],
  detached: (log: string) => `It goes on in the background; its log is ${log}.`,
  stopping: 'stopping the daemon',
  stoppingApps: 'stopping everything that it runs, then the daemon',
  stopped: 'The daemon has ended; what it ran goes on.',
  stoppedApps: 'The daemon and everything that it ran have ended.',
  daemonKilled: (pid: number) => `the daemon (pid ${pid}) hung at its end and was killed; nothing is lost`,

  variablesSet: (service: string, keys: string) => `${keys} of ${service}: stored; the first deploy will use it.`,
  domainAdded: (host: string, service: string) => `${host} is routed to ${service}.`,
  domainRemoved: (host: string, service: string) => `${host} is no longer routed to ${service}.`,
  cancelled: (service: string) => `What was in flight for ${service} is cancelled.`,
  garbageFound: (size: string) => `${size} would be freed.`,
  garbageCollected: (size: string) => `${size} freed.`,
  noDisks: 'No service has a disk.',
  diskRemoved: (disk: string, service: string) => `The disk ${disk} of ${service} and all that was on it is gone.`,
  projectRemoved: (project: string) => `${project} and everything of it is gone.`,
  edgeSound: 'The next configuration is sound.',
  edgeInstallAsks: (packages: string) => `Install these packages with apt-get: ${packages}?`,
  edgeInstalled: 'nginx can serve now.',
  edgeWasInstalled: 'nginx and its Lua module are there already; nothing was installed.',
  edgeNext: 'kapal down, then kapal up --edge nginx, moves a running Kapal over; a new one takes nginx by itself.',
  declined: 'Nothing was done.',
  installed: (path: string) => `Written: ${path}`,
  wouldInstall: (path: string) => `Would be written: ${path}`,
};

export type Messages = typeof en;
