import { either, forwarded, get, post, refused, smuggled, type StrictnessCase } from './edge-strictness-form.ts';

const te = 'Transfer-Encoding: chunked';
const end = '0\r\n\r\n';

/** Content-Length beside Transfer-Encoding, in all orders and spellings: whoever reads the other one sees another request. */
function lengthAndEncoding(): StrictnessCase[] {
  const lengths = [
    'Content-Length: 5',
    'Content-Length: 0',
    'content-length: 6',
    'Content-Length:43',
    'Content-Length: 5, 5',
  ];
  const encodings = [
    te,
    'transfer-encoding:chunked',
    'Transfer-Encoding: Chunked',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: identity',
  ];
  return lengths.flatMap((length) =>
    encodings.flatMap((encoding) => [
      refused(`${length} before ${encoding}`, post([length, encoding], end + smuggled)),
      refused(`${encoding} before ${length}`, post([encoding, length], end + smuggled)),
    ]),
  );
}

const oddLengths: readonly string[] = [
  '-1',
  '+5',
  '0x5',
  '5 5',
  '5,5',
  '5, 6',
  '5;',
  '5.0',
  '5e0',
  '٥',
  '05x',
  '',
  ' ',
  'five',
  '99999999999999999999',
  '18446744073709551621',
  '9223372036854775808',
  '"5"',
  "5'",
  '5\t6',
  '1 ',
  '5_0',
  '5 0',
  '0b101',
  'NaN',
  'Infinity',
  '-0',
];

function lengths(): StrictnessCase[] {
  const odd = oddLengths
    .filter((value) => value !== '1 ')
    .map((value) =>
      refused(
        `Content-Length ${JSON.stringify(value)}`,
        post([`Content-Length: ${latin1(value)}`], `hello${smuggled}`),
      ),
    );
  return [
    ...odd,
    refused('Content-Length twice, different', post(['Content-Length: 5', 'Content-Length: 0'], `hello${smuggled}`)),
    refused('Content-Length twice, the same', post(['Content-Length: 5', 'Content-Length: 5'], `hello${smuggled}`)),
    refused(
      'Content-Length twice, in two cases of letters',
      post(['Content-Length: 5', 'CONTENT-LENGTH: 6'], `hello${smuggled}`),
    ),
    refused(
      'Content-Length three times',
      post(['Content-Length: 0', 'Content-Length: 0', 'Content-Length: 5'], `hello${smuggled}`),
    ),
    forwarded('Content-Length with blanks around it', post(['Content-Length:   5  '], 'hello'), {
      method: 'POST',
      body: 'hello',
    }),
    forwarded('Content-Length without a blank', post(['Content-Length:5'], 'hello'), { method: 'POST', body: 'hello' }),
    forwarded('Content-Length with zeros before it', post(['Content-Length: 0005'], 'hello'), {
      method: 'POST',
      body: 'hello',
    }),
    forwarded('Content-Length 0', post(['Content-Length: 0'], ''), { method: 'POST', body: '' }),
    forwarded('a GET with a body', get('GET / HTTP/1.1', ['Host: a.test', 'Content-Length: 5']) + 'hello', {
      method: 'GET',
      body: 'hello',
    }),
    forwarded('a body that looks like a request', post([`Content-Length: ${smuggled.length}`], smuggled), {
      method: 'POST',
      body: smuggled,
    }),
  ];
}

