/** One request whose fields claim something about the client, or about the connection. */
export interface SpoofingCase {
  readonly name: string;
  /** Field lines beside Host. */
  readonly lines: readonly string[];
  /** The edge trusts the connection's other end. */
  readonly trusted?: true;
  /** Address that the endpoint is told; the connection's own unless there. */
  readonly client?: string;
  readonly proto?: 'https';
  /** Lower-case names that must not arrive. */
  readonly absent?: readonly string[];
  /** Fields that arrive as they were sent. */
  readonly present?: Readonly<Record<string, string>>;
}

/** What only the edge says. */
const own: readonly string[] = [
  'X-Forwarded-For',
  'X-Forwarded-Proto',
  'X-Forwarded-Host',
  'X-Forwarded-Port',
  'X-Forwarded-Prefix',
  'X-Real-IP',
  'Forwarded',
];

/** Of the same families, or of other proxies that say who asks in their way: nobody sets these at the edge. */
const families: readonly string[] = [
  'X-Forwarded-Server',
  'X-Forwarded-By',
  'X-Forwarded-Ssl',
  'X-Forwarded-Scheme',
  'X-Forwarded-User',
  'X-Forwarded-Client-Cert',
  'X-Forwarded-Path',
  'X-Forwarded-Anything',
  'Proxy',
  'Proxy-Connection',
  'Proxy-Authorization',
  'Proxy-Authenticate',
  'Proxy-Anything',
];

const values: readonly (readonly [name: string, value: string])[] = [
  ['an address', '203.0.113.9'],
  ['loopback', '127.0.0.2'],
  ['a list', '203.0.113.9, 10.0.0.1'],
  ['an address of IPv6', '2001:db8::9'],
  ['nothing', ''],
  ['an injection', 'for=203.0.113.9;proto=https;host=evil.test'],
  ['rubbish', '"\'();--'],
];

function replaced(): SpoofingCase[] {
  return own.flatMap((field) => [
    ...values.map(([name, value]) => ({ name: `${field} with ${name}`, lines: [`${field}: ${value}`] })),
    { name: `${field} in lower case`, lines: [`${field.toLowerCase()}: 203.0.113.9`] },
    { name: `${field} in upper case`, lines: [`${field.toUpperCase()}: 203.0.113.9`] },
    { name: `${field} twice`, lines: [`${field}: 203.0.113.9`, `${field}: 198.51.100.7`] },
    {
      name: `${field} in two cases of letters`,
      lines: [`${field}: 203.0.113.9`, `${field.toLowerCase()}: 198.51.100.7`],
    },
    {
      name: `${field} with underscores`,
      lines: [`${field.replaceAll('-', '_')}: 203.0.113.9`],
      absent: field.includes('-') ? [field.replaceAll('-', '_').toLowerCase()] : [],
    },
    { name: `${field} named by Connection`, lines: [`Connection: ${field}`, `${field}: 203.0.113.9`] },
    { name: `${field} named by Connection and not there`, lines: [`Connection: close, ${field}`] },
  ]);
}

function dropped(): SpoofingCase[] {
  return families.flatMap((field) => [
    { name: `${field} is dropped`, lines: [`${field}: 203.0.113.9`], absent: [field.toLowerCase()] },
    { name: `${field} in upper case is dropped`, lines: [`${field.toUpperCase()}: x`], absent: [field.toLowerCase()] },
    { name: `${field} twice is dropped`, lines: [`${field}: x`, `${field}: y`], absent: [field.toLowerCase()] },
  ]);
}

