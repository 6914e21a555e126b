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
  PING,
  PUSH_PROMISE,
  SETTINGS,
  uint32,
} from './edge-h2-client.ts';

import type { FrameCase } from './edge-h2-case.ts';

const protocolConnection = ['goaway 1'];
const frameSizeConnection = ['goaway 6'];
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
      client.send([PING, 0, 0], '12345678');
      get(client);
    },
    allowed: ['goaway 1', 'closed'],
    nginx: { allowed: served, why: 'does not ask for SETTINGS first' },
  },
  {
    name: '4.1: frames of unknown types are ignored',
    act: (client) => {
      client.send([22, 255, 0], 'anything');
      client.send([255, 0, 7], '');
      get(client);
    },
    allowed: served,
  },
  {
    name: '4.1: unknown flags are ignored',
    act: (client) => {
      client.send([PING, 0xf6, 0], '12345678');
      client.headers(1, GET, END_STREAM | 0xc2);
    },
    allowed: served,
  },
  {
    name: '4.1: the reserved bit of the stream is ignored',
    act: (client) => client.send([HEADERS, END_HEADERS | END_STREAM, 0x8000_0001], blockOf(GET)),
    allowed: served,
  },
  {
    name: '4.2: DATA of the largest size is taken',
    act: (client) => {
      client.headers(1, post(), 0);
      client.send([DATA, END_STREAM, 1], Buffer.alloc(16_384));
    },
    allowed: served,
  },
  {
    name: '4.2: DATA beyond the largest size is an error',
    act: (client) => {
      client.headers(1, post(), 0);
      client.send([DATA, END_STREAM, 1], Buffer.alloc(16_385));
    },
    allowed: ['goaway 6', 'reset 6'],
    nginx: { allowed: served, why: 'takes larger frames than it has announced' },
  },
  {
    name: '4.2: HEADERS beyond the largest size end the connection',
    act: (client) => client.send([HEADERS, END_HEADERS | END_STREAM, 1], Buffer.alloc(16_385)),
    allowed: frameSizeConnection,
    nginx: { allowed: ['goaway 1'], why: 'reads the block before its length' },
  },
  {
    name: '4.3: PING within a header block ends the connection',
    act: (client) => {
      client.send([HEADERS, END_STREAM, 1], blockOf(GET));
      client.send([PING, 0, 0], '12345678');
      client.send([CONTINUATION, END_HEADERS, 1]);
    },
    allowed: protocolConnection,
  },
  {
    name: '4.3: HEADERS of another stream within a header block end the connection',
    act: (client) => {
      client.send([HEADERS, END_STREAM, 1], blockOf(GET));
      get(client, 3);
    },
    allowed: protocolConnection,
  },
  {
    name: '4.3: a frame of an unknown type within a header block ends the connection',
    act: (client) => {
      client.send([HEADERS, END_STREAM, 1], blockOf(GET));
      client.send([99, 0, 1], 'x');
      client.send([CONTINUATION, END_HEADERS, 1]);
    },
    allowed: protocolConnection,
  },
  {
    name: '6.5: SETTINGS on a stream end the connection',
    act: (client) => client.send([SETTINGS, 0, 1]),
    allowed: protocolConnection,
  },
  {
    name: '6.5: an acknowledgement with a payload ends the connection',
    act: (client) => client.send([SETTINGS, ACK, 0], `\0\x04${uint32(1)}`),
    allowed: frameSizeConnection,
  },
  {
    name: '6.5: SETTINGS of a broken length end the connection',
    act: (client) => client.send([SETTINGS, 0, 0], '\0\x04\0\0'),
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
      client.send([PUSH_PROMISE, END_HEADERS, 1], uint32(2) + blockOf(GET));
    },
    allowed: protocolConnection,
  },
  {
    name: '6.7: PING is answered with its payload',
    act: async (client) => {
      client.send([PING, 0, 0], 'eight by');
      const answer = await client.until(({ type, flags }) => type === PING && flags === ACK);
      if (answer?.payload.toString() === 'eight by') get(client);
    },
    allowed: served,
  },
  {
    name: '6.7: an answer to no PING is ignored',
    act: (client) => {
      client.send([PING, ACK, 0], 'nobodys!');
      get(client);
    },
    allowed: served,
  },
  {
    name: '6.7: PING on a stream ends the connection',
    act: (client) => client.send([PING, 0, 1], '12345678'),
    allowed: protocolConnection,
  },
  {
    name: '6.7: PING of a wrong length ends the connection',
    act: (client) => client.send([PING, 0, 0], '1234567'),
    allowed: frameSizeConnection,
  },
  {
    name: '6.8: GOAWAY on a stream ends the connection',
    act: (client) => client.send([GOAWAY, 0, 1], uint32(0) + uint32(0)),
    allowed: protocolConnection,
  },
  {
    name: '6.8: what was asked before GOAWAY of the client is answered',
    act: (client) => {
      get(client);
      client.send([GOAWAY, 0, 0], uint32(0) + uint32(0));
    },
    allowed: served,
  },
];
