import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  clientOf,
  contains,
  formatAddress,
  formatNetwork,
  parseAddress,
  parseNetwork,
  readNetwork,
} from '../../../src/model/network.ts';

const word = fc.integer({ min: 0, max: 0xffffffff });
const four = fc.tuple(word).map(([only]) => ({ words: [only] }));
// ::ffff:0:0/96 is IPv4 and comes back as such.
const six = fc
  .tuple(word, word, word, word)
  .filter(([a, b, c]) => !(a === 0 && b === 0 && c === 0xffff))
  .map((words) => ({ words }));
const address = fc.oneof(four, six);

describe('addresses', () => {
  test('what is written is read again', () => {
    fc.assert(fc.property(address, (some) => assert.deepEqual(parseAddress(formatAddress(some)), some)));
  });

  test('IPv6 is written as RFC 5952 says', () => {
    const forms: Record<string, string> = {
      '2001:0DB8:0:0:0:0:0:1': '2001:db8::1',
      '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
      '2001:0:0:1:0:0:0:1': '2001:0:0:1::1',
      '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
      '0:0:0:0:0:0:0:0': '::',
      '::1': '::1',
      '1::': '1::',
      '64:ff9b::192.0.2.33': '64:ff9b::c000:221',
      '::ffff:192.0.2.33': '192.0.2.33',
      '::FFFF:c000:0221': '192.0.2.33',
    };
    for (const [text, form] of Object.entries(forms)) {
      const read = parseAddress(text);
      assert.notEqual(read, null, text);
      assert.equal(read === null ? null : formatAddress(read), form, text);
    }
  });

  test('what is none', () => {
    const none = [
      '',
      ' ',
      '1',
      '1.2.3',
      '1.2.3.4.5',
      '1.2.3.256',
      '01.2.3.4',
      '1.2.3.4 ',
      '+1.2.3.4',
      '0x1.2.3.4',
      '1.2.3.4:80',
      '1..3.4',
      ':',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1:2:3:4:5:6:7::8',
      '12345::',
      'g::',
      '[::1]',
      '::1%eth0',
      '1.2.3.4::',
      '::1.2.3',
      '::1.2.3.4:5',
      '::ffff:1.2.3.04',
      'localhost',
    ];
    for (const text of none) assert.equal(parseAddress(text), null, text);
  });
});

describe('networks', () => {
  test('contains what shares its first bits, and nothing else', () => {
    fc.assert(
      fc.property(address, address, fc.nat({ max: 128 }), (base, other, bits) => {
        const width = base.words.length * 32;
        const prefix = Math.min(bits, width);
        const network = parseNetwork(`${formatAddress(base)}/${prefix}`);
        assert.ok(network !== null);
        assert.ok(contains(network, base));
        const same = base.words.length === other.words.length && first(base, prefix) === first(other, prefix);
        assert.equal(contains(network, other), same);
      }),
    );
  });

  test('the border of a network', () => {
    fc.assert(
      fc.property(address, fc.integer({ min: 1, max: 128 }), (base, bits) => {
        const width = base.words.length * 32;
        const prefix = Math.min(bits, width);
        const network = parseNetwork(`${formatAddress(base)}/${prefix}`);
        assert.ok(network !== null);
        assert.ok(!contains(network, flipped(base, prefix - 1)), 'the last bit of the prefix counts');
        if (prefix < width) assert.ok(contains(network, flipped(base, prefix)), 'the first bit after it does not');
      }),
    );
  });

  test('the canonical form is its own canonical form', () => {
    fc.assert(
      fc.property(address, fc.nat({ max: 128 }), (base, bits) => {
        const read = readNetwork(`${formatAddress(base)}/${Math.min(bits, base.words.length * 32)}`);
        assert.notEqual(read.kind, 'none');
        if (read.kind === 'none') return;
        assert.deepEqual(readNetwork(read.network), { kind: 'network', network: read.network });
        const parsed = parseNetwork(read.network);
        assert.equal(parsed === null ? null : formatNetwork(parsed), read.network);
      }),
    );
  });

  test('an address is a network of one; bits beyond the prefix are named', () => {
    assert.deepEqual(readNetwork('192.0.2.1'), { kind: 'network', network: '192.0.2.1/32' });
    assert.deepEqual(readNetwork('2001:DB8::'), { kind: 'network', network: '2001:db8::/128' });
    assert.deepEqual(readNetwork('10.1.2.3/8'), { kind: 'beyond', network: '10.0.0.0/8' });
    assert.deepEqual(readNetwork('2001:db8:ffff::/33'), { kind: 'beyond', network: '2001:db8:8000::/33' });
    assert.deepEqual(readNetwork('::ffff:10.0.0.0/104'), { kind: 'network', network: '10.0.0.0/8' });
    assert.deepEqual(readNetwork('0.0.0.0/0'), { kind: 'network', network: '0.0.0.0/0' });
    assert.deepEqual(readNetwork('::/0'), { kind: 'network', network: '::/0' });
  });

  test('what is none', () => {
    const none = [
      '',
      '/8',
      '10.0.0.0/',
      '10.0.0.0/33',
      '10.0.0.0/-1',
      '10.0.0.0/08',
      '10.0.0.0/8/8',
      '::/129',
      '::ffff:10.0.0.0/8',
      '10.0.0.0/8 ',
      '10/8',
    ];
    for (const text of none) assert.deepEqual(readNetwork(text), { kind: 'none' }, text);
  });
});

test('a client is its address, of IPv6 its /64', () => {
  fc.assert(
    fc.property(six, word, word, (some, low, lower) => {
      const [a, b] = some.words;
      const neighbour = { words: [a, b, low, lower] };
      assert.equal(clientOf(some), clientOf(neighbour));
      assert.notEqual(clientOf(some), clientOf({ words: [a, b ^ 1, low, lower] }));
    }),
  );
  fc.assert(fc.property(four, (some) => assert.equal(clientOf(some), formatAddress(some))));
});

function bits(words: readonly number[]): string {
  return words.map((some) => some.toString(2).padStart(32, '0')).join('');
}

function first({ words }: { readonly words: readonly number[] }, count: number): string {
  return bits(words).slice(0, count);
}

function flipped({ words }: { readonly words: readonly number[] }, bit: number): { readonly words: readonly number[] } {
  return { words: words.map((some, index) => (index === bit >> 5 ? (some ^ (1 << (31 - (bit & 31)))) >>> 0 : some)) };
}