const oddEncodings: readonly (readonly [name: string, line: string])[] = [
  ['xchunked', 'Transfer-Encoding: xchunked'],
  ['chunkedx', 'Transfer-Encoding: chunkedx'],
  ['a list of one', 'Transfer-Encoding: chunked,'],
  ['an empty member first', 'Transfer-Encoding: ,chunked'],
  ['chunked, identity', 'Transfer-Encoding: chunked, identity'],
  ['identity, chunked', 'Transfer-Encoding: identity, chunked'],
  ['chunked, chunked', 'Transfer-Encoding: chunked, chunked'],
  ['gzip', 'Transfer-Encoding: gzip'],
  ['gzip, chunked', 'Transfer-Encoding: gzip, chunked'],
  ['identity', 'Transfer-Encoding: identity'],
  ['in quotes', 'Transfer-Encoding: "chunked"'],
  ['with a parameter', 'Transfer-Encoding: chunked;q=1'],
  ['vertical tab before it', 'Transfer-Encoding: \x0bchunked'],
  ['form feed after it', 'Transfer-Encoding: chunked\x0c'],
  ['no-break space before it', 'Transfer-Encoding: \xa0chunked'],
  ['NUL after it', 'Transfer-Encoding: chunked\0'],
  ['empty', 'Transfer-Encoding:'],
  ['two words', 'Transfer-Encoding: chunked chunked'],
  ['folded', 'Transfer-Encoding:\r\n chunked'],
  ['blank before the colon', 'Transfer-Encoding : chunked'],
  ['tab before the colon', 'Transfer-Encoding\t: chunked'],
  ['blank before the name', ' Transfer-Encoding: chunked'],
  ['vertical tab in the name', 'Transfer-Encoding\x0b: chunked'],
  ['a colon twice', 'Transfer-Encoding:: chunked'],
  ['brackets', 'Transfer-Encoding: [chunked]'],
  ['dotless letters', 'Transfer-Encoding: chun\xeeed'],
];

function encodings(): StrictnessCase[] {
  return [
    ...oddEncodings.map(([name, line]) => refused(`Transfer-Encoding: ${name}`, post([line], end + smuggled))),
    refused('Transfer-Encoding twice', post([te, te], end + smuggled)),
    refused('Transfer-Encoding twice, identity last', post([te, 'Transfer-Encoding: identity'], end + smuggled)),
    refused('Transfer-Encoding twice, identity first', post(['Transfer-Encoding: identity', te], end + smuggled)),
    refused('Transfer-Encoding on HTTP/1.0', get('POST / HTTP/1.0', ['Host: a.test', te]) + end + smuggled),
    refused('both on HTTP/1.0', get('POST / HTTP/1.0', ['Host: a.test', 'Content-Length: 5', te]) + end + smuggled),
    forwarded('chunked', post([te], `5\r\nhello\r\n${end}`), { method: 'POST', body: 'hello' }),
    forwarded('CHUNKED', post(['Transfer-Encoding: CHUNKED'], `5\r\nhello\r\n${end}`), {
      method: 'POST',
      body: 'hello',
    }),
    forwarded('chunked with blanks around it', post(['Transfer-Encoding:   chunked  '], `5\r\nhello\r\n${end}`), {
      method: 'POST',
      body: 'hello',
    }),
    either(
      'an underscore for the hyphen is another field, which is dropped',
      get('POST / HTTP/1.1', ['Host: a.test', 'Transfer_Encoding: chunked', 'Content-Length: 5']) + 'hello',
      { method: 'POST', body: 'hello' },
    ),
    either(
      'an underscore in Content_Length',
      get('POST / HTTP/1.1', ['Host: a.test', 'Content_Length: 100', 'Content-Length: 5']) + 'hello',
      { method: 'POST', body: 'hello' },
    ),
    refused(
      'Transfer-Encoding named by Connection stays',
      post([te, 'Connection: Transfer-Encoding', 'Content-Length: 5'], end + smuggled),
    ),
    forwarded(
      'Transfer-Encoding named by Connection',
      post(['Connection: Transfer-Encoding', te], `5\r\nhello\r\n${end}`),
      { method: 'POST', body: 'hello' },
    ),
    forwarded(
      'Content-Length named by Connection',
      post(['Connection: Content-Length', 'Content-Length: 5'], 'hello'),
      { method: 'POST', body: 'hello' },
    ),
  ];
}

/** Chunk lines; each stands at the place of `5` in a body of one chunk `hello`. */
const oddSizes: readonly string[] = [
  '',
  ' ',
  'g',
  '0x5',
  '+5',
  '-5',
  '5g',
  '5h',
  'ffffffffffffffff5',
  '10000000000000005',
  '5.0',
  '5,',
  '"5"',
  '\x005',
  '5\x00',
  '\xb2',
  'zz',
  '--5',
  'chunked',
  '٥',
  '\x0b5',
];

