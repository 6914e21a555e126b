/** The API's paths, built in one place. `at` narrows a service by project and environment. */
export interface At {
  readonly project?: string | undefined;
  readonly environment: string;
}

const root = '/api/v1';

export const paths = {
  status: `${root}/status`,
  shutdown: `${root}/shutdown`,
  deploys: `${root}/deploys`,
  plans: `${root}/plans`,
  events: `${root}/events`,
  jobs: (at: Partial<At>, service?: string) => `${root}/jobs${query({ ...at, service })}`,
  job: (id: string) => `${root}/jobs/${encodeURIComponent(id)}`,
  jobInput: (id: string) => `${root}/jobs/${encodeURIComponent(id)}/input`,
  jobTerminal: (id: string) => `${root}/jobs/${encodeURIComponent(id)}/terminal`,
  runJob: (service: string, at: At) => of(service, 'jobs', at),
  runs: (service: string, at: At) => of(service, 'runs', at),
  edgeConfig: `${root}/edge/config`,
  edgeCheck: `${root}/edge/check`,
  source: (digest: string) => `${root}/sources/${encodeURIComponent(digest)}`,
  operation: (id: string) => `${root}/operations/${encodeURIComponent(id)}`,
  operationEvents: (id: string) => `${root}/operations/${encodeURIComponent(id)}/events`,
  project: (name: string, withDisks = false) =>
    `${root}/projects/${encodeURIComponent(name)}${withDisks ? '?withDisks=true' : ''}`,
  gc: `${root}/gc`,
  disks: (at: Partial<At>) => `${root}/disks${query(at)}`,
  disk: (service: { project: string; environment: string; service: string }, name: string) =>
    `${root}/disks/${[service.project, service.environment, service.service, name].map(encodeURIComponent).join('/')}`,
  /** The repository of a project that is pushed to, for git. */
  git: (project: string) => `/git/${encodeURIComponent(project)}.git`,
  repositories: `${root}/repositories`,
  repository: (project: string) => `${root}/repositories/${encodeURIComponent(project)}`,
  hooks: `${root}/hooks`,
  hook: (id: string) => `${root}/hooks/${encodeURIComponent(id)}`,
  /** Where the provider of a hook calls. */
  called: (id: string) => `/hooks/${encodeURIComponent(id)}`,
  /** A push under way; below it the stages at which git asks. */
  push: (id: string) => `${root}/pushes/${encodeURIComponent(id)}`,
  services: (at: Partial<At>, service?: string) => `${root}/services${query({ ...at, service })}`,
  releases: (service: string, at: At) => of(service, 'releases', at),
  rollback: (service: string, at: At) => of(service, 'rollback', at),
  restart: (service: string, at: At) => of(service, 'restart', at),
  stop: (service: string, at: At) => of(service, 'stop', at),
  start: (service: string, at: At) => of(service, 'start', at),
  scale: (service: string, at: At) => of(service, 'scale', at),
  cancel: (service: string, at: At) => of(service, 'cancel', at),
  variables: (service: string, at: At, reveal = false) =>
    of(service, 'variables', { ...at, ...(reveal ? { reveal: 'true' } : {}) }),
  domains: (service: string, at: At) => of(service, 'domains', at),
  domain: (service: string, host: string, at: At) => of(service, `domains/${encodeURIComponent(host)}`, at),
  domainCheck: (service: string, host: string, at: At) => of(service, `domains/${encodeURIComponent(host)}/check`, at),
  logs: (
    service: string,
    at: At & {
      since?: string | undefined;
      grep?: string | undefined;
      limit?: string | undefined;
      follow?: string | undefined;
    },
  ) => of(service, 'logs', at),
} as const;

function of(service: string, rest: string, at: object): string {
  return `${root}/services/${encodeURIComponent(service)}/${rest}${query(at)}`;
}

function query(fields: object): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(fields)) if (typeof value === 'string') search.set(key, value);
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}
