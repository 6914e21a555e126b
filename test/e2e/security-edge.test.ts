import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TestKapal } from './kapal.ts';
import { exchange, logged, shop } from './survival.ts';

const echo = `
const { createServer } = require('node:http');
createServer((request, response) => {
  let body = '';
  request.on('data', (part) => (body += part));
  request.on('end', () => { console.log('served ' + request.method + ' ' + request.url); response.end(JSON.stringify({ url: request.url, headers: request.headers, body })); });
}).listen(Number(process.env.PORT), process.env.HOST);
`;

const host = 'Host: shop.localhost';

/** Each may mean two things to two programs: what hides behind the first request must never reach the app as a second one. */
const ambiguous: Readonly<Record<string, string>> = {
  'length and chunks': `POST / HTTP/1.1\r\n${host}\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n${host}\r\n\r\n`,
  'chunks and length': `POST / HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\nContent-Length: 44\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n${host}\r\n\r\n`,
  'two lengths': `POST / HTTP/1.1\r\n${host}\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nGET /smuggled HTTP/1.1\r\n${host}\r\n\r\n`,
  'a list of lengths': `POST / HTTP/1.1\r\n${host}\r\nContent-Length: 0, 5\r\n\r\nhello`,
  'a signed length': `POST / HTTP/1.1\r\n${host}\r\nContent-Length: +5\r\n\r\nhello`,
  'blank before the colon': `POST / HTTP/1.1\r\n${host}\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
  'unknown coding': `POST / HTTP/1.1\r\n${host}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  'chunked twice': `POST / HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'chunked, identity': `POST / HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  'chunks in HTTP/1.0': `POST / HTTP/1.0\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'two hosts': `GET / HTTP/1.1\r\n${host}\r\nHost: other.localhost\r\n\r\n`,
  'no host': `GET / HTTP/1.1\r\n\r\n`,
  'a folded field': `GET / HTTP/1.1\r\n${host}\r\nX-One: a\r\n Transfer-Encoding: chunked\r\n\r\n`,
  'a bare CR': `GET / HTTP/1.1\r\n${host}\r\nX-One: a\rTransfer-Encoding: chunked\r\n\r\n`,
  'NUL in a value': `GET / HTTP/1.1\r\n${host}\r\nX-One: a\0b\r\n\r\n`,
  'a bad chunk size': `POST / HTTP/1.1\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n`,
};

describe('requests with two meanings', () => {
  test('are answered 400 and reach no app; what visitors say of themselves is replaced', async () => {
    await using kapal = await TestKapal.start();
    await kapal.deploy(await kapal.project('shop', shop('shop', [], { 'server.js': echo })));
    for (const [name, bytes] of Object.entries(ambiguous)) {
      const answer = await exchange(kapal.http, bytes);
      assert.match(answer, /^HTTP\/1\.[01] 400 /, `${name}: ${answer.slice(0, 200)}`);
      assert.equal(answer.match(/HTTP\/1\.[01] \d{3}/g)?.length, 1, `${name}: one answer, then the connection ends`);
    }

    const spoofed = {
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.example.com',
      'x-forwarded-port': '443',
      'x-real-ip': '6.6.6.6',
      forwarded: 'for=6.6.6.6',
      connection: 'close, x-secret',
      'x-secret': 'hop by hop',
    };
    const { status, body } = await kapal.visit('shop.localhost', '/seen', { headers: spoofed });
    assert.equal(status, 200);
    assert.doesNotMatch(body, /6\.6\.6\.6|evil\.example|hop by hop/);
    const { headers } = JSON.parse(body) as { headers: Record<string, string> };
    assert.equal(headers['x-forwarded-for'], '127.0.0.1');
    assert.equal(headers['x-forwarded-proto'], 'http');
    assert.match(headers['x-forwarded-host'] ?? headers['host'] ?? '', /^shop\.localhost/);

    for (const name of ['evil.example.com', '127.0.0.1', 'shop.localhost.evil.example.com', '-', '../x'])
      assert.ok([400, 404].includes((await kapal.visit(name)).status), name);
    const log = await logged(kapal, 'shop', /served GET \/seen/);
    assert.doesNotMatch(log, /smuggled/);
    assert.equal(log.match(/served POST/g), null, 'no request of two meanings came through');
  });
});
