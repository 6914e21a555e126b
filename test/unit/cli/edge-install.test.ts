import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Running } from './running.ts';

const missing = ['nginx', 'libnginx-mod-http-lua'];

describe('edge install', () => {
  test('asks on a terminal, naming the packages, and installs after a yes', async () => {
    for (const answer of ['y\n', 'YES\n', 'ya\n']) {
      const running = new Running({ asked: true, stdin: answer, missingPackages: missing });
      const { code, out, err } = await running.run(['edge', 'install']);
      assert.equal(code, 0);
      assert.match(err, /nginx libnginx-mod-http-lua\? \[y\/N\]/);
      assert.match(out, /nginx can serve now\.\nnginx 1\.22 was installed\n/);
      assert.equal(running.edgeInstalls, 1);
    }
  });

  test('installs nothing after anything else, or when the input ends', async () => {
    for (const answer of ['n\n', '\n', 'yellow\n', '']) {
      const running = new Running({ asked: true, stdin: answer, missingPackages: missing });
      const { code, err } = await running.run(['edge', 'install']);
      assert.equal(code, 1);
      assert.match(err, /Nothing was done\./);
      assert.equal(running.edgeInstalls, 0);
    }
  });

  test('wants --yes where there is nobody to ask', async () => {
    const running = new Running({ missingPackages: missing });
    const { code, err } = await running.run(['edge', 'install']);
    assert.equal(code, 2);
    assert.match(err, /kapal edge install --yes/);
    assert.equal(running.edgeInstalls, 0);
  });

  test('--yes installs without asking; --json answers one document', async () => {
    const running = new Running({ missingPackages: missing });
    const { code, out, err } = await running.run(['edge', 'install', '-y', '--json']);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(out), { installed: missing, notes: ['nginx 1.22 was installed'] });
    assert.equal(err, '');
    assert.equal(running.edgeInstalls, 1);
  });

  test('installs nothing where all is there', async () => {
    const running = new Running({});
    const { code, out } = await running.run(['edge', 'install']);
    assert.equal(code, 0);
    assert.match(out, /there already/);
    assert.equal(running.edgeInstalls, 0);
  });
});
