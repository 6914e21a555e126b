import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ConnectionError } from '../../../src/edge/embedded/h2/codes.ts';
import { HpackDecoder } from '../../../src/edge/embedded/h2/hpack-decoder.ts';
import { encodeHead } from '../../../src/edge/embedded/h2/hpack-encoder.ts';
import { decodeHuffman } from '../../../src/edge/embedded/h2/huffman.ts';

function decode(decoder: HpackDecoder, hex: string): string[] {
  const fields: string[] = [];
  decoder.decode(Buffer.from(hex.replaceAll(' ', ''), 'hex'), (name, value) => fields.push(`${name}: ${value}`));
  return fields;
}

describe('HPACK: the examples of RFC 7541', () => {
  const requests = [
    [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'],
    [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com', 'cache-control: no-cache'],
    [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value'],
  ];

  test('C.2: literals', () => {
    const literal = '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572';
    assert.deepEqual(decode(new HpackDecoder(), literal), ['custom-key: custom-header']);
    assert.deepEqual(decode(new HpackDecoder(), '040c 2f73 616d 706c 652f 7061 7468'), [':path: /sample/path']);
    assert.deepEqual(decode(new HpackDecoder(), '1008 7061 7373 776f 7264 0673 6563 7265 74'), ['password: secret']);
    assert.deepEqual(decode(new HpackDecoder(), '82'), [':method: GET']);
  });

  test('C.3: requests one after the other', () => {
    const decoder = new HpackDecoder();
    const blocks = [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ];
    assert.deepEqual(
      blocks.map((block) => decode(decoder, block)),
      requests,
    );
  });

  test('C.4: the same compressed', () => {
    const decoder = new HpackDecoder();
    const blocks = [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ];
    assert.deepEqual(
      blocks.map((block) => decode(decoder, block)),
      requests,
    );
  });

  test('C.6: a table that is too small for all, as a response has it', () => {
    const decoder = new HpackDecoder();
    // 256 bytes, as the example assumes.
    decode(decoder, '3fe1 01');
    const first = decode(
      decoder,
      '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
    );
    assert.deepEqual(first, [
      ':status: 302',
      'cache-control: private',
      'date: Mon, 21 Oct 2013 20:13:21 GMT',
      'location: https://www.example.com',
    ]);
    assert.deepEqual(decode(decoder, '4883 640e ffc1 c0bf'), [
      ':status: 307',
      'cache-control: private',
      'date: Mon, 21 Oct 2013 20:13:21 GMT',
      'location: https://www.example.com',
    ]);
    const [status, , date] = decode(
      decoder,
      '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
    );
    assert.deepEqual([status, date], [':status: 200', 'date: Mon, 21 Oct 2013 20:13:22 GMT']);
  });
});

describe('HPACK', () => {
  test('codes of all lengths are those of RFC 7541 appendix B', () => {
    const codes: readonly (readonly [byte: number, code: number, length: number])[] = [
      [48, 0x0, 5],
      [32, 0x14, 6],
      [58, 0x5c, 7],
      [38, 0xf8, 8],
      [33, 0x3f8, 10],
      [39, 0x7fa, 11],
      [35, 0xffa, 12],
      [0, 0x1ff8, 13],
      [94, 0x3ffc, 14],
      [60, 0x7ffc, 15],
      [92, 0x7fff0, 19],
      [128, 0xfffe6, 20],
      [129, 0x3fffd2, 22],
      [1, 0x7fffd8, 23],
      [9, 0xffffea, 24],
      [255, 0x3ffffee, 26],
      [254, 0x7fffff0, 27],
      [249, 0xffffffe, 28],
      [10, 0x3ffffffc, 30],
      [22, 0x3ffffffe, 30],
    ];
    for (const [byte, code, length] of codes) {
      const bits = code.toString(2).padStart(length, '0');
      const padded = bits.padEnd(Math.ceil(length / 8) * 8, '1');
      const bytes = Buffer.from(padded.match(/.{8}/g)?.map((eight) => Number.parseInt(eight, 2)) ?? []);
      assert.equal(decodeHuffman(bytes, 0, bytes.length), String.fromCharCode(byte), `byte ${byte}`);
    }
  });

  test('what is encoded is decoded', () => {
    const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,40}$/);
    const value = fc.stringMatching(/^(?:[!-~](?:[ -~]{0,300}[!-~])?)?$/);
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 999 }),
        fc.array(fc.tuple(name, value), { maxLength: 20 }),
        (status, list) => {
          const block = encodeHead(status, list.map(([key, text]) => `${key}: ${text}\r\n`).join(''));
          const fields: string[][] = [];
          new HpackDecoder().decode(Buffer.from(block, 'latin1'), (key, text) => fields.push([key, text]));
          assert.deepEqual(fields, [
            [':status', String(status)],
            ...list.map(([key, text]) => [key.toLowerCase(), text]),
          ]);
        },
      ),
    );
  });

  test('whatever bytes come, it is fields or an error of the connection', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (blocks) => {
        const decoder = new HpackDecoder();
        try {
          for (const block of blocks) decoder.decode(Buffer.from(block), () => undefined);
        } catch (error) {
          assert.ok(error instanceof ConnectionError && error.code === 9);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
