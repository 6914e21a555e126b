import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { connect, type LookupFunction } from 'node:net';
import { errorCode } from '../lib/files.ts';
import { http } from '../lib/http.ts';
import { bodyLimit, searchBody } from './probe-body.ts';
import { type LookUp, NameProblem, ProbeNames, systemLookUp } from './probe-names.ts';
import type { AddressQuestion, Prober, ProbeResult, UpstreamResult } from './probe-port.ts';
import { peerOf, type TlsPeer, TlsRequests } from './probe-tls.ts';

/** What one address said. `nobody`: nothing listens there. */
interface Answer {
  readonly ok: boolean;
  readonly detail: string;
  readonly nobody: boolean;
  /** The name has no address, so nobody was asked. */
  readonly unresolved?: true;
}

interface Question {
  readonly address: string;
  readonly port: number;
  /** Milliseconds for the whole of it. */
  readonly timeout: number;
}

/** What is asked over HTTP. `tls`: how, where it is not in clear. */
interface Request {
  readonly method: 'GET' | 'HEAD';
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly tls: TlsPeer | null;
}

/** Asks apps whether they are ready. `version` ends the User-Agent: `Kapal-Health/<version>`. `lookUp`: as this machine resolves names unless told. */
export function createProber(options: { version?: string; lookUp?: LookUp } = {}): Prober {
  const agents: Agents = {
    names: new ProbeNames(options.lookUp ?? systemLookUp),
    clear: new http.Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY }),
    tls: new TlsRequests(),
  };
  const userAgent = options.version === undefined ? 'Kapal-Health' : `Kapal-Health/${options.version}`;
  const headersFor = (host: string) => ({ Host: host, 'User-Agent': userAgent, Accept: '*/*', Connection: 'close' });
  const requestOf = ({ path, host, tls }: AddressQuestion, verify: boolean): Request => ({
    method: path === null ? 'HEAD' : 'GET',
    path: path ?? '/',
    headers: headersFor(host),
    tls: tls === null ? null : { name: tls.serverName ?? peerOf(host), verify: verify && tls.verify },
  });
  return {
    async http({ address, port, path, host, timeout, content }) {
      const request: Request = { method: 'GET', path, headers: headersFor(host), tls: null };
      const question = { address: address ?? loopback, port, timeout };
      return resultOf(await ask(question, { agents, request, judge, content }), timeout);
    },
    async tcp({ address, port, timeout }) {
      return resultOf(await knock({ address: address ?? loopback, port, timeout }, agents.names), timeout);
    },
    async upstream(question) {
      const request = requestOf(question, true);
      const answer =
        question.path === null
          ? await knock(question, agents.names)
          : await ask(question, { agents, request, judge, content: question.content });
      return { ...resultOf(answer, question.timeout), refused: answer.nobody } satisfies UpstreamResult;
    },
    async alive(question) {
      // Whose certificate it is does not matter for whether it lives.
      const request = requestOf(question, false);
      return resultOf(await ask(question, { agents, request, judge: anyAnswer }), question.timeout);
    },
  };
}

interface Agents {
  readonly names: ProbeNames;
  readonly clear: Agent;
  readonly tls: TlsRequests;
}

/** Where the edge reaches instances, and there alone: one that answers at ::1 only would be ready and reached by nobody. */
const loopback = '127.0.0.1';

function resultOf({ ok, detail, unresolved }: Answer, timeout: number): ProbeResult {
  const result = { ok, detail: detail === noAnswer ? `no answer within ${seconds(timeout)}` : detail };
  if (unresolved === true) return { ...result, unresolved };
  return detail === noAnswer ? { ...result, late: true } : result;
}

/** Stands for the time-out until the caller's own number of seconds is put in. */
const noAnswer = 'no answer';

