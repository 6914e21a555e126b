import type { ServiceType } from '../../model/service.ts';
import type { Origin } from '../../spec/draft/note.ts';
import type { ComposeService, Placed, Whole } from './compose-shape.ts';
import type { ServiceDraft } from '../../spec/draft/draft.ts';

/** Where files lie in the images of web servers. */
const served = new Set(['/usr/share/nginx/html', '/usr/local/apache2/htdocs', '/usr/share/caddy', '/srv']);

/** Decides what the service is in Kapal, and writes it down. */
export function finishService(service: ComposeService, whole: Whole): void {
  const { draft, onceOnly } = whole;
  const command = startOf(service);
  const owner = onceOnly.get(service.name);
  if (owner !== undefined && whole.services.has(owner)) return prepares(service, { owner, command, whole });
  const site =
    service.kind?.kind === 'files'
      ? service.mounts.find(({ target }) => served.has(target.replace(/\/+$/, '')))
      : undefined;
  const type: ServiceType =
    site !== undefined
      ? 'static'
      : service.reach === 'public'
        ? 'web'
        : service.reach === 'private'
          ? 'pserv'
          : 'worker';
  const made = draft.service(service.name, type, service.origin);
  if (made === null) return;
  if (site !== undefined) made.set('staticPublishPath', site.source.replace(/^\.\//, ''), site.origin);
  else {
    setRuntime(made, service);
    if (command !== null) made.set('startCommand', command.text, command.origin);
  }
  for (const { name, value, origin } of service.fields) made.set(name, value, origin);
  for (const [name, once] of onceOnly) {
    const before = whole.services.get(name);
    const prepare = before === undefined || once !== service.name ? null : startOf(before);
    if (prepare !== null && type !== 'static') made.set('preDeployCommand', prepare.text, prepare.origin);
  }
  if (type !== 'static') for (const variable of service.variables) setVariable(made, { ...variable, whole });
  mount(made, { service, site, whole });
}

function startOf({ command: { entrypoint, command } }: ComposeService): Placed | null {
  if (entrypoint === undefined) return command ?? null;
  return command === undefined ? entrypoint : { text: `${entrypoint.text} ${command.text}`, origin: entrypoint.origin };
}

/** It ends before its owner begins: that is what preDeployCommand is. */
function prepares(
  service: ComposeService,
  { owner, command, whole }: { owner: string; command: Placed | null; whole: Whole },
): void {
  const { notes } = whole.draft;
  if (command === null)
    notes.refuse(
      service.origin,
      `runs once before ${owner} and has no command of its own: write it as preDeployCommand of ${owner}`,
    );
  else notes.carry(service.origin, `becomes preDeployCommand of ${owner}, with the variables of ${owner}`);
}

/** Without one the reader sees the language from the files. */
function setRuntime(made: ServiceDraft, { kind, image }: ComposeService): void {
  if (kind === null || image === null) return;
  if (kind.kind === 'language') made.set('runtime', kind.runtime, image.origin);
  else {
    made.set('runtime', 'image', image.origin);
    made.set('image', { url: image.name }, image.origin);
  }
}

interface VariableInput {
  readonly key: string;
  readonly text: string | null;
  readonly origin: Origin;
  readonly whole: Whole;
}

function setVariable(made: ServiceDraft, { key, text, origin, whole }: VariableInput): void {
  const { notes } = whole.draft;
  if (key === 'PORT' || key === 'HOST') {
    notes.warn(origin, `Kapal sets ${key} itself, and the app has to listen there: it is left out`);
    return;
  }
  if (text === null) return made.variable({ key, sync: false }, origin);
  const lost = [...whole.leftOut].find((name) => namesHost(text, name));
  if (lost !== undefined) {
    notes.warn(
      origin,
      `names ${lost}, which is left out: it is written as sync: false, and kapal env set gives its value`,
    );
    return made.variable({ key, sync: false }, origin);
  }
  const other = [...whole.services.keys()].find((name) => namesHost(text, name));
  if (other === undefined) return made.variable({ key, value: text }, origin);
  const property = text === other ? 'host' : /^[\w.-]+:\d+$/.test(text) ? 'hostport' : null;
  if (property !== null) return made.variable({ key, fromService: { name: other, property } }, origin);
  notes.warn(
    origin,
    `names ${other} as Compose's network does: here its address comes by fromService (property hostport), and the app puts the rest around it`,
  );
  made.variable({ key, sync: false }, origin);
}

/** `redis`, `redis:6379`, `redis://redis:6379/0`, `postgres://u:p@db/x`. */
function namesHost(text: string, name: string): boolean {
  const host = name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(String.raw`^${host}(?::\d+)?$|(?:://|@|,)${host}(?=[:/,?]|$)`).test(text);
}

/** A named volume is a disk; a folder of the source needs no mount, because the release holds it. */
function mount(
  made: ServiceDraft,
  input: { service: ComposeService; site: { source: string } | undefined; whole: Whole },
): void {
  const { service, site, whole } = input;
  const { notes } = whole.draft;
  for (const { source, target, origin } of service.mounts) {
    if (source === site?.source) continue;
    if (source === '') notes.warn(origin, 'keeps nothing that outlives the container: it is left out');
    else if (/^[.~/$]/.test(source)) {
      const inside = /^\.(?:\/(?!\.\.)|$)/.test(source);
      if (inside) notes.warn(origin, 'the release holds the source itself: it is left out');
      else notes.refuse(origin, 'a folder of the machine is not mounted: it is left out');
    } else if (made.get('disk') === undefined) made.set('disk', { name: source, mountPath: target }, origin);
    else notes.refuse(origin, 'a service has one disk, and this is another: it is left out');
  }
}
