import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inNamespace } from '../storage/run.ts';

/** Users, control groups and mounts that a whole daemon needs are root's; without root the places that it writes are filled one by one (integration/storage.test.ts). */
test(
  'a disk that fills: builds are refused first, logs go second, the ballast last, and all comes back',
  {
    skip: process.getuid?.() !== 0 && 'mounts under a daemon are made by root',
  },
  async () =>
    assert.deepEqual(
      (await inNamespace('guard')).flatMap(({ failures }) => failures),
      [],
    ),
);
