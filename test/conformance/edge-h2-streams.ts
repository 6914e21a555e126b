import {
  blockOf,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  type FrameClient,
  getFields,
  postFields as post,
  HEADERS,
  PADDED,
  PRIORITIZED,
  PRIORITY,
  RST_STREAM,
  SETTINGS,
  uint32,
  WINDOW_UPDATE,
} from './edge-h2-client.ts';

import type { FrameCase } from './edge-h2-case.ts';

const protocolStream = ['reset 1', 'goaway 1'];
const protocolConnection = ['goaway 1'];
const frameSizeConnection = ['goaway 6'];
const closedStream = ['reset 5', 'goaway 5'];
const served = ['status 200'];
const GET = getFields();
const hold = getFields({ ':path': '/hold' });
const get = (client: FrameClient, stream = 1): void => client.headers(stream, GET);

/** After a request on stream 1 that is whole and waits for its answer. */
const halfClosed = (after: (client: FrameClient) => void) => (client: FrameClient) => {
  client.headers(1, hold);
  after(client);
};

/** After a request on stream 1 that has been answered. */
const answered = (after: (client: FrameClient) => void) => async (client: FrameClient) => {
  get(client);
  await client.until(({ type, stream, flags }) => type === DATA && stream === 1 && (flags & END_STREAM) !== 0);
  client.statuses.delete(1);
  after(client);
};

