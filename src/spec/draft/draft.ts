import { slug } from '../../model/names.ts';
import type { ServiceType } from '../../model/service.ts';
import type { Notes, Origin } from './note.ts';

/** A value of a kapal.yaml that is being written. */
export type Plain = string | number | boolean | readonly Plain[] | { readonly [key: string]: Plain };

export interface DraftField {
  readonly name: string;
  readonly value: Plain;
  readonly origin: Origin;
}

export interface DraftVariable {
  readonly key: string;
  /** The whole entry: `{key, value}`, `{key, sync: false}` ... */
  readonly entry: { readonly [key: string]: Plain };
  /** `null` for what no field said. */
  readonly origin: Origin | null;
}

/** How the fields of a service follow each other; what is not here comes last. */
const order = [
  'runtime',
  'rootDir',
  'buildCommand',
  'preDeployCommand',
  'initialDeployHook',
  'startCommand',
  'schedule',
  'overlap',
  'staticPublishPath',
  'staticFallback',
  'upstreams',
  'healthCheckPath',
  'healthCheck',
  'numInstances',
  'memoryLimit',
  'startTimeoutSeconds',
  'maxShutdownDelaySeconds',
  'domains',
  'disk',
  'edge',
];

/** A service of the kapal.yaml to be: each field with the place that it comes from. A later value of one field replaces the earlier. */
export class ServiceDraft {
  readonly name: string;
  readonly type: ServiceType | 'cron';
  readonly origin: Origin;
  readonly #fields = new Map<string, DraftField>();
  readonly #variables = new Map<string, DraftVariable>();

  constructor(name: string, type: ServiceType | 'cron', origin: Origin) {
    this.name = name;
    this.type = type;
    this.origin = origin;
  }

  set(name: string, value: Plain, origin: Origin): void {
    this.#fields.set(name, { name, value, origin });
  }

  get(name: string): Plain | undefined {
    return this.#fields.get(name)?.value;
  }

  variable(entry: { readonly key: string; readonly [key: string]: Plain }, origin: Origin | null): void {
    this.#variables.set(entry.key, { key: entry.key, entry, origin });
  }

  get fields(): readonly DraftField[] {
    const place = (field: DraftField): number => (order.indexOf(field.name) + 1 || order.length + 1) - 1;
    return [...this.#fields.values()].toSorted((a, b) => place(a) - place(b));
  }

  /** All variables of a group: a value that is generated there is one value for all who take it. */
  take(group: string): void {
    this.#variables.set(`group ${group}`, { key: group, entry: { fromGroup: group }, origin: null });
  }

  get variables(): readonly DraftVariable[] {
    return [...this.#variables.values()];
  }
}

/** The kapal.yaml to be. */
export class Draft {
  readonly notes: Notes;
  readonly services: ServiceDraft[] = [];
  /** Variables that all services take, under the name of their group. */
  shared: { readonly name: string; readonly variables: readonly DraftVariable[] } | null = null;
  project: { readonly name: string; readonly origin: Origin } | null = null;

  constructor(notes: Notes) {
    this.notes = notes;
  }

  /** A service under a name that Kapal takes; `null`, and refused, where nothing can be made of it. */
  service(written: string, type: ServiceType | 'cron', origin: Origin): ServiceDraft | null {
    const name = slug(written);
    if (name === null) {
      this.notes.refuse(origin, 'its name has no letter or digit to make a name of');
      return null;
    }
    const service = new ServiceDraft(name, type, origin);
    this.services.push(service);
    return service;
  }

  named(written: string, origin: Origin): void {
    const name = slug(written);
    if (name === null)
      this.notes.warn(origin, 'has no letter or digit to make a name of: the folder names the project');
    else this.project = { name, origin };
  }
}
