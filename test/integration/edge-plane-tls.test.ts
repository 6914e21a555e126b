import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secureBackend } from '../conformance/secure-backend.ts';
import { bodyOf, PlaneGround, statusOf } from './edge-plane-fixture.ts';
import { makeCertificate } from './nginx-certificates.ts';

test('a new connection to an endpoint of TLS resumes the session of one before', async () => {
  await using backend = await secureBackend('secure', await makeCertificate(['known.test']));
  await using ground = await PlaneGround.start([backend], {
    pool: { tls: { serverName: 'known.test', verify: false } },
  });
  for (let i = 0; i < 5; i += 1) assert.equal(bodyOf(await ground.get('/end')), 'secure a.test');
  assert.deepEqual([backend.asked.length, backend.resumed], [5, 4]);
});

test('an endpoint whose name is an address is sent no server name', async () => {
  await using backend = await secureBackend('secure', await makeCertificate(['known.test']));
  await using ground = await PlaneGround.start([backend], {
    pool: { tls: { serverName: '127.0.0.1', verify: false } },
  });
  assert.equal(statusOf(await ground.get()), 200);
  assert.deepEqual(backend.asked, [''], 'RFC 6066 3: an address is no name');
});

test('a large body goes through TLS whole, there and back', async () => {
  await using backend = await secureBackend('secure', await makeCertificate(['known.test']));
  await using ground = await PlaneGround.start([backend], {
    pool: { tls: { serverName: null, verify: false }, rewriteHost: true },
  });
  const body = Array.from({ length: 200_000 }, (_, i) => String(i)).join(' ');
  const answer = await ground.exchange(
    `POST /echo HTTP/1.0\r\nHost: a.test\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  assert.equal(statusOf(answer), 200);
  assert.ok(bodyOf(answer) === body, `${bodyOf(answer).length} bytes came back, ${body.length} were sent`);
});
