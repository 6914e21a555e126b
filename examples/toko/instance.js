// Who answers: the version of the code, and what Kapal says of this replica.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const { name, version } = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'));

export const instance = Object.freeze({
  name,
  version,
  instance: process.env.KAPAL_INSTANCE ?? null,
  release: process.env.KAPAL_RELEASE ?? null,
  pid: process.pid,
});
