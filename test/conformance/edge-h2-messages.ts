import type { FrameCase } from './edge-h2-case.ts';
import {
  blockOf,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  type Field,
  type FrameClient,
  getFields,
  HEADERS,
  postFields as post,
} from './edge-h2-client.ts';

const served = ['status 200'];
/** Malformed requests may be answered before the stream ends (8.1.1). */
const malformed = ['reset 1', 'goaway 1', 'status 400'];
const compression = ['goaway 9'];
const tooLarge = ['status 431', 'status 400', 'reset 11', 'goaway 11', 'reset 1', 'goaway 1'];

function asked(name: string, fields: readonly Field[], more: Partial<FrameCase> = {}): FrameCase {
  return { name, act: (client) => client.headers(1, fields), allowed: malformed, ...more };
}

/** Frames of one request with a body, written together. */
function body(name: string, steps: (client: FrameClient) => void, more: Partial<FrameCase> = {}): FrameCase {
  return { name, act: steps, allowed: malformed, ...more };
}

const trailersUntaken = {
  allowed: ['goaway 1', 'reset 1', 'goaway 5', 'reset 5', 'status 400'],
  why: 'takes no trailers of requests before 1.27',
} as const;

export const messageCases: readonly FrameCase[] = [
  body(
    '8.1: trailers end a request',
    (client) => {
      client.headers(1, post(), 0);
      client.send([DATA, 0, 1], 'abc');
      client.headers(1, [['x-sum', '1']]);
    },
    { allowed: served, nginx: trailersUntaken },
  ),
  body('8.1: trailers that do not end the request are malformed', (client) => {
    client.headers(1, post(), 0);
    client.send([DATA, 0, 1], 'abc');
    client.headers(1, [['x-sum', '1']], 0);
  }),
  body('8.1: trailers with a pseudo field are malformed', (client) => {
    client.headers(1, post(), 0);
    client.send([DATA, 0, 1], 'abc');
    client.headers(1, [[':method', 'GET']]);
  }),
  body(
    '8.1: a body may come in many frames, empty ones too',
    (client) => {
      client.headers(1, post([['content-length', '6']]), 0);
      for (const piece of ['a', '', 'bc', '', 'def']) client.send([DATA, 0, 1], piece);
      client.send([DATA, END_STREAM, 1], '');
    },
    { allowed: served },
  ),
  body('8.1.1: a body shorter than its length is malformed', (client) => {
    client.headers(1, post([['content-length', '9']]), 0);
    client.send([DATA, END_STREAM, 1], 'abc');
  }),
  body('8.1.1: a body longer than its length is malformed', (client) => {
    client.headers(1, post([['content-length', '2']]), 0);
    client.send([DATA, END_STREAM, 1], 'abc');
  }),
  body('8.1.1: a body in pieces longer than its length is malformed', (client) => {
    client.headers(1, post([['content-length', '4']]), 0);
    client.send([DATA, 0, 1], 'abc');
    client.send([DATA, END_STREAM, 1], 'abc');
  }),
  asked('8.1.1: a length without a body is malformed', post([['content-length', '3']])),
  asked(
    '8.1.1: two lengths are malformed',
    post([
      ['content-length', '3'],
      ['content-length', '0'],
    ]),
  ),
  asked('8.1.1: a length that is no number is malformed', post([['content-length', '+0']])),
  asked('8.1.1: a length of 0 without a body is sound', post([['content-length', '0']]), { allowed: served }),

  asked('8.2.1: a name with a capital letter is malformed', getFields({}, [['X-Capital', 'v']])),
  asked('8.2.1: a name with a blank is malformed', getFields({}, [['x blank', 'v']])),
  asked('8.2.1: a name with a colon inside is malformed', getFields({}, [['x:colon', 'v']])),
  asked('8.2.1: an empty name is malformed', getFields({}, [['', 'v']])),
  asked('8.2.1: a name with a byte beyond ASCII is malformed', getFields({}, [['x-\xe9', 'v']]), {
    nginx: { allowed: ['status 200'], why: 'leaves the field out' },
  }),
  asked('8.2.1: a line break in a value is malformed', getFields({}, [['x-a', 'v\r\nx-b: w']])),
  asked('8.2.1: a line feed in a value is malformed', getFields({}, [['x-a', 'v\nw']])),
  asked('8.2.1: NUL in a value is malformed', getFields({}, [['x-a', 'v\0w']])),
  asked('8.2.1: a blank before a value is malformed', getFields({}, [['x-a', ' v']]), {
    nginx: { allowed: served, why: 'takes the blank off' },
  }),
  asked('8.2.1: a blank after a value is malformed', getFields({}, [['x-a', 'v\t']]), {
    nginx: { allowed: served, why: 'takes the blank off' },
  }),
  asked('8.2.1: an empty value is sound', getFields({}, [['x-a', '']]), { allowed: served }),

  ...(
    [
      ['connection', 'keep-alive'],
      ['connection', 'close'],
      ['keep-alive', 'timeout=5'],
      ['proxy-connection', 'keep-alive'],
      ['transfer-encoding', 'chunked'],
      ['upgrade', 'websocket'],
      ['te', 'gzip'],
      ['te', 'trailers, deflate'],
    ] as const
  ).map(([name, value]) =>
    asked(`8.2.2: ${name}: ${value} is malformed`, getFields({}, [[name, value]]), {
      nginx: { allowed: [...malformed, ...served], why: 'leaves the field out' },
    }),
  ),
  asked('8.2.2: te: trailers is sound', getFields({}, [['te', 'trailers']]), { allowed: served }),

  asked('8.3: an unknown pseudo field is malformed', getFields({ ':unknown': 'v' })),
  asked('8.3: a pseudo field of responses is malformed', getFields({ ':status': '200' })),
  asked(
    '8.3: a pseudo field after another field is malformed',
    [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':authority', 'a.test'],
      ['x-a', 'b'],
      [':path', '/'],
    ],
    { nginx: { allowed: served, why: 'takes pseudo fields in any order' } },
  ),
  ...[':method', ':scheme', ':path', ':authority'].map((name) =>
    asked(`8.3.1: ${name} twice is malformed`, [
      ...getFields(),
      [name, { ':method': 'GET', ':scheme': 'https', ':path': '/' }[name] ?? 'a.test'],
    ]),
  ),
  ...[':method', ':scheme', ':path'].map((name) =>
    asked(`8.3.1: a request without ${name} is malformed`, getFields({ [name]: null })),
  ),
  asked('8.3.1: an empty :path is malformed', getFields({ ':path': '' })),
  asked('8.3.1: an empty :method is malformed', getFields({ ':method': '' })),
  asked('8.3.1: an empty :scheme is malformed', getFields({ ':scheme': '' })),
  asked('8.3.1: a :path that does not begin with a slash is malformed', getFields({ ':path': 'x' })),
  asked('8.3.1: an absolute URL as :path is malformed', getFields({ ':path': 'https://a.test/' })),
  asked('8.3.1: a blank in :path is malformed', getFields({ ':path': '/a b' })),
  asked('8.3.1: a request line in :path is malformed', getFields({ ':path': '/ HTTP/1.1\r\nHost: b.test\r\n\r\n' })),
  asked('8.3.1: a request line in :method is malformed', getFields({ ':method': 'GET / HTTP/1.1' })),
  asked('8.3.1: Host that differs from :authority is malformed', getFields({}, [['host', 'b.test']])),
  asked(
    '8.3.1: two of Host are malformed',
    getFields({}, [
      ['host', 'a.test'],
      ['host', 'b.test'],
    ]),
  ),
  asked('8.3.1: Host that says the same is sound', getFields({}, [['host', 'a.test']]), {
    allowed: served,
    nginx: { allowed: [...served, ...malformed], why: 'takes one of them only' },
  }),
  asked('8.3.1: Host may stand for :authority', getFields({ ':authority': null }, [['host', 'a.test']]), {
    allowed: served,
  }),
  asked('8.3.1: a request for no host is malformed', getFields({ ':authority': null })),
  asked('8.3.1: a user in :authority is malformed', getFields({ ':authority': 'me@a.test' })),
  asked('8.3.1: OPTIONS may ask about the server', getFields({ ':method': 'OPTIONS', ':path': '*' }), {
    allowed: ['status 200', 'status 204', 'status 404', 'status 405', 'status 400'],
  }),
  asked(
    '8.5: CONNECT is refused',
    [
      [':method', 'CONNECT'],
      [':authority', 'a.test:22'],
    ],
    { allowed: [...malformed, 'status 405', 'status 501'] },
  ),
  asked('8.5: CONNECT with a path is malformed', getFields({ ':method': 'CONNECT' }), {
    allowed: [...malformed, 'status 405', 'status 501'],
  }),
  asked('RFC 8441 4: extended CONNECT is not offered', getFields({ ':method': 'CONNECT', ':protocol': 'websocket' }), {
    allowed: [...malformed, 'status 405', 'status 501'],
  }),
  body(
    '10.5.1: a list of fields beyond the limit is refused',
    (client) => {
      const pieces = Array.from({ length: 12 }, (_, i) => blockOf([[`x-bulk-${i}`, 'v'.repeat(4000)]]));
      client.send([HEADERS, END_STREAM, 1], blockOf(getFields()));
      for (const piece of pieces) client.send([CONTINUATION, 0, 1], piece);
      client.send([CONTINUATION, END_HEADERS, 1]);
    },
    { allowed: tooLarge },
  ),
  asked('10.5.1: more fields than anybody sends are refused', getFields({}, many(600)), { allowed: tooLarge }),
];

