import { text } from './columns.ts';
import type { Database } from './database.ts';
import type { Store } from './store.ts';

export function openFacts(database: Database): Store['facts'] {
  const get = database.prepare('SELECT value FROM facts WHERE key = $key');
  const set = database.prepare(
    'INSERT INTO facts (key, value) VALUES ($key, $value) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  );
  return {
    get(key) {
      const row = get.get({ key });
      return row === undefined ? null : text(row, 'value');
    },
    set(key, value) {
      set.run({ key, value });
    },
  };
}
