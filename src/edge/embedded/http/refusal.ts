/** Why a message is not taken: the status that a client gets, and the reason for logs and tests. Never carries bytes of the message. */
export class Refusal {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string) {
    this.status = status;
    this.reason = reason;
  }
}

const bad = (reason: string): Refusal => Object.freeze(new Refusal(400, reason));

/** Made once: a flood of bad requests allocates nothing. */
export const refusals = {
  bareLineFeed: bad('line feed without carriage return'),
  bareCarriageReturn: bad('carriage return without line feed'),
  control: bad('control character'),
  requestLine: bad('request line'),
  method: bad('method'),
  target: bad('request target'),
  version: bad('protocol version'),
  fieldName: bad('field name'),
  fieldValue: bad('field value'),
  folded: bad('folded field'),
  hostMissing: bad('no Host'),
  hostSeveral: bad('several Host'),
  hostInvalid: bad('invalid Host'),
  authorityDiffers: bad('authority of the target differs from Host'),
  lengthSeveral: bad('several Content-Length'),
  lengthInvalid: bad('invalid Content-Length'),
  lengthAndEncoding: bad('Content-Length with Transfer-Encoding'),
  encodingSeveral: bad('several Transfer-Encoding'),
  encodingUnknown: bad('Transfer-Encoding other than chunked'),
  encodingOld: bad('Transfer-Encoding on HTTP/1.0'),
  connection: bad('invalid Connection'),
  chunkSize: bad('invalid chunk size'),
  chunkEnd: bad('chunk without its end'),
  chunkExtension: bad('chunk extension'),
  trailer: bad('trailer'),
  statusLine: bad('status line'),
  statusCode: bad('status code'),
  connectMethod: Object.freeze(new Refusal(405, 'CONNECT')),
  lineTooLong: Object.freeze(new Refusal(414, 'request line too long')),
  headTooLarge: Object.freeze(new Refusal(431, 'head too large')),
  tooManyFields: Object.freeze(new Refusal(431, 'too many fields')),
  expectation: Object.freeze(new Refusal(417, 'unknown expectation')),
  otherVersion: Object.freeze(new Refusal(505, 'protocol version not spoken')),
} as const;
