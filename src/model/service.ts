/** What can be declared to run. `cron` has jobs in place of instances; `static` needs neither; `proxy` has upstreams that Kapal does not run. */
export const serviceTypes = ['web', 'pserv', 'worker', 'cron', 'static', 'proxy'] as const;
export type ServiceType = (typeof serviceTypes)[number];

export interface ServiceKey {
  readonly project: string;
  readonly environment: string;
  readonly service: string;
}

/** `project/environment/service`: the natural key, unique in one data folder, safe in paths because names are. */
export type ServiceId = string & { readonly brand: 'ServiceId' };

export function serviceId(key: ServiceKey): ServiceId {
  return `${key.project}/${key.environment}/${key.service}` as ServiceId;
}

export function serviceKey(id: ServiceId): ServiceKey {
  const [project = '', environment = '', service = ''] = id.split('/');
  return { project, environment, service };
}

/** Whether instances of this type listen on a port and are reached through the edge. */
export function listens(type: ServiceType): boolean {
  return type === 'web' || type === 'pserv';
}

/** Whether visitors reach services of this type by a host name. */
export function isVisible(type: ServiceType): boolean {
  return type === 'web' || type === 'static' || type === 'proxy';
}

/** Whether Kapal runs instances of this type at all. */
export function hasInstances(type: ServiceType): boolean {
  return type === 'web' || type === 'pserv' || type === 'worker';
}
