import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { killGroup, launch, plainEnvironment } from '../lib/exec.ts';
import { errorCode } from '../lib/files.ts';
import { KapalError } from '../model/errors.ts';

/** A request of git's smart HTTP (gitprotocol-http(5)), its path taken apart. Fields of the request's head are null where it has none. */
export interface GitRequest {
  readonly service: 'git-upload-pack' | 'git-receive-pack';
  /** What is there (`info/refs`), or the exchange itself. */
  readonly step: 'advertise' | 'exchange';
  readonly contentType: string | null;
  readonly contentLength: string | null;
  readonly contentEncoding: string | null;
  /** `Git-Protocol`: `version=2`. */
  readonly protocol: string | null;
  readonly body: Readable;
}

export interface GitAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** May be left unread: the program goes on to its end all the same. */
  readonly body: Readable;
  /** Resolves when the program has ended. */
  readonly ended: Promise<void>;
}

export interface BackendCall {
  /** The folder that holds the repository, and its name in it. */
  readonly root: string;
  readonly name: string;
  readonly request: GitRequest;
  /** Values of git's configuration, above those of any file. */
  readonly settings: readonly string[];
  /** For the hooks. */
  readonly environment: Readonly<Record<string, string>>;
  /** The program's group is ended when it aborts. */
  readonly signal: AbortSignal;
}

/** No answer of git begins with a longer head. Bytes. */
const LONGEST_HEAD = 64 * 1024;
/** Milliseconds for a program whose client went away: until it is asked to end, which it does with what it had received, and until it is made to. */
const grace = { asked: 10_000, made: 60_000 };

/**
 * Lets `git http-backend` (git-http-backend(1)) answer a request as a CGI program (RFC 3875). Both bodies stream; a client that goes away once its own body
 * is through changes nothing of what is done. Throws KapalError `source_failed` where git is missing or says nothing.
 */
export async function callBackend(call: BackendCall): Promise<GitAnswer> {
  const options = call.settings.flatMap((setting) => ['-c', setting]);
  const child = launch('git', [...options, 'http-backend'], {
    cwd: call.root,
    env: cgiEnvironment(call),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new TypeError('git was started without pipes');
  let said = '';
  stderr.on('data', (piece: Buffer) => (said = `${said}${piece.toString()}`.slice(-2_000)));
  const ended = endOf(child, call.signal);
  void pipeline(call.request.body, stdin).catch(() => bringToEnd(child));
  const head = await readHead(stdout);
  if (head === null) throw await silence(ended, said);
  return { ...head, body: sheltered(stdout), ended: ended.then(() => undefined) };
}

function cgiEnvironment({ root, name, request, environment }: BackendCall): Record<string, string> {
  const { service, step, contentType, contentLength, contentEncoding, protocol } = request;
  const told = Object.entries({
    CONTENT_TYPE: contentType,
    CONTENT_LENGTH: contentLength,
    HTTP_CONTENT_ENCODING: contentEncoding,
    GIT_PROTOCOL: protocol,
  }).flatMap(([key, value]) => (value === null ? [] : [[key, value] as const]));
  return plainEnvironment({
    ...environment,
    // Nothing of this machine's configuration: neither the system's nor the user's.
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
    HOME: root,
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_TERMINAL_PROMPT: '0',
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    GATEWAY_INTERFACE: 'CGI/1.1',
    REQUEST_METHOD: step === 'advertise' ? 'GET' : 'POST',
    PATH_INFO: `/${name}/${step === 'advertise' ? 'info/refs' : service}`,
    QUERY_STRING: step === 'advertise' ? `service=${service}` : '',
    REMOTE_USER: 'kapal',
    ...Object.fromEntries(told),
  });
}

function endOf(child: ReturnType<typeof launch>, signal: AbortSignal): Promise<{ readonly missing: boolean }> {
  const end = () => killGroup(child, 'SIGTERM');
  signal.addEventListener('abort', end, { once: true });
  return new Promise<{ readonly missing: boolean }>((resolve) => {
    child.once('error', (error) => resolve({ missing: errorCode(error) === 'ENOENT' }));
    child.once('close', () => resolve({ missing: false }));
  }).finally(() => signal.removeEventListener('abort', end));
}

/** The request broke off: git sees the end of its input, and removes what it had received. */
function bringToEnd(child: ReturnType<typeof launch>): void {
  child.stdin?.destroy();
  const timers = [
    setTimeout(() => killGroup(child, 'SIGTERM'), grace.asked),
    setTimeout(() => killGroup(child, 'SIGKILL'), grace.made),
  ];
  child.once('close', () => timers.forEach(clearTimeout));
}

/** Status and fields of a CGI answer (RFC 3875, 6); null where it ends before its head does. The rest is left in the stream. */
async function readHead(stdout: Readable): Promise<Pick<GitAnswer, 'status' | 'headers'> | null> {
  let seen = Buffer.alloc(0);
  while (seen.length < LONGEST_HEAD) {
    const piece = stdout.read() as Buffer | null;
    if (piece === null) {
      if (!(await more(stdout))) return null;
      continue;
    }
    seen = Buffer.concat([seen, piece]);
    const end = seen.indexOf('\r\n\r\n');
    if (end === -1) continue;
    stdout.unshift(seen.subarray(end + 4));
    return parseHead(seen.subarray(0, end).toString('latin1'));
  }
  return null;
}

function more(stream: Readable): Promise<boolean> {
  return new Promise((resolve) => {
    if (stream.readableEnded || stream.destroyed) return resolve(false);
    const settle = () => {
      for (const event of ['readable', 'end', 'close'] as const) stream.off(event, settle);
      resolve(!stream.readableEnded && !stream.destroyed);
    };
    for (const event of ['readable', 'end', 'close'] as const) stream.on(event, settle);
  });
}

function parseHead(text: string): Pick<GitAnswer, 'status' | 'headers'> {
  const fields = text.split('\r\n').map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  const status = Number.parseInt(fields.find(([name]) => name === 'status')?.[1] ?? '200', 10);
  return { status, headers: fields.filter(([name]) => name !== 'status' && name !== '') };
}

/** A copy of the program's output whose reader may go away: the program could else not say what it has to, and end. */
function sheltered(stdout: Readable): Readable {
  const copy = new PassThrough();
  stdout.pipe(copy);
  stdout.on('error', () => copy.destroy());
  copy.on('error', () => undefined);
  copy.once('close', () => {
    stdout.unpipe(copy);
    stdout.resume();
  });
  return copy;
}

async function silence(ended: Promise<{ readonly missing: boolean }>, said: string): Promise<KapalError> {
  if ((await ended).missing)
    return new KapalError('source_failed', 'git is not installed on the machine of the daemon', {
      hint: 'Install it there: apt-get install git',
    });
  const reason = said.replace(/\p{Cc}+/gu, ' ').trim();
  return new KapalError('source_failed', `git did not answer${reason === '' ? '' : `: ${reason}`}`);
}
