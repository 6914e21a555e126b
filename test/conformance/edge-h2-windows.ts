import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DATA, END_STREAM, FrameClient, getFields, uint32, WINDOW_UPDATE } from './edge-h2-client.ts';
import type { TlsGround } from './edge-tls-ground.ts';

const large = getFields({ ':path': '/large' });
const mebibyte = 1 << 20;

/** Flow control towards the client (RFC 9113 5.2, 6.9). */
export function windowCases(ground: () => TlsGround): void {
  test('6.9.2: a body goes out as far as the initial window says, and on with each update', async () => {
    using client = await FrameClient.open(ground(), [[4, 1]]);
    client.headers(1, large);
    await came(client, 1);
    client.send([WINDOW_UPDATE, 0, 1], uint32(9));
    await came(client, 10);
    client.send([WINDOW_UPDATE, 0, 1], uint32(990));
    await came(client, 1000);
    await quiet(client, 1000);
  });

  test('6.9.2: with a window of 0 no body comes until it is opened', async () => {
    using client = await FrameClient.open(ground(), [[4, 0]]);
    client.headers(1, large);
    await quiet(client, 0);
    client.send([WINDOW_UPDATE, 0, 1], uint32(5));
    await came(client, 5);
  });

  test('6.9.2: a window that a setting made negative has to be filled first', async () => {
    using client = await FrameClient.open(ground(), [[4, 100]]);
    client.headers(1, large);
    await came(client, 100);
    client.settings([[4, 40]]);
    client.send([WINDOW_UPDATE, 0, 1], uint32(60));
    await quiet(client, 100);
    client.send([WINDOW_UPDATE, 0, 1], uint32(7));
    await came(client, 107);
  });

  test('6.9.2: a larger setting opens windows of streams that are open', async () => {
    using client = await FrameClient.open(ground(), [[4, 10]]);
    client.headers(1, large);
    await came(client, 10);
    client.settings([[4, 5000]]);
    await came(client, 5000);
  });

  test('6.9.1: the window of the connection holds over all streams', async () => {
    using client = await FrameClient.open(ground(), [[4, mebibyte]]);
    client.headers(1, large);
    client.headers(3, large);
    const total = (): number => (client.bodies.get(1) ?? 0) + (client.bodies.get(3) ?? 0);
    await client.until(() => total() >= 65_535);
    client.send([6, 0, 0], 'settled?');
    await client.until(({ type, payload }) => type === 6 && payload.toString() === 'settled?');
    assert.equal(total(), 65_535);
    client.send([WINDOW_UPDATE, 0, 0], uint32(4 * mebibyte));
    await client.until(() => total() >= 2 * mebibyte);
    assert.deepEqual([client.bodies.get(1), client.bodies.get(3)], [mebibyte, mebibyte]);
  });

  test('4.2: no frame is larger than everybody takes', async () => {
    using client = await FrameClient.open(ground(), [
      [4, 2 * mebibyte],
      [5, 65_536],
    ]);
    client.send([WINDOW_UPDATE, 0, 0], uint32(2 * mebibyte));
    client.headers(1, large);
    const last = await client.until(({ type, flags }) => type === DATA && (flags & END_STREAM) !== 0);
    assert.equal(last?.stream, 1);
    assert.equal(client.bodies.get(1), mebibyte);
    assert.ok(client.frames.every(({ payload }) => payload.length <= 65_536));
  });

  test('a stream that takes nothing does not keep the others waiting', async () => {
    using client = await FrameClient.open(ground(), [[4, 0]]);
    client.headers(1, large);
    client.headers(3, large);
    client.send([WINDOW_UPDATE, 0, 3], uint32(1000));
    await client.until(() => (client.bodies.get(3) ?? 0) >= 1000);
    assert.deepEqual([client.bodies.get(1) ?? 0, client.bodies.get(3)], [0, 1000]);
  });
}

async function came(client: FrameClient, bytes: number): Promise<void> {
  await client.until(() => (client.bodies.get(1) ?? 0) >= bytes);
  assert.equal(client.bodies.get(1) ?? 0, bytes);
}

/** What was going to be sent would have been sent before the answer to a later PING. */
async function quiet(client: FrameClient, bytes: number): Promise<void> {
  for (const payload of ['settle 1', 'settle 2', 'settle 3']) {
    client.send([6, 0, 0], payload);
    await client.until((frame) => frame.type === 6 && frame.payload.toString() === payload);
  }
  assert.equal(client.bodies.get(1) ?? 0, bytes);
}
