import { either, forwarded, get, post, refused, smuggled, type StrictnessCase } from './edge-strictness-form.ts';

const host = 'Host: a.test';

function names(): StrictnessCase[] {
  const wrong: readonly (readonly [name: string, line: string])[] = [
    ['nothing before the colon', ': value'],
    ['a blank before the colon', 'X-Field : value'],
    ['a tab before the colon', 'X-Field\t: value'],
    ['a blank in the name', 'X Field: value'],
    ['a blank before the name', ' X-Field: value'],
    ['a NUL in the name', 'X-Fi\0eld: value'],
    ['a control character in the name', 'X-Fi\x01eld: value'],
    ['DEL in the name', 'X-Fi\x7feld: value'],
    ['a bare CR in the name', 'X-Fi\reld: value'],
    ['a folded value', 'X-Field: a\r\n b'],
    ['a value folded with a tab', 'X-Field: a\r\n\tb'],
    ['a line of a blank', ' '],
    ['a NUL in the value', 'X-Field: a\0b'],
    ['a control character in the value', 'X-Field: a\x01b'],
    ['a vertical tab in the value', 'X-Field: a\x0bb'],
    ['DEL in the value', 'X-Field: a\x7fb'],
    ['a bare CR in the value', 'X-Field: a\rb'],
    ['a bare CR and a field', 'X-Field: a\rContent-Length: 5'],
    ['a second request line', 'GET / HTTP/1.1'],
  ];
  const unusual: readonly (readonly [name: string, line: string])[] = [
    ['no colon', 'X-Field'],
    ['a bracket in the name', 'X-Fi(eld: value'],
    ['a slash in the name', 'X/Field: value'],
    ['an at sign in the name', 'X@Field: value'],
    ['a quotation mark in the name', '"X-Field": value'],
    ['a byte above ASCII in the name', 'X-F\xefeld: value'],
    ['an equals sign in the name', 'X=Field: value'],
    ['an underscore in the name', 'X_Field: value'],
    ['a dot in the name', 'X.Field: value'],
    ['every other character of a token in the name', "!#$%&'*+-.^`|~: value"],
    ['CR CR LF at the end of a line', 'X-Field: value\r'],
    ['a name of 5,000 bytes', `X-${'a'.repeat(5_000)}: value`],
  ];
  return [
    ...wrong.map(([name, line]) => refused(`field: ${name}`, get('GET / HTTP/1.1', [host, line]))),
    ...unusual.map(([name, line]) => either(`field: ${name}`, get('GET / HTTP/1.1', [host, line]))),
    refused('field: a blank before the first name', get('GET / HTTP/1.1', [' X-Field: value', host])),
    refused('field: a folded line first', get('GET / HTTP/1.1', [' folded', host])),
    forwarded('field: an empty value', get('GET / HTTP/1.1', [host, 'X-Field:'])),
    forwarded('field: bytes above ASCII in the value', get('GET / HTTP/1.1', [host, 'X-Field: caf\xc3\xa9'])),
    forwarded('field: blanks around the value', get('GET / HTTP/1.1', [host, 'X-Field: \t value \t '])),
    forwarded('field: the same name twice', get('GET / HTTP/1.1', [host, 'X-Field: a', 'X-Field: b'])),
  ];
}

/** RFC 9112 2.2 lets a recipient take a bare LF; parsers that differ there are how requests are hidden. */
function lineEnds(): StrictnessCase[] {
  return [
    either('bare LF after the request line', `GET / HTTP/1.1\n${host}\r\n\r\n`),
    either('bare LF after a field', `GET / HTTP/1.1\r\n${host}\nX-Field: 1\r\n\r\n`),
    either('bare LF at the end of the head', `GET / HTTP/1.1\r\n${host}\r\n\n`),
    either('bare LF everywhere', `GET / HTTP/1.1\n${host}\n\n`),
    either('LF CR for CR LF', `GET / HTTP/1.1\n\r${host}\n\r\n\r`),
    refused('bare CR after the request line', `GET / HTTP/1.1\r${host}\r\n\r\n`),
    refused('bare CR everywhere', `GET / HTTP/1.1\r${host}\r\r\r\n\r\n`),
    either('CR CR LF after the request line', `GET / HTTP/1.1\r\r\n${host}\r\n\r\n`),
    either('CR CR LF at the end of the head', `GET / HTTP/1.1\r\n${host}\r\n\r\r\n`),
    either('a length after a bare LF', `POST / HTTP/1.1\r\n${host}\r\nX-Field: a\nContent-Length: 5\r\n\r\nhello`, {
      method: 'POST',
      body: 'hello',
    }),
    refused(
      'an encoding after a bare LF, beside a length',
      `POST / HTTP/1.1\r\n${host}\r\nContent-Length: 5\r\nX-Field: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ),
    refused(
      'an encoding after a bare CR, beside a length',
      `POST / HTTP/1.1\r\n${host}\r\nContent-Length: 5\r\nX-Field: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    ),
    refused('a line separator of Unicode is no line end', `GET / HTTP/1.1\xe2\x80\xa8${host}\r\n\r\n`),
    refused('NEL is no line end', `GET / HTTP/1.1\x85${host}\r\n\r\n`),
  ];
}

