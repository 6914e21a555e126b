import type { Plain, ServiceDraft } from '../draft/draft.ts';
import type { Origin } from '../draft/note.ts';
import { countOf, type FieldReader, type FieldTable, originAt, scalarOf, wrongKind } from '../draft/reading.ts';
import { defaults } from '../spec.ts';
import type { Value } from '../yaml/value.ts';
import { type App, asMap, readInner } from './app.ts';

/** Of Dokku's checks, where nothing else is said: how often a start is asked, and the seconds of one answer and between two. */
const usual = { attempts: 3, timeout: 5, wait: 5 } as const;

/** Seconds that a start may take in Kapal. */
const LONGEST_START = 3_600;

interface Said<T> {
  readonly value: T;
  readonly origin: Origin;
}

/** One check while it is read. */
interface Check {
  readonly app: App;
  path?: Said<string>;
  content?: Said<string>;
  readonly numbers: Map<string, Said<number>>;
}

/** `healthchecks`: a list of checks for each process. */
export function readHealth(value: Value, origin: Origin, app: App): void {
  const { notes } = app.draft;
  for (const { key, keyAt, value: checks } of asMap(value, origin, { notes, of: 'processes' })?.entries ?? []) {
    const service = app.processes.get(key);
    const field = `healthchecks.${key}`;
    const at = { file: app.file, field, ...keyAt };
    if (service === undefined) notes.refuse(at, 'no process of the Procfile has this name');
    else if (checks.kind !== 'list') notes.refuse(at, 'is not a list');
    else
      for (const [index, check] of checks.items.entries())
        readCheck(check, { app, service, path: `${field}[${index}]` });
  }
}

function readCheck(value: Value, about: { app: App; service: ServiceDraft; path: string }): void {
  const { app, service, path } = about;
  const { notes } = app.draft;
  const at = originAt(value, { file: app.file, field: path });
  if (value.kind !== 'map') return wrongKind(notes, at, { expected: 'a mapping (a check)', value });
  const check: Check = { app, numbers: new Map() };
  readInner(value, { table, context: check, app, path });
  // A text is looked for at the top where no path is named.
  const asked = check.path ?? (check.content === undefined ? undefined : { value: '/', origin: check.content.origin });
  if (asked === undefined)
    return notes.refuse(
      at,
      'only a check of a path is taken: Kapal asks healthCheckPath, or looks whether the port accepts',
    );
  const health = healthOf(check);
  const before = service.get('healthCheckPath');
  if (before !== undefined) {
    // One check serves for the start and for the time after it, so a second one of the same answer asks for nothing more.
    if (before !== asked.value || contentOf(service) !== (check.content?.value ?? null))
      notes.refuse(at, 'one check of a path is taken, and this is another');
    return;
  }
  service.set('healthCheckPath', asked.value, asked.origin);
  if (Object.keys(health).length > 0) service.set('healthCheck', health, check.content?.origin ?? at);
  setStart(service, check);
}

function healthOf({ content, numbers }: Check): Readonly<Record<string, Plain>> {
  const timeout = numbers.get('timeout')?.value ?? 0;
  const interval = numbers.get('interval')?.value ?? 0;
  return {
    ...(content === undefined ? {} : { content: content.value }),
    ...(interval === 0 ? {} : { intervalSeconds: interval }),
    ...(timeout === 0 ? {} : { timeoutSeconds: timeout }),
  };
}

function contentOf(service: ServiceDraft): Plain | null {
  const health = service.get('healthCheck');
  return typeof health === 'object' && 'content' in health ? health.content : null;
}

/** Kapal asks again until a time has passed: as much of it as the attempts would take together, and never less than its own. */
function setStart(service: ServiceDraft, { numbers }: Check): void {
  const [said] = ['attempts', 'wait', 'initialDelay'].flatMap((name) => numbers.get(name) ?? []);
  if (said === undefined) return;
  const of = (name: keyof typeof usual): number => numbers.get(name)?.value ?? usual[name];
  const delay = numbers.get('initialDelay')?.value ?? 0;
  const whole = delay + of('attempts') * of('timeout') + Math.max(0, of('attempts') - 1) * of('wait');
  if (whole > defaults.startTimeout / 1000)
    service.set('startTimeoutSeconds', Math.min(whole, LONGEST_START), said.origin);
}

const text =
  (name: 'path' | 'content'): FieldReader<Check> =>
  (value, origin, check) => {
    const found = scalarOf(value);
    if (found === null || found === '') wrongKind(check.app.draft.notes, origin, { expected: 'text', value });
    else check[name] = { value: found, origin };
  };

const count =
  (name: string): FieldReader<Check> =>
  (value, origin, { app, numbers }) => {
    const found = countOf(value);
    if (found === null) wrongKind(app.draft.notes, origin, { expected: 'a whole number', value });
    else numbers.set(name, { value: found, origin });
  };

const table: FieldTable<Check> = {
  path: text('path'),
  content: text('content'),
  timeout: count('timeout'),
  interval: count('interval'),
  period: count('interval'),
  attempts: count('attempts'),
  wait: count('wait'),
  initialDelay: count('initialDelay'),
  type: { mention: 'one check serves for the start and for the time after it' },
  name: { mention: 'names the check for people, and is left out' },
  warn: { mention: 'Kapal says of every check that fails what came instead' },
  listening: { mention: 'Kapal looks in any case whether the port accepts' },
  port: { warn: 'the app is asked at the PORT that Kapal gives it: it is left out' },
  scheme: (value, origin, { app }) => {
    if (scalarOf(value)?.toLowerCase() !== 'http')
      app.draft.notes.refuse(origin, 'instances are asked over plain HTTP, which the edge speaks with them too');
  },
  uptime: { refuse: 'that a process has lived for a while is no check here: the path, or the port, is asked' },
  command: { refuse: 'a command inside of the instance is no check here: the path, or the port, is asked' },
  httpHeaders: { refuse: 'a check sends no headers of its own' },
  onFailure: { refuse: 'kapal events tells what failed: nothing is called' },
};