/** A block that is written as it is. */
function block(
  name: string,
  bytes: string,
  { allowed = compression, nginx }: Partial<Pick<FrameCase, 'allowed' | 'nginx'>> = {},
): FrameCase {
  const act = (client: FrameClient): void => client.send([HEADERS, END_HEADERS | END_STREAM, 1], bytes);
  return { name, act, allowed, ...(nginx === undefined ? {} : { nginx }) };
}

const sound = blockOf(getFields());

export const hpackCases: readonly FrameCase[] = [
  block('RFC 7541 2.3.3: an index beyond the table ends the connection', `${sound}\xc6`),
  block('RFC 7541 6.1: index 0 ends the connection', `${sound}\x80`),
  block('RFC 7541 6.3: a table larger than allowed ends the connection', `\x3f\xe2\x1f${sound}`),
  block('RFC 7541 4.2: a change of the table after a field ends the connection', `${sound}\x20`, {
    nginx: {
      allowed: served,
      why: 'takes it anywhere',
    },
  }),
  block('RFC 7541 4.2: a change of the table before the fields is taken', `\x20\x3f\xe1\x1f${sound}`, {
    allowed: served,
  }),
  block('RFC 7541 5.1: an integer without an end ends the connection', `${sound}\xff${'\xff'.repeat(12)}`),
  block('RFC 7541 5.2: a string beyond the block ends the connection', `${sound}\0\x03x-a\x7e`, {
    nginx: {
      allowed: ['goaway 6'],
      why: 'tells the size of the frame',
    },
  }),
  block('RFC 7541 5.2: padding of 8 bits ends the connection', `${sound}\0\x03x-a\x83\x1f\xff\xff`, {
    nginx: {
      allowed: served,
      why: 'takes any number of ones',
    },
  }),
  block('RFC 7541 5.2: padding of zeros ends the connection', `${sound}\0\x03x-a\x81\x18`),
  block('RFC 7541 5.2: an end within a string ends the connection', `${sound}\0\x03x-a\x84\xff\xff\xff\xff`),
  block('RFC 7541 6.2.1: a literal with an index of names is taken', `\x82\x87\x84\x41\x06a.test`, { allowed: served }),
  block('RFC 7541 5.2: a compressed string is taken', '\x82\x87\x84\x41\x84\x1a\xe9\x2a\x13', { allowed: served }),
  {
    name: 'RFC 7541 2.3.2: what was put into the table is found there again',
    act: async (client) => {
      client.send([HEADERS, END_HEADERS | END_STREAM, 1], `\x82\x87\x84\x41\x06a.test`);
      await client.until(() => client.statuses.has(1));
      client.send([HEADERS, END_HEADERS | END_STREAM, 3], '\x82\x87\x84\xbe');
    },
    stream: 3,
    allowed: served,
  },
  {
    name: 'RFC 7541 4.3: a table of no size forgets',
    act: async (client) => {
      client.send([HEADERS, END_HEADERS | END_STREAM, 1], `\x82\x87\x84\x41\x06a.test`);
      await client.until(() => client.statuses.has(1));
      client.send([HEADERS, END_HEADERS | END_STREAM, 3], '\x20\x82\x87\x84\xbe');
    },
    stream: 3,
    allowed: compression,
  },
  {
    name: 'RFC 7541 6: a field over two frames is one field',
    act: (client) => {
      client.send([HEADERS, END_STREAM, 1], sound.slice(0, 20));
      client.send([CONTINUATION, END_HEADERS, 1], sound.slice(20));
    },
    allowed: served,
  },
];

function many(count: number): Field[] {
  return Array.from({ length: count }, (_, i): Field => [`x${i}`, 'v']);
}