function sizes(): StrictnessCase[] {
  const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `X-Field-${index}: 1`);
  return [
    refused('a field of 40,000 bytes', get('GET / HTTP/1.1', [host, `X-Field: ${'a'.repeat(40_000)}`])),
    refused(
      'a head of 70,000 bytes in many fields',
      get('GET / HTTP/1.1', [host, ...many(100).map((line) => line + 'a'.repeat(700))]),
    ),
    refused('200 fields', get('GET / HTTP/1.1', [host, ...many(200)])),
    refused('5,000 fields', get('GET / HTTP/1.1', [host, ...many(5_000)])),
    forwarded('100 fields', get('GET / HTTP/1.1', [host, ...many(100)])),
    either('a field of 7,000 bytes', get('GET / HTTP/1.1', [host, `X-Field: ${'a'.repeat(7_000)}`])),
    refused('a name of 40,000 bytes', get('GET / HTTP/1.1', [host, `${'a'.repeat(40_000)}: 1`])),
  ];
}

function connections(): StrictnessCase[] {
  return [
    either(
      'Authorization twice',
      get('GET / HTTP/1.1', [host, 'Authorization: Basic YTph', 'Authorization: Basic YTpi']),
    ),
    forwarded('Cookie twice', get('GET / HTTP/1.1', [host, 'Cookie: a=1', 'Cookie: b=2'])),
    refused('Connection with a value that is no token', get('GET / HTTP/1.1', [host, 'Connection: a b'])),
    refused('Connection with a bracket', get('GET / HTTP/1.1', [host, 'Connection: keep-alive, (x)'])),
    refused('Connection with a quotation mark', get('GET / HTTP/1.1', [host, 'Connection: "close"'])),
    forwarded('Connection with empty members', get('GET / HTTP/1.1', [host, 'Connection: , keep-alive,, '])),
    forwarded('Connection that names Host', get('GET / HTTP/1.1', [host, 'Connection: Host'])),
    forwarded('Connection that names itself', get('GET / HTTP/1.1', [host, 'Connection: Connection'])),
    refused('Expect of something unknown', post(['Expect: 200-ok', 'Content-Length: 5'], 'hello')),
    refused('Expect of several things', post(['Expect: 100-continue, x', 'Content-Length: 5'], 'hello')),
    forwarded(
      'Expect: 100-continue with its body at once',
      post(['Expect: 100-continue', 'Content-Length: 5'], 'hello'),
      { method: 'POST', body: 'hello' },
    ),
    forwarded(
      'an upgrade to HTTP/2 is not passed on',
      get('GET / HTTP/1.1', [
        host,
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQAAP__',
      ]),
    ),
    forwarded(
      'an upgrade to TLS is not passed on',
      get('GET / HTTP/1.1', [host, 'Connection: Upgrade', 'Upgrade: TLS/1.2']),
    ),
    forwarded(
      'an upgrade with a body is not passed on',
      post(['Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 5'], 'hello'),
      { method: 'POST', body: 'hello' },
    ),
    refused('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  ];
}

/** Requests behind one that is refused, or of which the edge answers itself: their bytes are never requests of their own. */
function pipelines(): StrictnessCase[] {
  return [
    refused('a request behind a malformed one', `GET /\x01 HTTP/1.1\r\n${host}\r\n\r\n${smuggled}`),
    refused('a request behind one with a bad length', post(['Content-Length: x'], smuggled)),
    refused(
      'a request in the body of one without a route',
      `POST / HTTP/1.1\r\nHost: unknown.test\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
    ),
    refused(
      'a request in the chunked body of one without a route',
      `POST / HTTP/1.1\r\nHost: unknown.test\r\nTransfer-Encoding: chunked\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
    ),
    refused('a request in the body of one that is too large', post([`Content-Length: ${3 << 20}`], smuggled)),
    refused(
      'a request in the body of an unknown Expect',
      post(['Expect: x', `Content-Length: ${smuggled.length}`], smuggled),
    ),
    refused('a request in the body of CONNECT', `CONNECT a.test:80 HTTP/1.1\r\n${host}\r\n\r\n${smuggled}`),
    forwarded(
      'a length of HTTP/1.0 holds',
      `POST / HTTP/1.0\r\n${host}\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
      { method: 'POST', body: smuggled },
    ),
  ];
}

export const fieldCases: readonly StrictnessCase[] = [
  ...names(),
  ...lineEnds(),
  ...sizes(),
  ...connections(),
  ...pipelines(),
];
