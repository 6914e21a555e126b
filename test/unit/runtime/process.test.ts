import assert from 'node:assert/strict';
import { endianness } from 'node:os';
import { describe, test } from 'node:test';
import { serviceId } from '../../../src/model/service.ts';
import { Accounts } from '../../../src/runtime/process/accounts.ts';
import { Layout, runOfRecord } from '../../../src/runtime/process/layout.ts';
import { answersLoopback } from '../../../src/runtime/loopback.ts';
import { parseListening } from '../../../src/runtime/process/listen-table.ts';
import { mounts } from '../../../src/runtime/process/mounts.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const row = (local: string, state: string, inode: number): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 0000000000000000 100 0 0 10 0\n`;

describe('the table of listening sockets', { skip: endianness() !== 'LE' && 'the sample is little-endian' }, () => {
  const table = [
    HEAD,
    row('0100007F:1F90', '0A', 11),
    row('00000000:0050', '0A', 12),
    row('00000000000000000000000000000000:01BB', '0A', 13),
    row('00000000000000000000000001000000:2328', '0A', 14),
    row('0000000000000000FFFF00000100007F:2329', '0A', 15),
    row('0100007F:1F90', '01', 99),
    row('0100007F:1F91', '0A', 98),
  ].join('');
  const expected = [
    { address: '127.0.0.1', port: 8080, inode: 11 },
    { address: '0.0.0.0', port: 80, inode: 12 },
    { address: '::', port: 443, inode: 13 },
    { address: '::1', port: 9000, inode: 14 },
    { address: '127.0.0.1', port: 9001, inode: 15 },
  ];

  test('is read up to the first connection', () => {
    assert.deepEqual(parseListening([table]), expected);
  });

  test('reads the same in pieces of any size', () => {
    for (const size of [1, 7, 100, 151]) {
      const pieces = Array.from({ length: Math.ceil(table.length / size) }, (_, n) =>
        table.slice(n * size, (n + 1) * size),
      );
      assert.deepEqual(parseListening(pieces), expected, `pieces of ${size}`);
    }
  });

  test('127.0.0.1 is reached at itself and at the wildcards only', () => {
    assert.deepEqual(['127.0.0.1', '0.0.0.0', '::', '::1', '10.0.0.1'].filter(answersLoopback), [
      '127.0.0.1',
      '0.0.0.0',
      '::',
    ]);
  });
});

describe('names', () => {
  test('an id of a run never leaves its folder', () => {
    const layout = new Layout('/data/instances');
    assert.equal(layout.files('shop.api-1.2').log, '/data/instances/runs/shop.api-1.2/log');
    for (const id of ['', '.', '..', '../x', 'a/b', '-x', '.x', 'A', 'a\n', 'x'.repeat(129)]) {
      assert.throws(() => layout.files(id), { code: 'runtime_failed' }, JSON.stringify(id));
    }
  });

  test('a record tells its run', () => {
    assert.equal(runOfRecord('a.b-1.process'), 'a.b-1');
    assert.equal(runOfRecord('a.process.exit'), 'a.process');
    assert.equal(runOfRecord('a.other'), null);
  });

  test('a user is named after install and service, in 32 characters', () => {
    const accounts = new Accounts('ab12cd34');
    const long = serviceId({
      project: 'p',
      environment: 'production',
      service: 'a-service-with-a-very-long-name-indeed',
    });
    assert.match(accounts.nameOf(long), /^kapal-a-service-with-[0-9a-f]{10}$/);
    assert.ok(accounts.nameOf(long).length <= 32);
    assert.equal(accounts.nameOf(long), new Accounts('ab12cd34').nameOf(long));
    assert.notEqual(accounts.nameOf(long), new Accounts('ab12cd35').nameOf(long));
  });

  test('mounts are read with their escapes', () => {
    const text = 'cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\ncgroup2 /mnt/a\\040b cgroup2 rw 0 0\n';
    assert.deepEqual(mounts(text), [
      { path: '/sys/fs/cgroup/memory', type: 'cgroup', options: ['rw', 'relatime', 'memory'] },
      { path: '/mnt/a b', type: 'cgroup2', options: ['rw'] },
    ]);
  });
});
