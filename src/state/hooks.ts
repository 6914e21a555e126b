import { integer, integerOrNull, oneOf, type Row, text, textOrNull } from './columns.ts';
import type { Database } from './database.ts';
import { hookProviders } from '../model/hooks.ts';
import type { HookRow } from './records.ts';
import type { Hooks } from './store.ts';

/** Deliveries of a hook that are remembered. */
const remembered = 1_000;

export function openHooks(database: Database): Hooks {
  const get = database.prepare('SELECT * FROM hooks WHERE id = $id');
  const all = database.prepare('SELECT * FROM hooks ORDER BY created_at, id');
  const put = database.prepare(`
    INSERT INTO hooks (id, project, environment, provider, url, branch, poll, sealed, public_key, due_at, seen, failures, problem, created_at)
    VALUES ($id, $project, $environment, $provider, $url, $branch, $poll, $sealed, $public_key, $due_at, $seen, $failures, $problem, $created_at)
    ON CONFLICT (id) DO UPDATE SET due_at = excluded.due_at, seen = excluded.seen, failures = excluded.failures, problem = excluded.problem`);
  const remove = database.prepare('DELETE FROM hooks WHERE id = $id');
  const note = database.prepare(
    'INSERT OR IGNORE INTO hook_deliveries (hook, delivery, at) VALUES ($hook, $delivery, $at)',
  );
  const trim = database.prepare(`
    DELETE FROM hook_deliveries WHERE hook = $hook AND delivery IN
      (SELECT delivery FROM hook_deliveries WHERE hook = $hook ORDER BY at DESC, delivery LIMIT -1 OFFSET ${remembered})`);
  return {
    get(id) {
      const row = get.get({ id });
      return row === undefined ? null : read(row);
    },
    all: () => all.all().map(read),
    put({ id, project, environment, provider, url, branch, poll, sealed, ...row }) {
      const { publicKey, dueAt, seen, failures, problem, createdAt } = row;
      const known = { id, project, environment, provider, url, branch, poll, sealed, seen, failures, problem };
      put.run({ ...known, public_key: publicKey, due_at: dueAt, created_at: createdAt });
    },
    remove: (id) => remove.run({ id }) === 1,
    take(hook, deliveries, at) {
      return database.transaction(() => {
        const fresh = deliveries.map((delivery) => note.run({ hook, delivery, at }));
        trim.run({ hook });
        return fresh.every((count) => count === 1);
      });
    },
  };
}

function read(row: Row): HookRow {
  return Object.freeze({
    id: text(row, 'id'),
    project: text(row, 'project'),
    environment: text(row, 'environment'),
    provider: oneOf(row, 'provider', hookProviders),
    url: text(row, 'url'),
    branch: textOrNull(row, 'branch'),
    poll: integerOrNull(row, 'poll'),
    sealed: text(row, 'sealed'),
    publicKey: textOrNull(row, 'public_key'),
    dueAt: integerOrNull(row, 'due_at'),
    seen: textOrNull(row, 'seen'),
    failures: integer(row, 'failures'),
    problem: textOrNull(row, 'problem'),
    createdAt: integer(row, 'created_at'),
  });
}
