import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  blockOf,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  FrameClient,
  frameOf,
  getFields,
  HEADERS,
  PING,
  postFields,
  PRIORITY,
  RST_STREAM,
  SETTINGS,
  uint32,
  WINDOW_UPDATE,
} from './edge-h2-client.ts';
import { hang } from '../patience.ts';
import type { TlsGround } from './edge-tls-ground.ts';

const frames = 10_000;
/** Written at once, as a flood comes. */
const batch = 500;
const hold = blockOf(getFields({ ':path': '/hold' }));

interface Flood {
  readonly name: string;
  readonly settings?: readonly (readonly [number, number])[];
  /** Before the flood. */
  readonly begin?: (client: FrameClient) => void;
  readonly frame: (turn: number) => Buffer;
  /** The client reads nothing of what comes. */
  readonly deaf?: true;
  readonly frames?: number;
}

const ping = frameOf([PING, 0, 0], '12345678');
const openPost = (client: FrameClient): void => client.headers(1, postFields(), 0);

const floods: readonly Flood[] = [
  {
    name: 'requests that are reset at once (CVE-2023-44487)',
    frame: (turn) =>
      Buffer.concat([
        frameOf([HEADERS, END_HEADERS | END_STREAM, 1 + turn * 2], hold),
        frameOf([RST_STREAM, 0, 1 + turn * 2], uint32(8)),
      ]),
  },
  {
    name: 'requests that make the edge reset them (CVE-2025-8671)',
    frame: (turn) =>
      Buffer.concat([
        frameOf([HEADERS, END_HEADERS, 1 + turn * 2], hold),
        frameOf([WINDOW_UPDATE, 0, 1 + turn * 2], uint32(0)),
      ]),
  },
  {
    name: 'a header block that does not end (CVE-2024-27316)',
    begin: (client) => client.send([HEADERS, END_STREAM, 1], blockOf(getFields())),
    frame: (turn) => frameOf([CONTINUATION, 0, 1], blockOf([[`x-${turn}`, 'v'.repeat(100)]])),
  },
  {
    name: 'empty pieces of a header block',
    begin: (client) => client.send([HEADERS, END_STREAM, 1], blockOf(getFields())),
    frame: () => frameOf([CONTINUATION, 0, 1]),
  },
  { name: 'PING (CVE-2019-9512)', frame: () => ping },
  { name: 'PING of a client that does not read (CVE-2019-9517)', frame: () => ping, deaf: true, frames: 100_000 },
  { name: 'SETTINGS (CVE-2019-9515)', frame: (turn) => frameOf([SETTINGS, 0, 0], `\0\x03${uint32(turn)}`) },
  { name: 'empty DATA (CVE-2019-9518)', begin: openPost, frame: () => frameOf([DATA, 0, 1]) },
  { name: 'PRIORITY (CVE-2019-9513)', frame: (turn) => frameOf([PRIORITY, 0, 1 + turn * 2], `${uint32(0)}\x10`) },
  {
    name: 'window updates',
    begin: openPost,
    frame: (turn) => frameOf([WINDOW_UPDATE, 0, turn % 2], uint32(1)),
  },
  {
    name: 'large answers with a window of one byte (CVE-2019-9511)',
    settings: [[4, 1]],
    frame: (turn) =>
      frameOf([HEADERS, END_HEADERS | END_STREAM, 1 + turn * 2], blockOf(getFields({ ':path': '/large' }))),
    frames: 1000,
  },
  { name: 'frames of unknown types', frame: (turn) => frameOf([100 + (turn % 100), 0, 0], 'x') },
  {
    name: 'fields without names and values (CVE-2019-9516)',
    frame: (turn) => frameOf([HEADERS, END_HEADERS | END_STREAM, 1 + turn * 2], '\0\0\0'.repeat(1000)),
  },
  {
    name: 'a large field, named again and again by its index',
    begin: (client) => client.send([HEADERS, END_HEADERS | END_STREAM, 1], bomb),
    frame: (turn) => frameOf([HEADERS, END_HEADERS | END_STREAM, 3 + turn * 2], '\xbe'.repeat(16_000)),
    frames: 200,
  },
];

/** A field of 4,000 bytes that goes into the table of the connection. */
const bomb = `\x82\x87\x84\x41\x06a.test\x40\x06x-bomb\x7f\xa1\x1e${'b'.repeat(4000)}`;

/** Each flood costs the client that makes it its connection or its streams, and nobody else anything. */
export function floodCases(ground: () => TlsGround): void {
  for (const flood of floods) {
    test(flood.name, { timeout: 600_000 }, async () => {
      const before = await pids(ground());
      using client = await FrameClient.open(ground(), flood.settings);
      if (flood.deaf === true) client.socket.pause();
      flood.begin?.(client);
      const flooding = pour(client, flood);
      for (let turn = 0; turn < 5; turn += 1) await honest(ground());
      await flooding;
      await honest(ground());
      assert.deepEqual(await pids(ground()), before, 'no worker has died');
    });
  }
}

/** Writes until all is written or the edge has had enough. */
async function pour(client: FrameClient, flood: Flood): Promise<void> {
  const total = flood.frames ?? frames;
  const deadline = performance.now() + hang;
  for (let turn = 0; turn < total && !client.closed && performance.now() < deadline; turn += batch) {
    const count = Math.min(batch, total - turn);
    client.raw(Buffer.concat(Array.from({ length: count }, (_, i) => flood.frame(turn + i))));
    while (client.socket.writableNeedDrain && !client.closed && performance.now() < deadline) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        client.socket.once('drain', () => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function honest(ground: TlsGround): Promise<void> {
  using client = await FrameClient.open(ground);
  client.headers(1, getFields());
  assert.equal(await client.outcome(1), 'status 200', 'an honest client');
}

async function pids(ground: TlsGround): Promise<number[]> {
  const { workers } = await ground.edge.status();
  return workers.map(({ pid }) => pid).sort((a, b) => a - b);
}
