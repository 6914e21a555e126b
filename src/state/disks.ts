import type { ServiceId } from '../model/service.ts';
import { flag, integer, integerOrNull, type Row, text } from './columns.ts';
import type { Database } from './database.ts';
import { missing } from './missing.ts';
import type { DiskRow } from './records.ts';
import type { Disks } from './store.ts';

export function openDisks(database: Database): Disks {
  const all = database.prepare('SELECT * FROM disks ORDER BY service, name');
  const of = database.prepare('SELECT * FROM disks WHERE service = $service ORDER BY name');
  const get = database.prepare('SELECT * FROM disks WHERE service = $service AND name = $name');
  const declare = database.prepare(`
    INSERT INTO disks (service, name, size, made, removing, used, warned, created_at)
    VALUES ($service, $name, $size, 0, 0, NULL, 0, $at)
    ON CONFLICT (service, name) DO UPDATE SET size = excluded.size WHERE size <> excluded.size`);
  const update = database.prepare(`
    UPDATE disks SET made = $made, removing = $removing, used = $used, warned = $warned WHERE service = $service AND name = $name`);
  const remove = database.prepare('DELETE FROM disks WHERE service = $service AND name = $name');
  const one = (service: ServiceId, name: string): DiskRow | null => {
    const row = get.get({ service, name });
    return row === undefined ? null : read(row);
  };
  return {
    all: () => all.all().map(read),
    of: (service) => of.all({ service }).map(read),
    get: one,
    declare(service, name, { size, at }) {
      declare.run({ service, name, size, at });
    },
    update(service, name, change) {
      const row = one(service, name);
      if (row === null) throw missing(`The disk ${name} of ${service}`);
      const { made, removing, used, warned } = { ...row, ...change };
      update.run({ service, name, made: Number(made), removing: Number(removing), used, warned });
    },
    remove(service, name) {
      remove.run({ service, name });
    },
  };
}

function read(row: Row): DiskRow {
  const warned = integer(row, 'warned');
  return {
    service: text(row, 'service') as ServiceId,
    name: text(row, 'name'),
    size: integer(row, 'size'),
    made: flag(row, 'made'),
    removing: flag(row, 'removing'),
    used: integerOrNull(row, 'used'),
    warned: warned === 80 || warned === 100 ? warned : 0,
    createdAt: integer(row, 'created_at'),
  };
}
