import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createMasker } from '../../../src/secrets/mask.ts';

describe('masking', () => {
  test('values are replaced wherever they stand', () => {
    const mask = createMasker(['hunter2-hunter2', 'correct horse']);
    assert.equal(mask('a=hunter2-hunter2,hunter2-hunter2 b=correct horse.'), 'a=[masked],[masked] b=[masked].');
    assert.equal(mask('nothing here'), 'nothing here');
  });

  test('values shorter than 6 characters stay', () => {
    const mask = createMasker(['true', '8080', 'eu', '', '12345', '      ']);
    assert.equal(mask('true 8080 eu 12345       x'), 'true 8080 eu 12345       x');
  });

  test('the longer of two that begin alike wins', () => {
    assert.equal(createMasker(['secret', 'secret-long'])('secret-long secret'), '[masked] [masked]');
  });

  test('characters that mean something in patterns mean themselves', () => {
    const mask = createMasker(['a.*b+c?(d)[e]', '$&-$1-^x|y', 'back\\slash']);
    assert.equal(mask('a.*b+c?(d)[e] $&-$1-^x|y back\\slash axxbbcde'), '[masked] [masked] [masked] axxbbcde');
  });

  test('a value of several lines is masked line by line, whatever ends its lines', () => {
    const mask = createMasker(['-----BEGIN KEY-----\r\nMIIEvQIBADAN\n  indented-part\n-----END KEY-----\n']);
    assert.equal(mask('MIIEvQIBADAN\n    indented-part\n-----BEGIN KEY-----'), '[masked]\n    [masked]\n[masked]');
  });

  test('the forms inside JSON and URLs are masked too', () => {
    const mask = createMasker(['p@ss "word"/\n2nd-line-of-it']);
    assert.equal(mask(JSON.stringify({ v: 'p@ss "word"/\n2nd-line-of-it' })), '{"v":"[masked]"}');
    assert.equal(mask(`postgres://u:${encodeURIComponent('p@ss "word"/')}@h`), 'postgres://u:[masked]@h');
  });

  test('no value of any set is left in any text that is made of them', () => {
    const value = fc.string({ minLength: 6, maxLength: 20, unit: fc.constantFrom('a', 'b', '.', '\\', '"', 'é') });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 6 }), fc.array(fc.string()), (values, between) => {
        const mask = createMasker(values);
        const text = values.map((one, index) => `${between[index] ?? ''}<${one}>`).join('');
        const said = mask(text);
        for (const one of values) if (one.trim().length >= 6) assert.ok(!said.includes(`<${one}>`), said);
      }),
      { numRuns: 2000 },
    );
  });

  test('100 values cost less than a second for 100,000 lines', () => {
    const mask = createMasker(Array.from({ length: 100 }, (_, index) => `value-${index}-${'x'.repeat(index)}`));
    const text = `2024-01-01T00:00:00Z GET /products/1 200 12ms value-7-xxxxxxx\n`.repeat(1000);
    const began = performance.now();
    for (let count = 0; count < 100; count += 1) assert.ok(!mask(text).includes('value-7'));
    assert.ok(performance.now() - began < 15_000);
  });
});
