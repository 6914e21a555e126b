import type { ServiceDraft } from '../draft/draft.ts';
import type { Origin } from '../draft/note.ts';
import { type FieldTable, originAt, scalarOf, wrongKind } from '../draft/reading.ts';
import type { Value } from '../yaml/value.ts';
import { type App, asList, mainOf, readInner, textAt } from './app.ts';

interface Job {
  readonly app: App;
  readonly service: ServiceDraft;
}

/** `cron`: `[{command, schedule}]`, a service of type cron for each. */
export function readCron(value: Value, origin: Origin, app: App): void {
  const { notes } = app.draft;
  for (const [index, item] of (asList(value, origin, { notes, of: 'commands' }) ?? []).entries()) {
    const at = originAt(item, { file: app.file, field: `cron[${index}]` });
    const command = item.kind === 'map' ? textAt(item, 'command') : null;
    const schedule = item.kind === 'map' ? textAt(item, 'schedule') : null;
    if (item.kind !== 'map' || command === null || schedule === null) {
      notes.refuse(at, 'expected {command, schedule}: it is left out');
      continue;
    }
    const service = app.draft.service(freeName(app, index), 'cron', at);
    if (service === null) continue;
    const main = mainOf(app);
    const runtime = main?.get('runtime');
    // It runs where the app does.
    for (const field of ['runtime', 'rootDir']) {
      const said = main?.get(field);
      if (said !== undefined && runtime !== 'static') service.set(field, said, at);
    }
    service.set('schedule', schedule, at);
    service.set('startCommand', command, at);
    readInner(item, { table, context: { app, service }, app, path: at.field, whole: ['command', 'schedule'] });
  }
}

/** `cron`, then `cron-2`: a further job does not rename the first. A process may be called so already. */
function freeName({ draft }: App, index: number): string {
  const taken = new Set(draft.services.map(({ name }) => name));
  const wanted = index === 0 ? 'cron' : `cron-${index + 1}`;
  return taken.has(wanted) ? `job-${index + 1}` : wanted;
}

const overlaps: Readonly<Record<string, string>> = { forbid: 'skip', replace: 'replace' };

const table: FieldTable<Job> = {
  concurrency_policy: (value, origin, { app, service }) => {
    const said = scalarOf(value) ?? '';
    const overlap = Object.hasOwn(overlaps, said) ? overlaps[said] : undefined;
    if (overlap !== undefined) service.set('overlap', overlap, origin);
    else if (said === 'allow')
      app.draft.notes.refuse(origin, 'two jobs of one service do not run beside each other: a slot is left out then');
    else wrongKind(app.draft.notes, origin, { expected: 'allow, forbid or replace', value });
  },
  maintenance: (value, origin, { app }) => {
    if (scalarOf(value) !== 'false')
      app.draft.notes.refuse(origin, 'no job is off from the beginning: leave it out of the file until it is wanted');
  },
};
