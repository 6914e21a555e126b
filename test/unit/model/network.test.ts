import assert from 'node:assert/strict';
import { BlockList, isIP } from 'node:net';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readNetwork } from '../../../src/model/network.ts';

const canonical: readonly (readonly [string, string])[] = [
  ['10.0.0.0/8', '10.0.0.0/8'],
  ['192.0.2.1', '192.0.2.1/32'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['::/0', '::/0'],
  ['::1', '::1/128'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1/128'],
  ['2001:db8:0:1::/64', '2001:db8:0:1::/64'],
  ['1:0:2:0:0:0:3:4', '1:0:2::3:4/128'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221/128'],
  ['::ffff:192.0.2.1', '192.0.2.1/32'],
  ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
];

describe('a network', () => {
  for (const [text, network] of canonical)
    test(`${text} is ${network}`, () => assert.deepEqual(readNetwork(text), { kind: 'network', network }));

  test('has no bits beyond its prefix', () => {
    assert.deepEqual(readNetwork('10.1.2.3/8'), { kind: 'beyond', network: '10.0.0.0/8' });
    assert.deepEqual(readNetwork('2001:db8::1/32'), { kind: 'beyond', network: '2001:db8::/32' });
  });

  for (const text of [
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '::/129',
    '1.2.3',
    '01.2.3.4',
    '1.2.3.256',
    '1::2::3',
    '1:2:3',
    ':::',
    '12345::',
    'x',
    '10.0.0.0/8/8',
    '1:2:3:4:5:6:7:8:9',
    '::1%eth0',
  ])
    test(`is not ${JSON.stringify(text)}`, () => assert.deepEqual(readNetwork(text), { kind: 'none' }));

  test('takes the addresses that Node takes, and stays the same when it is read again', () => {
    const ipv6 = fc.ipV6().filter((address) => isIP(address) === 6);
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), ipv6), fc.nat(128), (address, prefix) => {
        const bits = Math.min(prefix, isIP(address) === 4 ? 32 : 128);
        const read = readNetwork(`${address}/${bits}`);
        assert.notEqual(read.kind, 'none');
        if (read.kind === 'none') return;
        assert.deepEqual(readNetwork(read.network), { kind: 'network', network: read.network });
        const [base = '', length] = read.network.split('/');
        const family = isIP(base) === 4 ? 'ipv4' : 'ipv6';
        if (family !== (isIP(address) === 4 ? 'ipv4' : 'ipv6')) return;
        const list = new BlockList();
        list.addSubnet(base, Number(length), family);
        assert.ok(list.check(address, family), `${read.network} holds ${address}`);
      }),
      { numRuns: 1000 },
    );
  });
});
