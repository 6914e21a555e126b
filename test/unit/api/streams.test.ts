import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { paths } from '../../../src/api/contract/paths.ts';
import { http } from '../../../src/lib/http.ts';
import { KapalError } from '../../../src/model/errors.ts';
import { digest, event, logLine, story } from './recording-commands.ts';
import { askSocket, serve, type Served, until } from './serving.ts';

const at = { environment: 'production' };
const followed = paths.logs('api', { ...at, follow: 'true' });

/** What a stream says until it is closed by one side or the other. */
function open(
  { socketPath }: Served,
  path: string,
  headers: Record<string, string> = {},
): { text: () => string; over: Promise<void>; close: () => void } {
  let text = '';
  const { promise, resolve } = Promise.withResolvers<void>();
  const request = http.get({ socketPath, path, headers, agent: false }, (response) => {
    response.setEncoding('utf8');
    response.on('data', (piece: string) => (text += piece));
    response.on('error', () => resolve());
    response.on('close', resolve);
  });
  request.on('error', () => resolve());
  return { text: () => text, over: promise, close: () => request.destroy() };
}

describe('server-sent events', () => {
  test('an operation is told from its beginning, and the stream ends after finished', async () => {
    await using served = await serve();
    const { text, headers } = await askSocket(served, paths.operationEvents('op1'));
    assert.equal(headers['content-type'], 'text/event-stream');
    assert.equal(headers['cache-control'], 'no-store');
    const events = text.split('\n\n').filter((block) => block.startsWith('event:'));
    const read = events.map((block) => {
      const [, kind, life, number, data] = /^event: (\w+)\nid: ([0-9a-f]+)\.(\d+)\ndata: (.*)$/.exec(block) ?? [];
      return { kind, life, number, data: JSON.parse(data ?? '') as unknown };
    });
    assert.deepEqual(
      read.map(({ data }) => data),
      story,
    );
    assert.deepEqual(
      read.map(({ kind }) => kind),
      story.map(({ kind }) => kind),
    );
    assert.deepEqual(
      read.map(({ number }) => number),
      ['1', '2', '3', '4', '5'],
    );
  });

  test('an unknown operation is a 404, not a stream', async () => {
    const none = () => {
      throw new KapalError('not_found', 'no operation op9');
    };
    await using served = await serve({ operation: none });
    const { status, headers } = await askSocket(served, paths.operationEvents('op9'));
    assert.equal(status, 404);
    assert.match(String(headers['content-type']), /json/);
  });

  test('a failure on the way is the last event', async () => {
    await using served = await serve({
      async *follow() {
        yield { kind: 'notice', service: null, message: 'so far' };
        throw new KapalError('disk_full', 'no room');
      },
    });
    const { text } = await askSocket(served, paths.operationEvents('op1'));
    assert.match(
      text,
      /event: notice\n.*\n.*so far.*\n\nevent: error\ndata: \{"error":\{"code":"disk_full","message":"no room".*\}\}\n\n$/s,
    );
  });

  test('silence is broken by comments', async () => {
    await using served = await serve({ logs: async () => [] }, { heartbeat: 20 });
    const stream = open(served, followed);
    await until('three heartbeats came', () => stream.text().split(': still here\n\n').length > 3);
    stream.close();
  });

  test('logs go on with what comes, in order and each once', async () => {
    const lines = [logLine(4, 'four'), logLine(9, 'nine')];
    let wake = () => undefined as void;
    const asked: unknown[] = [];
    await using served = await serve({
      logs: async (_service, query) => {
        asked.push(query.after);
        return lines.filter(({ sequence }) => sequence > (query.after ?? 0));
      },
      moreLogs: () => new Promise((resolve) => (wake = resolve)),
    });
    const stream = open(served, followed);
    await until('the first lines came', () => stream.text().includes('nine'));
    lines.push(logLine(12, 'twelve'));
    wake();
    await until('the next line came', () => stream.text().includes('twelve'));
    assert.deepEqual(
      [...stream.text().matchAll(/^id: (\d+)$/gm)].map(([, id]) => id),
      ['4', '9', '12'],
    );
    assert.deepEqual(asked, [undefined, 9]);
    stream.close();
  });

  test('a client that comes back goes on where it was', async () => {
    await using served = await serve({
      events: ({ after }) => [event(1), event(2), event(3)].filter(({ sequence }) => sequence > (after ?? 0)),
    });
    const stream = open(served, `${paths.events}?follow=true&limit=1`, { 'last-event-id': '1' });
    await until('the third event came', () => stream.text().includes('id: 3'));
    assert.doesNotMatch(stream.text(), /^id: 1$/m);
    assert.deepEqual(served.calls.find(({ name }) => name === 'events')?.input, [{ after: 1, limit: 10_000 }]);
    stream.close();
  });

  test('a client that goes away ends the work for it', async () => {
    const signals: AbortSignal[] = [];
    await using served = await serve({
      moreLogs: (_service, signal) => {
        signals.push(signal);
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      },
    });
    const stream = open(served, followed);
    await until('the stream was open', () => stream.text().includes('id: 2'));
    stream.close();
    await until('the signal aborted', () => signals[0]?.aborted === true);
    assert.deepEqual(served.faults, []);
  });

  test('closing the API ends open streams at once, and does not wait for idle connections', async () => {
    const served = await serve();
    try {
      const streams = [open(served, followed), open(served, paths.events + '?follow=true')];
      await until('both were open', () => streams.every(({ text }) => text().includes('id: ')));
      const idle = connect(served.socketPath);
      await new Promise((resolve) => idle.once('connect', resolve));
      const began = performance.now();
      await served.close();
      await Promise.all(streams.map(({ over }) => over));
      assert.ok(performance.now() - began < 12_000, `${performance.now() - began} ms`);
      idle.destroy();
    } finally {
      await served[Symbol.asyncDispose]();
    }
  });
});

