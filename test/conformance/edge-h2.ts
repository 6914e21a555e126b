import {
  ACK,
  blockOf,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  type FrameClient,
  getFields,
  postFields as post,
  GOAWAY,
  HEADERS,
  PADDED,
  PING,
  PRIORITIZED,
  PRIORITY,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  uint32,
  WINDOW_UPDATE,
} from './edge-h2-client.ts';

/** One thing that a client may do, and what may come of it. */
export interface FrameCase {
  /** With the section of RFC 9113, or of RFC 7541 (HPACK). */
  readonly name: string;
  /** `without`: the client has not greeted yet. */
  readonly greeting?: 'without';
  readonly settings?: readonly (readonly [number, number])[];
  readonly act: (client: FrameClient) => void | Promise<void>;
  /** Stream whose end is looked at; 1 unless told. */
  readonly stream?: number;
  /** Outcomes that the RFC allows: see `FrameClient.outcome`. A stream error may be answered as one of the connection (5.4.2). */
  readonly allowed: readonly string[];
  /** What nginx 1.22 does instead. */
  readonly nginx?: { readonly allowed: readonly string[]; readonly why: string };
}

const protocolStream = ['reset 1', 'goaway 1'];
const protocolConnection = ['goaway 1'];
const frameSizeConnection = ['goaway 6'];
const closedStream = ['reset 5', 'goaway 5'];
const served = ['status 200'];
const GET = getFields();
const hold = getFields({ ':path': '/hold' });
const get = (client: FrameClient, stream = 1): void => client.headers(stream, GET);