export const streamCases: readonly FrameCase[] = [
  {
    name: '5.1: DATA on an idle stream end the connection',
    act: (client) => client.send([DATA, END_STREAM, 1], 'x'),
    allowed: protocolConnection,
    nginx: { allowed: ['silent'], why: 'ignores frames of streams that it does not know' },
  },
  {
    name: '5.1: RST_STREAM on an idle stream ends the connection',
    act: (client) => client.send([RST_STREAM, 0, 1], uint32(8)),
    allowed: protocolConnection,
    nginx: { allowed: ['silent'], why: 'ignores frames of streams that it does not know' },
  },
  {
    name: '5.1: WINDOW_UPDATE on an idle stream ends the connection',
    act: (client) => client.send([WINDOW_UPDATE, 0, 1], uint32(1)),
    allowed: protocolConnection,
    nginx: { allowed: ['silent'], why: 'ignores frames of streams that it does not know' },
  },
  {
    name: '5.1: CONTINUATION on an idle stream ends the connection',
    act: (client) => client.send([CONTINUATION, END_HEADERS, 1], blockOf(GET)),
    allowed: protocolConnection,
  },
  {
    name: '5.1: DATA after the end of the request are an error',
    act: halfClosed((client) => client.send([DATA, END_STREAM, 1], 'x')),
    allowed: closedStream,
  },
  {
    name: '5.1: HEADERS after the end of the request are an error',
    act: halfClosed((client) => client.headers(1, GET)),
    allowed: [...closedStream, 'goaway 1'],
  },
  {
    name: '5.1: DATA after the client has reset the stream are an error',
    act: (client) => {
      client.headers(1, hold, 0);
      client.send([RST_STREAM, 0, 1], uint32(8));
      client.send([DATA, END_STREAM, 1], 'x');
    },
    allowed: closedStream,
    nginx: { allowed: ['silent'], why: 'ignores frames of streams that it does not know' },
  },
  {
    name: '5.1: HEADERS after the client has reset the stream are an error',
    act: (client) => {
      client.headers(1, hold, 0);
      client.send([RST_STREAM, 0, 1], uint32(8));
      client.headers(1, GET);
    },
    allowed: [...closedStream, 'goaway 1'],
  },
  {
    name: '5.1: WINDOW_UPDATE, PRIORITY and RST_STREAM on a stream that has ended are ignored',
    act: answered((client) => {
      client.send([WINDOW_UPDATE, 0, 1], uint32(100));
      client.send([PRIORITY, 0, 1], `${uint32(0)}\x10`);
      client.send([RST_STREAM, 0, 1], uint32(8));
      get(client, 3);
    }),
    stream: 3,
    allowed: served,
  },
  {
    name: '5.1.1: an even stream of a client ends the connection',
    act: (client) => client.headers(2, GET),
    stream: 2,
    allowed: protocolConnection,
  },
  {
    name: '5.1.1: a stream below one that was used ends the connection',
    act: (client) => {
      client.headers(5, hold, 0);
      client.headers(3, GET);
    },
    stream: 3,
    allowed: protocolConnection,
  },
  {
    name: '5.1.1: streams may be passed over',
    act: (client) => get(client, 9_999),
    stream: 9_999,
    allowed: served,
  },
  {
    name: '5.1.2: a stream beyond the limit is refused',
    act: async (client) => {
      const settings = await client.until(({ type, flags }) => type === SETTINGS && flags === 0);
      const limit = settingOf(settings?.payload ?? Buffer.alloc(0), 3) ?? 1000;
      for (let stream = 0; stream < limit; stream += 1) client.headers(3 + stream * 2, hold, 0);
      client.headers(3 + limit * 2, GET);
    },
    stream: 259,
    allowed: ['reset 7', 'reset 1', 'goaway 7', 'goaway 1'],
  },
  {
    name: '6.1: DATA on the connection end it',
    act: (client) => client.send([DATA, 0, 0], 'x'),
    allowed: protocolConnection,
  },
  {
    name: '6.1: DATA with more padding than payload end the connection',
    act: (client) => {
      client.headers(1, post(), 0);
      client.send([DATA, PADDED | END_STREAM, 1], '\x05abc');
    },
    allowed: protocolConnection,
    nginx: { allowed: ['goaway 6', 'goaway 1'], why: 'tells the size of the frame' },
  },
  {
    name: '6.1: padding is no part of the body',
    act: (client) => {
      client.headers(1, post([['content-length', '3']]), 0);
      client.send([DATA, PADDED | END_STREAM, 1], '\x05abc\0\0\0\0\0');
    },
    allowed: served,
  },
  {
    name: '6.2: HEADERS on the connection end it',
    act: (client) => client.headers(0, GET),
    allowed: protocolConnection,
  },
  {
    name: '6.2: HEADERS with more padding than payload end the connection',
    act: (client) => client.send([HEADERS, END_HEADERS | END_STREAM | PADDED, 1], `\xff${blockOf(GET)}`),
    allowed: protocolConnection,
  },
  {
    name: '6.2: HEADERS with padding and priority are taken',
    act: (client) =>
      client.send(
        [HEADERS, END_HEADERS | END_STREAM | PADDED | PRIORITIZED, 1],
        `\x04${uint32(0)}\x10${blockOf(GET)}\0\0\0\0`,
      ),
    allowed: served,
  },
  {
    name: '6.2: HEADERS too short for their priority end the connection',
    act: (client) => client.send([HEADERS, END_HEADERS | END_STREAM | PRIORITIZED, 1], '\0\0'),
    allowed: ['goaway 6', 'goaway 1'],
  },
  {
    name: '6.3: PRIORITY on the connection ends it',
    act: (client) => client.send([PRIORITY, 0, 0], `${uint32(0)}\x10`),
    allowed: protocolConnection,
  },
  {
    name: '6.3: PRIORITY of a wrong length is an error',
    act: (client) => {
      client.headers(1, hold, 0);
      client.send([PRIORITY, 0, 1], uint32(0));
    },
    allowed: ['reset 6', 'goaway 6'],
  },
  {
    name: '6.3: PRIORITY of an idle stream is taken',
    act: (client) => {
      client.send([PRIORITY, 0, 5], `${uint32(0)}\x10`);
      get(client);
    },
    allowed: served,
  },
  {
    name: '6.4: RST_STREAM on the connection ends it',
    act: (client) => client.send([RST_STREAM, 0, 0], uint32(8)),
    allowed: protocolConnection,
  },
  {
    name: '6.4: RST_STREAM of a wrong length ends the connection',
    act: (client) => {
      client.headers(1, hold, 0);
      client.send([RST_STREAM, 0, 1], '\0\0\x08');
    },
    allowed: frameSizeConnection,
  },
  {
    name: '6.10: CONTINUATION after the end of the block ends the connection',
    act: halfClosed((client) => client.send([CONTINUATION, END_HEADERS, 1], blockOf([['x-a', 'b']]))),
    allowed: protocolConnection,
  },
  {
    name: '6.10: CONTINUATION on the connection ends it',
    act: (client) => {
      client.send([HEADERS, END_STREAM, 1], blockOf(GET));
      client.send([CONTINUATION, END_HEADERS, 0]);
    },
    allowed: protocolConnection,
  },
  {
    name: '6.10: CONTINUATION on another stream ends the connection',
    act: (client) => {
      client.send([HEADERS, END_STREAM, 1], blockOf(GET));
      client.send([CONTINUATION, END_HEADERS, 3], blockOf([['x-a', 'b']]));
    },
    allowed: protocolConnection,
  },
  {
    name: '6.10: a block in many pieces is one block',
    act: (client) => {
      const block = blockOf(getFields({}, [['x-long', 'v'.repeat(200)]]));
      client.send([HEADERS, END_STREAM, 1], block.slice(0, 3));
      for (let at = 3; at < block.length - 10; at += 20) client.send([CONTINUATION, 0, 1], block.slice(at, at + 20));
      const sent = 3 + Math.ceil((block.length - 13) / 20) * 20;
      client.send([CONTINUATION, END_HEADERS, 1], block.slice(sent));
    },
    allowed: served,
  },
];