function connections(): SpoofingCase[] {
  return [
    {
      name: 'a field named by Connection',
      lines: ['Connection: X-Secret', 'X-Secret: 1', 'X-Other: 2'],
      absent: ['x-secret', 'connection'],
      present: { 'x-other': '2' },
    },
    {
      name: 'fields named by Connection in a list',
      lines: ['Connection: keep-alive, X-A, X-B', 'X-A: 1', 'X-B: 2'],
      absent: ['x-a', 'x-b'],
    },
    {
      name: 'fields named by two Connection',
      lines: ['Connection: X-A', 'Connection: X-B', 'X-A: 1', 'X-B: 2'],
      absent: ['x-a', 'x-b'],
    },
    {
      name: 'a field named by Connection in another case of letters',
      lines: ['CONNECTION: x-SECRET', 'X-Secret: 1'],
      absent: ['x-secret'],
    },
    {
      name: 'a field named by Connection before it',
      lines: ['X-Secret: 1', 'Connection: X-Secret'],
      absent: ['x-secret'],
    },
    {
      name: 'a field named by Connection that comes twice',
      lines: ['Connection: X-Secret', 'X-Secret: 1', 'x-secret: 2'],
      absent: ['x-secret'],
    },
    { name: 'Cookie named by Connection', lines: ['Connection: Cookie', 'Cookie: a=b'], absent: ['cookie'] },
    {
      name: 'Authorization named by Connection',
      lines: ['Connection: Authorization', 'Authorization: Bearer x'],
      absent: ['authorization'],
    },
    { name: 'X-Request-Id named by Connection', lines: ['Connection: X-Request-Id', 'X-Request-Id: abcdefgh1'] },
    { name: 'Host named by Connection', lines: ['Connection: Host'] },
    {
      name: 'a name that only begins like keep-alive',
      lines: ['Connection: keep-alivex', 'Keep-Alivex: 1'],
      absent: ['keep-alivex'],
    },
    {
      name: 'a name as long as keep-alive',
      lines: ['Connection: x-secretxx', 'X-Secretxx: 1'],
      absent: ['x-secretxx'],
    },
    { name: 'a name as long as close', lines: ['Connection: x-sec', 'X-Sec: 1'], absent: ['x-sec'] },
    ...[
      'Keep-Alive: timeout=5',
      'TE: trailers',
      'Trailer: X-Checksum',
      'HTTP2-Settings: AAMAAABkAAQAAP__',
      'Upgrade: h2c',
      'Upgrade: websocket',
      'Proxy-Connection: keep-alive',
    ].map((line) => ({
      name: `${line} ends at the edge`,
      lines: [line],
      absent: [line.slice(0, line.indexOf(':')).toLowerCase()],
    })),
    {
      name: 'h2c named by Connection ends at the edge',
      lines: ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
      absent: ['upgrade', 'http2-settings', 'connection'],
    },
    {
      name: 'TLS named by Connection ends at the edge',
      lines: ['Connection: Upgrade', 'Upgrade: TLS/1.3'],
      absent: ['upgrade', 'connection'],
    },
    {
      name: 'a list of upgrades ends at the edge',
      lines: ['Connection: Upgrade', 'Upgrade: websocket, h2c'],
      absent: ['upgrade', 'connection'],
    },
  ];
}

function underscores(): SpoofingCase[] {
  return [
    'X_Forwarded_For',
    'x_forwarded-for',
    'X-Forwarded_For',
    'X_Real_IP',
    'REMOTE_USER',
    'HTTP_HOST',
    'Content_Type',
    'x_secret',
  ].map((field) => ({
    name: `${field}: a name with an underscore is dropped`,
    lines: [`${field}: 203.0.113.9`],
    absent: [field.toLowerCase()],
  }));
}

function requestIds(): SpoofingCase[] {
  const unsound: readonly (readonly [string, string])[] = [
    ['too short', 'abc'],
    ['too long', 'a'.repeat(65)],
    ['with a blank', 'abcd efgh'],
    ['with a quotation mark', 'abcdefgh"'],
    ['with a line of a log', 'abcdefgh\\n200'],
    ['with an underscore', 'abcd_efgh'],
    ['of markup', '<b>abcdefgh</b>'],
    ['above ASCII', 'abcdefgh\xe9'],
    ['empty', ''],
  ];
  return [
    {
      name: 'X-Request-Id that is sound goes on',
      lines: ['X-Request-Id: 0123abcd-ABCD'],
      present: { 'x-request-id': '0123abcd-ABCD' },
    },
    {
      name: 'X-Request-Id in lower case goes on',
      lines: ['x-request-id: 0123abcd'],
      present: { 'x-request-id': '0123abcd' },
    },
    { name: 'X-Request-Id twice is one', lines: ['X-Request-Id: 0123abcd', 'X-Request-Id: 4567efgh'] },
    ...unsound.map(([name, value]) => ({
      name: `X-Request-Id ${name} is replaced`,
      lines: [`X-Request-Id: ${value}`],
    })),
  ];
}

