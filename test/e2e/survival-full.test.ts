import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inNamespace } from '../storage/run.ts';

/** Users, control groups and mounts that a whole daemon needs are root's; without root the places that it writes are filled one by one (integration/storage.test.ts). */
const skip = process.getuid?.() !== 0 && 'mounts under a daemon are made by root';

test(
  'a disk that fills: builds are refused first, logs go second, the ballast last, and all comes back',
  {
    skip,
  },
  async () => assert.deepEqual(await failuresOf('guard'), []),
);

for (const part of ['daemon', 'unprivileged'])
  test(
    `a deploy on a full disk is refused or waits for room, visitors are served, and nothing is left (${part})`,
    {
      skip,
    },
    async () => assert.deepEqual(await failuresOf(part, 'memory', '16', '16', 'redeploy'), []),
  );

async function failuresOf(...args: readonly string[]): Promise<string[]> {
  return (await inNamespace(...args)).flatMap(({ failures }) => failures);
}
