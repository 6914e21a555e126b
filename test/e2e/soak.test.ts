import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkout, processesLike } from './kapal.ts';

test('a few operations of the soak, crashes of instance, edge worker and daemon among them: no visitor notices, and nothing is left', async () => {
  const { code, output } = await ran(['bench/soak.ts', '--sample', '--seed', '3']);
  assert.equal(code, 0, output);
  assert.match(output, /operations that ended otherwise, streams that were cut, of 5 operations: 0 /);
  const folder = /data folder (\S+)/.exec(output)?.[1] ?? '';
  assert.notEqual(folder, '');
  assert.deepEqual(await processesLike(folder), []);
});

function ran(args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(join(checkout, 'scripts/node24'), args, { cwd: checkout }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(child.exitCode ?? 1), output: `${stdout}${stderr}` }),
    );
  });
}