/** Trust is of the connection's other end alone: from there, and only from there, a client is believed. */
function trusting(): SpoofingCase[] {
  const trusted = true as const;
  const told: readonly (readonly [name: string, lines: readonly string[], client: string])[] = [
    ['an address', ['X-Forwarded-For: 203.0.113.9'], '203.0.113.9'],
    ['the last of a list', ['X-Forwarded-For: 192.0.2.66, 203.0.113.9'], '203.0.113.9'],
    ['the last before trusted ones', ['X-Forwarded-For: 192.0.2.66, 203.0.113.9, 10.1.1.1, 127.0.0.3'], '203.0.113.9'],
    ['several fields', ['X-Forwarded-For: 192.0.2.66', 'x-forwarded-for: 203.0.113.9'], '203.0.113.9'],
    ['an address of IPv6', ['X-Forwarded-For: 2001:DB8::9'], '2001:db8::9'],
    ['IPv4 in IPv6', ['X-Forwarded-For: ::ffff:203.0.113.9'], '203.0.113.9'],
    ['blanks around it', ['X-Forwarded-For: \t203.0.113.9 \t'], '203.0.113.9'],
    ['rubbish', ['X-Forwarded-For: unknown'], '127.0.0.1'],
    ['a port', ['X-Forwarded-For: 203.0.113.9:1234'], '127.0.0.1'],
    ['an obfuscated name', ['X-Forwarded-For: _hidden'], '127.0.0.1'],
    ['an injection', ['X-Forwarded-For: 203.0.113.9";proto=https'], '127.0.0.1'],
    ['numbers that are no address', ['X-Forwarded-For: 203.0.113.999'], '127.0.0.1'],
    ['short forms of an address', ['X-Forwarded-For: 203.9'], '127.0.0.1'],
    ['octal numbers', ['X-Forwarded-For: 0203.0.0113.011'], '127.0.0.1'],
    ['nothing', ['X-Forwarded-For:'], '127.0.0.1'],
    [
      'another field',
      ['X-Real-IP: 203.0.113.9', 'Forwarded: for=203.0.113.9', 'X-Forwarded-Host: evil.test'],
      '127.0.0.1',
    ],
    ['a field that Connection names', ['Connection: X-Forwarded-For', 'X-Real-IP: 203.0.113.9'], '127.0.0.1'],
  ];
  return [
    ...told.map(([name, lines, client]) => ({ name: `trusted: ${name}`, lines, trusted, client })),
    { name: 'trusted: https', lines: ['X-Forwarded-Proto: https'], trusted, proto: 'https' },
    { name: 'trusted: HTTPS', lines: ['X-Forwarded-Proto: HTTPS'], trusted, proto: 'https' },
    ...['http', 'ftp', 'https, http', 'on', '"https"', 'https;x', ''].map((value) => ({
      name: `trusted: X-Forwarded-Proto ${JSON.stringify(value)} is not https`,
      lines: [`X-Forwarded-Proto: ${value}`],
      trusted,
    })),
    ...families.slice(0, 6).map((field) => ({
      name: `trusted: ${field} is dropped all the same`,
      lines: [`${field}: 203.0.113.9`],
      trusted,
      absent: [field.toLowerCase()],
    })),
  ];
}

export const spoofingCases: readonly SpoofingCase[] = [
  ...replaced(),
  ...dropped(),
  ...connections(),
  ...underscores(),
  ...requestIds(),
  ...trusting(),
];
