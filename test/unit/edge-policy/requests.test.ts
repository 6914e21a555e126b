import assert from 'node:assert/strict';
import { pbkdf2Sync } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compressed } from '../../../src/edge/embedded/policy/compression.ts';
import { changed, fieldOf } from '../../../src/edge/embedded/policy/field-lines.ts';
import { originOf } from '../../../src/edge/embedded/policy/origin.ts';
import { Derivations, Passwords } from '../../../src/edge/embedded/policy/passwords.ts';
import { RequestHead } from '../../../src/edge/embedded/http/request-head.ts';
import { ResponseHead } from '../../../src/edge/embedded/http/response-head.ts';
import type { BasicUser } from '../../../src/edge/policy.ts';
import { parseNetwork } from '../../../src/model/network.ts';

describe('the client behind proxies', () => {
  const trusted = ['10.0.0.0/8', '2001:db8::/32'].map((text) => parseNetwork(text)).filter((found) => found !== null);
  const entry = fc.constantFrom(
    '10.0.0.1',
    '10.9.9.9',
    '203.0.113.1',
    '192.0.2.7',
    '2001:db8::1',
    '2001:db9::1',
    'unknown',
    '',
    '10.0.0.1:80',
  );

  test('is the first from the right that is not trusted, or the last before something that is no address', () => {
    fc.assert(
      fc.property(entry, fc.array(entry, { maxLength: 6 }), (peer, entries) => {
        const forwardedFor = entries.join(', ');
        const { remote } = originOf({ peer, scheme: 'http', forwardedFor, forwardedProto: null }, trusted);
        let expected = peer;
        const isTrusted = (text: string): boolean => /^10\.\d+\.\d+\.\d+$|^2001:db8:/.test(text);
        const isAddress = (text: string): boolean => text !== 'unknown' && text !== '' && !text.endsWith(':80');
        for (const next of entries.toReversed()) {
          if (!isTrusted(expected) || !isAddress(next)) break;
          expected = next;
        }
        assert.equal(remote, expected);
      }),
    );
  });

  test('an interface beside a link-local address does not matter', () => {
    const arrival = {
      peer: 'fe80::1%eth0',
      scheme: 'http',
      forwardedFor: '203.0.113.1',
      forwardedProto: 'https',
    } as const;
    const network = parseNetwork('fe80::/10');
    assert.ok(network !== null);
    assert.equal(originOf(arrival, [network]).remote, '203.0.113.1');
    assert.equal(originOf(arrival, [network]).scheme, 'https');
    assert.deepEqual([originOf(arrival, []).remote, originOf(arrival, []).scheme], ['fe80::1%eth0', 'http']);
  });
});

describe('fields', () => {
  const lines = 'Host: a\r\nX-A: 1\r\nx-a: 2\r\nX-Ab: 3\r\n';

  test('are found whatever their case, several as a list', () => {
    assert.equal(fieldOf(lines, 'x-a'), '1, 2');
    assert.equal(fieldOf(lines, 'x-ab'), '3');
    assert.equal(fieldOf(lines, 'x'), null);
  });

  test('are replaced and removed whole', () => {
    assert.equal(changed(lines, [{ name: 'x-a', value: '9' }]), 'Host: a\r\nX-Ab: 3\r\nx-a: 9\r\n');
    assert.equal(changed(lines, [{ name: 'x-a', value: null }]), 'Host: a\r\nX-Ab: 3\r\n');
    assert.equal(changed(lines, []), lines);
  });
});

describe('passwords', () => {
  const digest = (password: string): string =>
    pbkdf2Sync(password, Buffer.from('00112233', 'hex'), 1000, 32, 'sha256').toString('hex');
  const ann: BasicUser = { name: 'ann', salt: '00112233', iterations: 1000, digest: digest('secret') };
  const field = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

  test('are derived once for the same credentials, however many ask at once', async () => {
    let count = 0;
    class Counting extends Derivations {
      override derive(password: Buffer, user: Pick<BasicUser, 'salt' | 'iterations'>): Promise<Buffer | null> {
        count += 1;
        return super.derive(password, user);
      }
    }
    const passwords = new Passwords({ realm: 'r', users: [ann] }, new Counting());
    const found = await Promise.all(
      Array.from({ length: 20 }, async () => await passwords.verify(field('ann:secret'))),
    );
    assert.deepEqual(new Set(found), new Set(['right']));
    assert.equal(count, 1);
    assert.equal(passwords.verify(field('ann:secret')), 'right');
    assert.equal(await passwords.verify(field('nobody:secret')), 'wrong');
    assert.equal(count, 2, 'a name that is not there costs a derivation too');
    assert.equal(await passwords.verify(field('ann:wrong')), 'wrong');
    assert.equal(await passwords.verify(field('ann:wrong')), 'wrong');
    assert.equal(count, 4, 'what was wrong is not remembered');
  });

  test('a flood of guesses does not pile up', async () => {
    const passwords = new Passwords({ realm: 'r', users: [ann] }, new Derivations());
    const found = await Promise.all(
      Array.from({ length: 600 }, async (_, guess) => await passwords.verify(field(`ann:${guess}`))),
    );
    assert.ok(found.includes('busy'));
    assert.ok(found.filter((one) => one === 'wrong').length >= 256);
    assert.equal(await passwords.verify(field('ann:secret')), 'right');
  });

  test('what is no such field is wrong at once', () => {
    const passwords = new Passwords({ realm: 'r', users: [ann] }, new Derivations());
    for (const text of [null, '', 'Basic', 'Basic ', 'Basic ****', 'Bearer YTpi', 'Basic YTpi YTpi', field('no-colon')])
      assert.equal(passwords.verify(text), 'wrong', String(text));
  });
});

describe('compression', () => {
  const request = (accept: string): RequestHead =>
    Object.assign(new RequestHead(), { fields: `Accept-Encoding: ${accept}\r\n` });
  const response = (fields: string, contentLength = 5000): ResponseHead =>
    Object.assign(new ResponseHead(), { status: 200, contentLength, fields });

  test('one Vary, whatever was there', () => {
    for (const vary of ['', 'Vary: Accept-Encoding\r\n', 'Vary: Cookie, accept-encoding\r\n', 'Vary: *\r\n']) {
      const head = response(`Content-Type: text/html\r\n${vary}`);
      assert.ok(compressed(head, request('gzip')));
      assert.equal(head.fields.match(/^vary:/gim)?.length, 1, vary);
    }
    const head = response('Content-Type: text/html\r\nVary: X-Accept-Encoding\r\n');
    compressed(head, request('gzip'));
    assert.equal(fieldOf(head.fields, 'vary'), 'X-Accept-Encoding, Accept-Encoding');
  });

  test('statuses without a body, or with a part, are left', () => {
    for (const status of [101, 204, 205, 206, 304]) {
      const head = Object.assign(response('Content-Type: text/html\r\n'), { status });
      assert.ok(!compressed(head, request('gzip')), String(status));
      assert.equal(head.contentLength, 5000);
    }
  });
});
