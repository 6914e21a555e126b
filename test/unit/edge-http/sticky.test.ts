import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { cookieValues, stickyLine, stickyValue } from '../../../src/edge/embedded/plane/sticky.ts';

const key = 'ab'.repeat(32);

describe('sticky cookie', () => {
  test('sixteen bytes each of a digest of the id and of its signature', () => {
    const id = createHash('sha256').update('p1').digest('hex').slice(0, 32);
    const signature = createHmac('sha256', Buffer.from(key, 'hex')).update(id).digest('hex').slice(0, 32);
    assert.equal(stickyValue('p1', key), `${id}.${signature}`);
    assert.notEqual(stickyValue('p1', 'cd'.repeat(32)), stickyValue('p1', key));
    assert.notEqual(stickyValue('p2', key), stickyValue('p1', key));
  });

  test('its values are found in whatever form browsers send them', () => {
    const fields =
      'Accept: kapal=no\r\ncookie: a=1; kapal=first ;b=2;kapal=\r\nX-Cookie: kapal=no\r\nCOOKIE:kapal=second; xkapal=no; kapal2=no; bare\r\n';
    assert.deepEqual(cookieValues(fields, 'kapal'), ['first', '', 'second']);
    assert.deepEqual(cookieValues('Accept: */*\r\n', 'kapal'), []);
    assert.deepEqual(cookieValues('Cookie: k.1=a; kx1=b\r\n', 'k.1'), ['a'], 'a name is no pattern');
  });

  test('the line says what a browser needs and no more', () => {
    assert.equal(
      stickyLine({ cookie: 'kapal', key }, 'v', false),
      'Set-Cookie: kapal=v; Path=/; HttpOnly; SameSite=Lax\r\n',
    );
    assert.equal(
      stickyLine({ cookie: 'kapal', key, maxAge: 60 }, 'v', true),
      'Set-Cookie: kapal=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure\r\n',
    );
  });
});