function ask(
  question: Question,
  how: { agents: Agents; request: Request; judge: (status: number) => Answer; content?: string | undefined },
): Promise<Answer> {
  const { method, path, headers, tls } = how.request;
  return settle(question, how.agents.names, ({ done, lookup }) => {
    const target = { host: question.address, port: question.port, path, headers, method, lookup };
    const request =
      tls === null ? http.request({ ...target, agent: how.agents.clear }) : how.agents.tls.begin(target, tls);
    request.on('response', (response) => {
      const answer = how.judge(response.statusCode ?? 0);
      if (how.content === undefined || !answer.ok) done(answer);
      else searchBody(response, how.content, (verdict) => done({ ...answer, ...verdict }));
      drain(request, response, question.timeout);
    });
    request.on('upgrade', (_response, socket) => {
      done(how.judge(101));
      socket.destroy();
    });
    request.on('error', (error) => {
      // What is no HTTP came from somebody all the same.
      const spoke = errorCode(error)?.startsWith('HPE_') === true && how.judge === anyAnswer;
      done(spoke ? anyAnswer(0) : failure(error));
    });
    request.end();
    return () => request.destroy();
  });
}

function knock(question: Question, names: ProbeNames): Promise<Answer> {
  return settle(question, names, ({ done, lookup }) => {
    const socket = connect({ host: question.address, port: question.port, lookup });
    socket.on('connect', () => {
      done({ ok: true, detail: 'accepted a connection', nobody: false });
      // Ended, not cut: a reset would show up as an error in the app's log. One that never closes its side is let go in time.
      socket.setTimeout(question.timeout, () => socket.destroy());
      socket.resume().end();
    });
    socket.on('error', (error) => done(failure(error)));
    return () => socket.destroy();
  });
}

/** One answer, at the latest when the time is over; `begin` returns what ends the attempt then. It never rejects. */
function settle(
  { address, timeout }: Question,
  names: ProbeNames,
  begin: (attempt: { done: (answer: Answer) => void; lookup: LookupFunction }) => () => void,
): Promise<Answer> {
  return new Promise((resolve) => {
    let end = (): void => undefined;
    const name = names.forOne();
    const timer = setTimeout(() => {
      const late = new NameProblem(address, `no answer within ${seconds(timeout)}`);
      resolve(name.waits() ? failure(late) : { ok: false, detail: noAnswer, nobody: false });
      end();
    }, timeout);
    const done = (answer: Answer): void => {
      clearTimeout(timer);
      resolve(answer);
    };
    try {
      end = begin({ done, lookup: name.resolve });
    } catch (error) {
      done(failure(error));
    }
  });
}

function judge(status: number): Answer {
  return { ok: status >= 200 && status < 400, detail: `answered ${status}`, nobody: false };
}

function anyAnswer(status: number): Answer {
  return { ok: true, detail: status === 0 ? 'answered' : `answered ${status}`, nobody: false };
}

function drain(request: ClientRequest, response: IncomingMessage, timeout: number): void {
  const timer = setTimeout(() => request.destroy(), timeout);
  timer.unref();
  let size = 0;
  // The body is read so that the app sees an ordinary client, but no further than its limit.
  response.on('data', (part: Buffer) => {
    size += part.length;
    if (size > bodyLimit) request.destroy();
  });
  response.on('error', () => undefined);
  response.on('close', () => clearTimeout(timer));
}

function failure(error: unknown): Answer {
  if (error instanceof NameProblem) return { ok: false, detail: error.message, nobody: false, unresolved: true };
  const code = errorCode(error) ?? '';
  return { ok: false, detail: words(code, error), nobody: nobodyThere.has(code) };
}

/** Refused, or no such address on this machine (IPv6 off). */
const nobodyThere: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENETUNREACH']);

function words(code: string, error: unknown): string {
  if (code === 'ECONNREFUSED') return 'connection refused';
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'closed the connection without an answer';
  if (code.startsWith('HPE_')) return 'answered something that is not HTTP';
  const message = error instanceof Error ? error.message : String(error);
  if (!/CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)/.test(code)) return message;
  // Node's advice to those who start it is for nobody here.
  return `its certificate is not accepted: ${message.split(';')[0]}`;
}

function seconds(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${Number((milliseconds / 1000).toFixed(1))} s`;
}