export const flowCases: readonly FrameCase[] = [
  {
    name: '6.9: a window update of 0 on the connection ends it',
    act: (client) => client.send([WINDOW_UPDATE, 0, 0], uint32(0)),
    allowed: protocolConnection,
  },
  {
    name: '6.9: a window update of 0 on a stream is an error',
    act: (client) => {
      client.headers(1, hold, 0);
      client.send([WINDOW_UPDATE, 0, 1], uint32(0));
    },
    allowed: protocolStream,
  },
  {
    name: '6.9: a window update of a wrong length ends the connection',
    act: (client) => client.send([WINDOW_UPDATE, 0, 0], '\0\0\x01'),
    allowed: frameSizeConnection,
  },
  {
    name: '6.9.1: a window beyond 31 bits ends the connection',
    act: (client) => {
      client.send([WINDOW_UPDATE, 0, 0], uint32(0x7fff_ffff));
      client.send([WINDOW_UPDATE, 0, 0], uint32(0x7fff_ffff));
    },
    allowed: ['goaway 3'],
  },
  {
    name: '6.9.1: a window of a stream beyond 31 bits is an error',
    act: (client) => {
      client.headers(1, hold, 0);
      client.send([WINDOW_UPDATE, 0, 1], uint32(0x7fff_ffff));
      client.send([WINDOW_UPDATE, 0, 1], uint32(0x7fff_ffff));
    },
    allowed: ['reset 3', 'goaway 3'],
  },
  {
    name: '6.9.2: a setting that takes a window beyond 31 bits ends the connection',
    act: (client) => {
      client.headers(1, hold, 0);
      client.send([WINDOW_UPDATE, 0, 1], uint32(0x7fff_0000));
      client.settings([[4, 0x7fff_ffff]]);
    },
    allowed: ['goaway 3', 'reset 3'],
  },
];

/** The value of one setting in a payload; the last counts. */
function settingOf(payload: Buffer, id: number): number | null {
  let value: number | null = null;
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    if (payload.readUInt16BE(at) === id) value = payload.readUInt32BE(at + 2);
  }
  return value;
}
