import { oneOf, type Row, text } from './columns.ts';
import type { Database } from './database.ts';
import type { VariableRow } from './records.ts';
import type { Variables } from './store.ts';

export function openVariables(database: Database): Variables {
  const of = database.prepare('SELECT * FROM variables WHERE owner = $owner ORDER BY key');
  const get = database.prepare('SELECT * FROM variables WHERE owner = $owner AND key = $key');
  const set = database.prepare(`
    INSERT INTO variables (owner, key, sealed, source) VALUES ($owner, $key, $sealed, $source)
    ON CONFLICT (owner, key) DO UPDATE SET sealed = excluded.sealed, source = excluded.source`);
  const unset = database.prepare('DELETE FROM variables WHERE owner = $owner AND key = $key');
  // From `@` up to the character after it: every owner that begins so.
  const forget = database.prepare("DELETE FROM variables WHERE owner >= $prefix || '@' AND owner < $prefix || 'A'");
  return {
    of: (owner) => of.all({ owner }).map(read),
    get(owner, key) {
      const row = get.get({ owner, key });
      return row === undefined ? null : read(row);
    },
    set({ owner, key, sealed, source }) {
      set.run({ owner, key, sealed, source });
    },
    unset: (owner, key) => unset.run({ owner, key }) === 1,
    forgetGroups(project, environment) {
      forget.run({ prefix: `${project}/${environment}/` });
    },
  };
}

function read(row: Row): VariableRow {
  return {
    owner: text(row, 'owner'),
    key: text(row, 'key'),
    sealed: text(row, 'sealed'),
    source: oneOf(row, 'source', ['set', 'generated']),
  };
}