function chunks(): StrictnessCase[] {
  const sizes = oddSizes.map((size) =>
    refused(`chunk size ${JSON.stringify(size)}`, post([te], `${latin1(size)}\r\nhello\r\n${end}${smuggled}`)),
  );
  const body = { method: 'POST', body: 'hello' };
  return [
    ...sizes,
    refused('a chunk longer than its size', post([te], `5\r\nhelloXX\r\n${end}${smuggled}`)),
    refused('a chunk shorter than its size', post([te], `9\r\nhello\r\n${end}${smuggled}`)),
    refused('a chunk that does not end', post([te], `5\r\nhello5\r\nhello\r\n${end}${smuggled}`)),
    either('a bare LF after the size', post([te], `5\nhello\r\n${end}`), body),
    either('a bare LF after the data', post([te], `5\r\nhello\n${end}`), body),
    either('a bare LF everywhere', post([te], '5\nhello\n0\n\n'), body),
    refused('a bare CR after the size', post([te], `5\rhello\r\n${end}${smuggled}`)),
    refused('a bare CR after the data', post([te], `5\r\nhello\r${end}${smuggled}`)),
    refused('CR CR LF after the size', post([te], `5\r\r\nhello\r\n${end}${smuggled}`)),
    either('a chunk extension is dropped', post([te], `5;name=value\r\nhello\r\n${end}`), body),
    either('a quoted chunk extension is dropped', post([te], `5;name="a;b"\r\nhello\r\n${end}`), body),
    either('a blank before a chunk extension', post([te], `5 ;name=value\r\nhello\r\n${end}`), body),
    either('a blank after the size', post([te], `5 \r\nhello\r\n${end}`), body),
    either('two sizes', post([te], `5 5\r\nhello\r\n${end}`), body),
    either('a length between tabs', post(['Content-Length: \t5\t'], 'hello'), body),
    either('an encoding between tabs', post(['Transfer-Encoding: \tchunked\t'], `5\r\nhello\r\n${end}`), body),
    either('a tab after the size', post([te], `5\t\r\nhello\r\n${end}`), body),
    either('a bare LF in an extension', post([te], `5;a\nb\r\nhello\r\n${end}`), { method: 'POST' }),
    either('a bare CR in an extension', post([te], `5;a\rb\r\nhello\r\n${end}`), body),
    either('a NUL in an extension', post([te], `5;a\0b\r\nhello\r\n${end}`), body),
    either('a chunk extension of 60 KB', post([te], `5;${'a'.repeat(60_000)}\r\nhello\r\n${end}`), body),
    forwarded('zeros before the size', post([te], `0005\r\nhello\r\n${end}`), body),
    forwarded('the size in upper case', post([te], `A\r\nhellohello\r\n${end}`), {
      method: 'POST',
      body: 'hellohello',
    }),
    forwarded('several zeros as the last size', post([te], '5\r\nhello\r\n000\r\n\r\n'), body),
    forwarded('a trailer is dropped', post([te], '5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n'), body),
    forwarded(
      'a trailer that names a length is dropped',
      post([te], '5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n'),
      body,
    ),
    forwarded(
      'a trailer that names an encoding is dropped',
      post([te], '5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n'),
      body,
    ),
    forwarded(
      'a trailer that names a host is dropped',
      post([te, 'Trailer: Host'], '5\r\nhello\r\n0\r\nHost: evil.test\r\n\r\n'),
      body,
    ),
    either('a trailer without a colon', post([te], '5\r\nhello\r\n0\r\nX-Trailer\r\n\r\n'), body),
    either('a trailer with a blank in its name', post([te], '5\r\nhello\r\n0\r\nX Trailer: 1\r\n\r\n'), body),
    either('a trailer with a NUL', post([te], '5\r\nhello\r\n0\r\nX-Trailer: \0\r\n\r\n'), body),
    either('a folded trailer', post([te], '5\r\nhello\r\n0\r\nX-Trailer: a\r\n b\r\n\r\n'), body),
    either('a trailer of 60 KB', post([te], `5\r\nhello\r\n0\r\nX-Trailer: ${'a'.repeat(60_000)}\r\n\r\n`), body),
    forwarded(
      'one chunk per byte',
      post([te], `${Array.from('hello', (byte) => `1\r\n${byte}\r\n`).join('')}${end}`),
      body,
    ),
    forwarded('written byte by byte', post([te], `5\r\nhello\r\n${end}`).split(''), body),
  ];
}

/** As UTF-8 on the wire. */
function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

export const framingCases: readonly StrictnessCase[] = [
  ...lengthAndEncoding(),
  ...lengths(),
  ...encodings(),
  ...chunks(),
];