describe('uploads', () => {
  const path = paths.source(digest);
  const tar = { 'content-type': 'application/x-tar' };

  function upload({ socketPath }: Served, headers: Record<string, string> = {}) {
    const answer = Promise.withResolvers<{ status: number; text: string }>();
    const request = http.request(
      { socketPath, path, method: 'PUT', headers: { ...tar, ...headers }, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => (text += piece));
        response.on('end', () => answer.resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    request.on('error', answer.reject);
    return { request, answer: answer.promise };
  }

  test('bytes arrive as they were sent', async () => {
    const received: Uint8Array[] = [];
    await using served = await serve({
      putSource: async (_digest, pieces) => {
        for await (const piece of pieces) received.push(piece);
      },
    });
    const { request, answer } = upload(served);
    request.write('one ');
    request.end('two');
    assert.equal((await answer).status, 204);
    assert.equal(Buffer.concat(received).toString(), 'one two');
  });

  test('a reader that is slow slows the sender down', async () => {
    const gate = Promise.withResolvers<void>();
    await using served = await serve({
      putSource: async (_digest, pieces) => {
        for await (const piece of pieces) {
          void piece;
          await gate.promise;
        }
      },
    });
    const { request, answer } = upload(served);
    const piece = Buffer.alloc(256 * 1024);
    let sent = 0;
    while (request.write(piece) || sent < 8) {
      sent += 1;
      assert.ok(sent < 200, 'the sender was never held up');
    }
    await until('the first bytes arrived', () => served.calls.some(({ name }) => name === 'putSource'));
    assert.ok(request.writableLength > 1024 * 1024, `${request.writableLength} bytes wait`);
    gate.resolve();
    request.end();
    assert.equal((await answer).status, 204);
  });

  test('a refusal is heard although the upload is not over', async () => {
    await using served = await serve({
      putSource: async (_digest, pieces) => {
        for await (const piece of pieces) {
          void piece;
          throw new KapalError('source_refused', 'a link leads out of the tree');
        }
      },
    });
    const { request, answer } = upload(served);
    request.write(Buffer.alloc(1024));
    const { status, text } = await answer;
    assert.equal(status, 422);
    assert.match(text, /source_refused/);
    request.destroy();
  });

  test('an upload that is announced as too large is refused before it is read', async () => {
    await using served = await serve();
    const { request, answer } = upload(served, { 'content-length': String(2 * 1024 ** 3) });
    request.flushHeaders();
    const { status, text } = await answer;
    assert.equal(status, 413);
    assert.match(text, /source_too_large/);
    request.destroy();
  });

  test('an upload that breaks off is not taken for a whole one', async () => {
    const ended = Promise.withResolvers<unknown>();
    await using served = await serve({
      putSource: async (_digest, pieces) => {
        try {
          for await (const piece of pieces) void piece;
          ended.resolve(null);
        } catch (error) {
          ended.resolve(error);
          throw error;
        }
      },
    });
    const { request, answer } = upload(served, { 'content-length': '1000' });
    answer.catch(() => undefined);
    request.write('half');
    await until('the upload began', () => served.calls.some(({ name }) => name === 'putSource'));
    request.destroy();
    const error = await ended.promise;
    assert.ok(error instanceof KapalError && error.code === 'source_failed', String(error));
    assert.deepEqual(served.faults, []);
  });
});