export const connectionCases: readonly FrameCase[] = [
  {
    name: '3.4: a connection that does not begin with the preface ends',
    greeting: 'without',
    act: (client) => client.raw('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'),
    allowed: ['goaway 1', 'closed'],
  },
  {
    name: '3.4: a preface with one wrong byte ends the connection',
    greeting: 'without',
    act: (client) => client.raw('PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n'),
    allowed: ['goaway 1', 'closed'],
  },
  {
    name: '3.4: the first frame is SETTINGS',
    greeting: 'without',
    act: (client) => {
      client.preface();
      client.send(PING, 0, 0, '12345678');
      get(client);
    },
    allowed: ['goaway 1', 'closed'],
    nginx: { allowed: served, why: 'does not ask for SETTINGS first' },
  },
  {
    name: '4.1: frames of unknown types are ignored',
    act: (client) => {
      client.send(22, 255, 0, 'anything');
      client.send(255, 0, 7, '');
      get(client);
    },
    allowed: served,
  },
  {
    name: '4.1: unknown flags are ignored',
    act: (client) => {
      client.send(PING, 0xf6, 0, '12345678');
      client.headers(1, GET, END_STREAM | 0xc2);
    },
    allowed: served,
  },
  {
    name: '4.1: the reserved bit of the stream is ignored',
    act: (client) => client.send(HEADERS, END_HEADERS | END_STREAM, 0x8000_0001, blockOf(GET)),
    allowed: served,
  },
  {
    name: '4.2: DATA of the largest size is taken',
    act: (client) => {
      client.headers(1, post(), 0);
      client.send(DATA, END_STREAM, 1, Buffer.alloc(16_384));
    },
    allowed: served,
  },
  {
    name: '4.2: DATA beyond the largest size is an error',
    act: (client) => {
      client.headers(1, post(), 0);
      client.send(DATA, END_STREAM, 1, Buffer.alloc(16_385));
    },
    allowed: ['goaway 6', 'reset 6'],
    nginx: { allowed: served, why: 'takes larger frames than it has announced' },
  },
  {
    name: '4.2: HEADERS beyond the largest size end the connection',
    act: (client) => client.send(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.alloc(16_385)),
    allowed: frameSizeConnection,
    nginx: { allowed: ['goaway 1'], why: 'reads the block before its length' },
  },
  {
    name: '4.3: PING within a header block ends the connection',
    act: (client) => {
      client.send(HEADERS, END_STREAM, 1, blockOf(GET));
      client.send(PING, 0, 0, '12345678');
      client.send(CONTINUATION, END_HEADERS, 1);
    },
    allowed: protocolConnection,
  },
  {
    name: '4.3: HEADERS of another stream within a header block end the connection',
    act: (client) => {
      client.send(HEADERS, END_STREAM, 1, blockOf(GET));
      get(client, 3);
    },
    allowed: protocolConnection,
  },
  {
    name: '4.3: a frame of an unknown type within a header block ends the connection',
    act: (client) => {
      client.send(HEADERS, END_STREAM, 1, blockOf(GET));
      client.send(99, 0, 1, 'x');
      client.send(CONTINUATION, END_HEADERS, 1);
    },
    allowed: protocolConnection,
  },
  {
    name: '6.5: SETTINGS on a stream end the connection',
    act: (client) => client.send(SETTINGS, 0, 1),
    allowed: protocolConnection,
  },
  {
    name: '6.5: an acknowledgement with a payload ends the connection',
    act: (client) => client.send(SETTINGS, ACK, 0, `\0\x04${uint32(1)}`),
    allowed: frameSizeConnection,
  },
  {
    name: '6.5: SETTINGS of a broken length end the connection',
    act: (client) => client.send(SETTINGS, 0, 0, '\0\x04\0\0'),
    allowed: frameSizeConnection,
  },
  ...(
    [
      ['SETTINGS_ENABLE_PUSH above 1', 2, 2, protocolConnection],
      ['SETTINGS_INITIAL_WINDOW_SIZE beyond 31 bits', 4, 2 ** 31, ['goaway 3']],
      ['SETTINGS_MAX_FRAME_SIZE below 16,384', 5, 16_383, protocolConnection],
      ['SETTINGS_MAX_FRAME_SIZE beyond 24 bits', 5, 2 ** 24, protocolConnection],
    ] as const
  ).map(([name, id, value, allowed]) => ({
    name: `6.5.2: ${name} ends the connection`,
    act: (client: FrameClient) => client.settings([[id, value]]),
    allowed,
  })),
  {
    name: '6.5.2: unknown settings are ignored',
    settings: [
      [99, 1],
      [0xffff, 0xffff_ffff],
      [8, 1],
    ],
    act: get,
    allowed: served,
  },
  {
    name: '6.5.3: SETTINGS are acknowledged, each',
    act: async (client) => {
      client.settings([[3, 10]]);
      client.settings([[3, 11]]);
      const acks = (): number => client.frames.filter(({ type, flags }) => type === SETTINGS && flags === ACK).length;
      await client.until(() => acks() >= 3);
      if (acks() === 3) get(client);
    },
    allowed: served,
  },
  {
    name: '6.6: PUSH_PROMISE from a client ends the connection',
    act: (client) => {
      client.headers(1, hold, 0);
      client.send(PUSH_PROMISE, END_HEADERS, 1, uint32(2) + blockOf(GET));
    },
    allowed: protocolConnection,
  },
  {
    name: '6.7: PING is answered with its payload',
    act: async (client) => {
      client.send(PING, 0, 0, 'eight by');
      const answer = await client.until(({ type, flags }) => type === PING && flags === ACK);
      if (answer?.payload.toString() === 'eight by') get(client);
    },
    allowed: served,
  },
  {
    name: '6.7: an answer to no PING is ignored',
    act: (client) => {
      client.send(PING, ACK, 0, 'nobodys!');
      get(client);
    },
    allowed: served,
  },
  {
    name: '6.7: PING on a stream ends the connection',
    act: (client) => client.send(PING, 0, 1, '12345678'),
    allowed: protocolConnection,
  },
  {
    name: '6.7: PING of a wrong length ends the connection',
    act: (client) => client.send(PING, 0, 0, '1234567'),
    allowed: frameSizeConnection,
  },
  {
    name: '6.8: GOAWAY on a stream ends the connection',
    act: (client) => client.send(GOAWAY, 0, 1, uint32(0) + uint32(0)),
    allowed: protocolConnection,
  },
  {
    name: '6.8: what was asked before GOAWAY of the client is answered',
    act: (client) => {
      get(client);
      client.send(GOAWAY, 0, 0, uint32(0) + uint32(0));
    },
    allowed: served,
  },
];

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
    act: (client) => client.send(DATA, END_STREAM, 1, 'x'),
    allowed: protocolConnection,
    nginx: { allowed: ['silent'], why: 'ignores frames of streams that it does not know' },
  },
  {
    name: '5.1: RST_STREAM on an idle stream ends the connection',
    act: (client) => client.send(RST_STREAM, 0, 1, uint32(8)),
    allowed: protocolConnection,
    nginx: { allowed: ['silent'], why: 'ignores frames of streams that it does not know' },
  },
  {
    name: '5.1: WINDOW_UPDATE on an idle stream ends the connection',
    act: (client) => client.send(WINDOW_UPDATE, 0, 1, uint32(1)),
    allowed: protocolConnection,
    nginx: { allowed: ['silent'], why: 'ignores frames of streams that it does not know' },
  },
  {
    name: '5.1: CONTINUATION on an idle stream ends the connection',
    act: (client) => client.send(CONTINUATION, END_HEADERS, 1, blockOf(GET)),
    allowed: protocolConnection,
  },
  {
    name: '5.1: DATA after the end of the request are an error',
    act: halfClosed((client) => client.send(DATA, END_STREAM, 1, 'x')),
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
      client.send(RST_STREAM, 0, 1, uint32(8));
      client.send(DATA, END_STREAM, 1, 'x');
    },
    allowed: closedStream,
    nginx: { allowed: ['silent'], why: 'ignores frames of streams that it does not know' },
  },
  {
    name: '5.1: HEADERS after the client has reset the stream are an error',
    act: (client) => {
      client.headers(1, hold, 0);
      client.send(RST_STREAM, 0, 1, uint32(8));
      client.headers(1, GET);
    },
    allowed: [...closedStream, 'goaway 1'],
  },
  {
    name: '5.1: WINDOW_UPDATE, PRIORITY and RST_STREAM on a stream that has ended are ignored',
    act: answered((client) => {
      client.send(WINDOW_UPDATE, 0, 1, uint32(100));
      client.send(PRIORITY, 0, 1, `${uint32(0)}\x10`);
      client.send(RST_STREAM, 0, 1, uint32(8));
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
    act: (client) => client.send(DATA, 0, 0, 'x'),
    allowed: protocolConnection,
  },
  {
    name: '6.1: DATA with more padding than payload end the connection',
    act: (client) => {
      client.headers(1, post(), 0);
      client.send(DATA, PADDED | END_STREAM, 1, '\x05abc');
    },
    allowed: protocolConnection,
    nginx: { allowed: ['goaway 6', 'goaway 1'], why: 'tells the size of the frame' },
  },
  {
    name: '6.1: padding is no part of the body',
    act: (client) => {
      client.headers(1, post([['content-length', '3']]), 0);
      client.send(DATA, PADDED | END_STREAM, 1, '\x05abc\0\0\0\0\0');
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
    act: (client) => client.send(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, `\xff${blockOf(GET)}`),
    allowed: protocolConnection,
  },
  {
    name: '6.2: HEADERS with padding and priority are taken',
    act: (client) =>
      client.send(
        HEADERS,
        END_HEADERS | END_STREAM | PADDED | PRIORITIZED,
        1,
        `\x04${uint32(0)}\x10${blockOf(GET)}\0\0\0\0`,
      ),
    allowed: served,
  },
  {
    name: '6.2: HEADERS too short for their priority end the connection',
    act: (client) => client.send(HEADERS, END_HEADERS | END_STREAM | PRIORITIZED, 1, '\0\0'),
    allowed: ['goaway 6', 'goaway 1'],
  },
  {
    name: '6.3: PRIORITY on the connection ends it',
    act: (client) => client.send(PRIORITY, 0, 0, `${uint32(0)}\x10`),
    allowed: protocolConnection,
  },
  {
    name: '6.3: PRIORITY of a wrong length is an error',
    act: (client) => {
      client.headers(1, hold, 0);
      client.send(PRIORITY, 0, 1, uint32(0));
    },
    allowed: ['reset 6', 'goaway 6'],
  },
  {
    name: '6.3: PRIORITY of an idle stream is taken',
    act: (client) => {
      client.send(PRIORITY, 0, 5, `${uint32(0)}\x10`);
      get(client);
    },
    allowed: served,
  },
  {
    name: '6.4: RST_STREAM on the connection ends it',
    act: (client) => client.send(RST_STREAM, 0, 0, uint32(8)),
    allowed: protocolConnection,
  },
  {
    name: '6.4: RST_STREAM of a wrong length ends the connection',
    act: (client) => {
      client.headers(1, hold, 0);
      client.send(RST_STREAM, 0, 1, '\0\0\x08');
    },
    allowed: frameSizeConnection,
  },
  {
    name: '6.10: CONTINUATION after the end of the block ends the connection',
    act: halfClosed((client) => client.send(CONTINUATION, END_HEADERS, 1, blockOf([['x-a', 'b']]))),
    allowed: protocolConnection,
  },
  {
    name: '6.10: CONTINUATION on the connection ends it',
    act: (client) => {
      client.send(HEADERS, END_STREAM, 1, blockOf(GET));
      client.send(CONTINUATION, END_HEADERS, 0);
    },
    allowed: protocolConnection,
  },
  {
    name: '6.10: CONTINUATION on another stream ends the connection',
    act: (client) => {
      client.send(HEADERS, END_STREAM, 1, blockOf(GET));
      client.send(CONTINUATION, END_HEADERS, 3, blockOf([['x-a', 'b']]));
    },
    allowed: protocolConnection,
  },
  {
    name: '6.10: a block in many pieces is one block',
    act: (client) => {
      const block = blockOf(getFields({}, [['x-long', 'v'.repeat(200)]]));
      client.send(HEADERS, END_STREAM, 1, block.slice(0, 3));
      for (let at = 3; at < block.length - 10; at += 20) client.send(CONTINUATION, 0, 1, block.slice(at, at + 20));
      const sent = 3 + Math.ceil((block.length - 13) / 20) * 20;
      client.send(CONTINUATION, END_HEADERS, 1, block.slice(sent));
    },
    allowed: served,
  },
];

export const flowCases: readonly FrameCase[] = [
  {
    name: '6.9: a window update of 0 on the connection ends it',
    act: (client) => client.send(WINDOW_UPDATE, 0, 0, uint32(0)),
    allowed: protocolConnection,
  },
  {
    name: '6.9: a window update of 0 on a stream is an error',
    act: (client) => {
      client.headers(1, hold, 0);
      client.send(WINDOW_UPDATE, 0, 1, uint32(0));
    },
    allowed: protocolStream,
  },
  {
    name: '6.9: a window update of a wrong length ends the connection',
    act: (client) => client.send(WINDOW_UPDATE, 0, 0, '\0\0\x01'),
    allowed: frameSizeConnection,
  },
  {
    name: '6.9.1: a window beyond 31 bits ends the connection',
    act: (client) => {
      client.send(WINDOW_UPDATE, 0, 0, uint32(0x7fff_ffff));
      client.send(WINDOW_UPDATE, 0, 0, uint32(0x7fff_ffff));
    },
    allowed: ['goaway 3'],
  },
  {
    name: '6.9.1: a window of a stream beyond 31 bits is an error',
    act: (client) => {
      client.headers(1, hold, 0);
      client.send(WINDOW_UPDATE, 0, 1, uint32(0x7fff_ffff));
      client.send(WINDOW_UPDATE, 0, 1, uint32(0x7fff_ffff));
    },
    allowed: ['reset 3', 'goaway 3'],
  },
  {
    name: '6.9.2: a setting that takes a window beyond 31 bits ends the connection',
    act: (client) => {
      client.headers(1, hold, 0);
      client.send(WINDOW_UPDATE, 0, 1, uint32(0x7fff_0000));
      client.settings([[4, 0x7fff_ffff]]);
    },
    allowed: ['goaway 3', 'reset 3'],
  },
];

/** The value of one setting in a payload; the last counts. */
export function settingOf(payload: Buffer, id: number): number | null {
  let value: number | null = null;
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    if (payload.readUInt16BE(at) === id) value = payload.readUInt32BE(at + 2);
  }
  return value;
}
