import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { firstFree, gatewayOf, type Prefix, prefixOf } from '../../../src/network/linux/addresses.ts';
import { innerRules, machineRules, noMachineRules, ownRules, resolversOf } from '../../../src/network/linux/rules.ts';
import { namesOf } from '../../../src/network/linux/world.ts';

const used = (...texts: readonly string[]): readonly Prefix[] => texts.flatMap((text) => prefixOf(text) ?? []);
const none: ReadonlySet<string> = new Set();

describe('addresses of instances', () => {
  test('the first four of a range, its second host, and the machine before it', () => {
    assert.equal(firstFree({ used: [], taken: none, start: 0 }), '10.213.0.2');
    assert.equal(firstFree({ used: [], taken: none, start: 0.5 }), '10.213.128.2');
    assert.equal(gatewayOf('10.213.128.2'), '10.213.128.1');
  });

  test('beside what is used, and what is promised', () => {
    assert.equal(firstFree({ used: used('10.213.0.0/30'), taken: none, start: 0 }), '10.213.0.6');
    assert.equal(firstFree({ used: used('10.213.0.7'), taken: new Set(['10.213.0.2']), start: 0 }), '10.213.0.10');
    assert.equal(firstFree({ used: used('10.213.0.0/17'), taken: none, start: 0 }), '10.213.128.2');
    const last = (2 ** 14 - 1) / 2 ** 14;
    assert.equal(
      firstFree({ used: used('10.213.255.252/30'), taken: none, start: last }),
      '10.213.0.2',
      'it goes round',
    );
  });

  test('in another range where a route covers the first; nowhere where all are covered', () => {
    assert.equal(firstFree({ used: used('10.0.0.0/8'), taken: none, start: 0 }), '172.29.0.2');
    assert.equal(firstFree({ used: used('10.0.0.0/8', '172.16.0.0/12'), taken: none, start: 0 }), '192.168.213.2');
    const all = used('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10');
    assert.equal(firstFree({ used: all, taken: none, start: 0 }), null);
  });

  test('what is no network is none', () => {
    for (const text of ['default', '', '10.0.0', '10.0.0.256', '10.0.0.0/33', 'fe80::/64', '10.0.0.0/8/8'])
      assert.equal(prefixOf(text), null, text);
  });
});

describe('names of what a network is made of', () => {
  test('are derived, and fit the kernel', () => {
    const names = namesOf('abcdefgh', 'api-x1y2z3.1');
    assert.equal(names.path, '/run/netns/kapal-abcdefgh-api-x1y2z3.1');
    assert.match(names.link, /^kabcdefgh[a-z0-9]{6}$/);
    assert.deepEqual(namesOf('abcdefgh', 'api-x1y2z3.1'), names);
    assert.notEqual(namesOf('abcdefgh', 'api-x1y2z3.2').link, names.link);
  });
});

describe('name servers at loopback addresses', () => {
  test('127.0.0.1 is reached as all else there, and those of other machines are', () => {
    assert.deepEqual(resolversOf('nameserver 127.0.0.1\nnameserver 192.0.2.53\nnameserver ::1\n', null), []);
  });

  test('another has a stand-in; that of systemd-resolved the server behind it', () => {
    const text = '# a comment\nnameserver 127.0.1.1\noptions edns0\n';
    assert.deepEqual(resolversOf(text, null), [{ loopback: '127.0.1.1', reached: '192.0.0.4', standsIn: true }]);
    assert.deepEqual(resolversOf('nameserver 127.0.0.53\n', 'nameserver 192.0.2.53\n'), [
      { loopback: '127.0.0.53', reached: '192.0.2.53', standsIn: false },
    ]);
  });
});

describe('rules', () => {
  const resolvers = resolversOf('nameserver 127.0.1.1\n', null);

  test('of the machine: one table, replaced whole, that speaks of its own links alone', () => {
    const text = machineRules({ install: 'abcdefgh', addresses: ['10.213.0.2', '10.213.0.6'], resolvers });
    assert.match(text, /^table ip kapal_abcdefgh\ndelete table ip kapal_abcdefgh\n/);
    const rules = text.split('\n').filter((line) => /^ {4}(?!type)/.test(line));
    assert.deepEqual(rules, [
      '    iifname "kabcdefgh*" ip daddr { 10.213.0.1, 10.213.0.5 } dnat to 127.0.0.1',
      '    iifname "kabcdefgh*" ip daddr 192.0.0.4 dnat to 127.0.1.1',
      '    iifname "kabcdefgh*" ip daddr 127.0.0.0/8 snat to 127.0.0.1',
      '    ip saddr { 10.213.0.2, 10.213.0.6 } oifname != "kabcdefgh*" masquerade',
      '    oifname "kabcdefgh*" ct state established,related accept',
      '    oifname "kabcdefgh*" drop',
    ]);
    assert.equal(noMachineRules('abcdefgh'), 'table ip kapal_abcdefgh\ndelete table ip kapal_abcdefgh\n');
  });

  test('inside: what it listens on itself stays there', () => {
    const rules = innerRules({ address: '10.213.0.2', own: [3000, 9229], resolvers })
      .split('\n')
      .filter((line) => /^ {4}(?!type)/.test(line));
    assert.deepEqual(rules, [
      '    elements = { 3000, 9229 }',
      '    ip daddr 127.0.1.1 meta l4proto { tcp, udp } th dport 53 dnat to 192.0.0.4',
      '    oifname "lo" ip daddr 127.0.0.0/8 tcp dport != @own dnat to 10.213.0.1',
      '    oifname "lo" ip daddr 127.0.0.0/8 meta l4proto udp dnat to 10.213.0.1',
      '    oifname "eth0" ip saddr 127.0.0.0/8 snat to 10.213.0.2',
      '    iifname "eth0" ip saddr 10.213.0.1 meta l4proto tcp dnat to 127.0.0.1',
      '    iifname "eth0" ip saddr 10.213.0.1 snat to 127.0.0.1',
    ]);
    assert.doesNotMatch(innerRules({ address: '10.213.0.2', own: [], resolvers: [] }), /elements/);
    assert.equal(ownRules([80]), 'flush set ip kapal own\nadd element ip kapal own { 80 }\n');
    assert.equal(ownRules([]), 'flush set ip kapal own\n');
  });
});
