import { failure, failureDocument } from '../../api/contract/exit.ts';
import { readFrames } from '../../api/contract/frames.ts';
import { paths } from '../../api/contract/paths.ts';
import type { JobDocument, RunRequest, TerminalSizeRequest } from '../../api/contract/job-types.ts';
import type { Command, Invocation } from '../command.ts';
import { exitCodeOf } from '../job-lines.ts';
import { localTerminal, type LocalTerminal } from '../local-terminal.ts';

/** As a shell reports a program that SIGINT ended. */
const interrupted = 130;
/** And one that SIGPIPE ended: nobody reads its output any more. */
const unread = 141;
const longest = 7 * 86_400;

export const run: Command = {
  operands: [
    { name: 'service', description: 'the service', required: true, completes: 'service' },
    { name: 'command', description: 'program and arguments, after --', required: true, variadic: true },
  ],
  options: [
    { flags: '--detach', description: 'print the id of the job and leave it to kapal logs and kapal jobs' },
    { flags: '--timeout <seconds>', description: 'end it then; no limit unless told' },
  ],
  examples: [
    ['run api -- npm run migrate', 'in the folder of the current release, with its variables, as its user'],
    ['run api -- node', 'with a terminal on both ends it is interactive'],
    ['run api -- psql < dump.sql', 'what is no terminal is passed on, byte by byte'],
    ['run --detach api -- node reindex.js', 'goes on without this command: kapal logs api ; kapal jobs api'],
  ],
  async run(invocation) {
    const { operands, client, flags, at, out, json, say, host } = invocation;
    const [service = '', ...command] = operands;
    const detach = flags.has('detach');
    const timeoutSeconds = flags.count('timeout', { least: 1, most: longest }) ?? null;
    if (detach) {
      const request: RunRequest = { command, detach, timeoutSeconds, terminal: null };
      const job = await client.call<JobDocument>('POST', paths.runs(service, at), request);
      if (json) out.json(job);
      else out.out.line(say.jobAsked(job.id, service));
      return 0;
    }
    using terminal = json ? null : await localTerminal(host);
    const size = terminal === null ? null : { ...terminal.size(), term: host.env['TERM'] || 'xterm' };
    const request: RunRequest = { command, detach, timeoutSeconds, terminal: size };
    return await attached(invocation, { service, request, terminal });
  },
};

interface Asked {
  readonly service: string;
  readonly request: RunRequest;
  readonly terminal: LocalTerminal | null;
}

/** Passes streams on until the job has ended, and exits as it does. */
async function attached(invocation: Invocation, { service, request, terminal }: Asked): Promise<number> {
  const { client, at, host, out, json, say } = invocation;
  const leaving = new AbortController();
  let job: JobDocument | null = null;
  let interrupts = 0;
  // In a raw terminal Ctrl-C is a byte like others: then the program's own terminal makes a signal of it.
  using _interrupt = host.onInterrupt(() => {
    interrupts += 1;
    if (interrupts > 1 || job === null) leaving.abort();
    else void client.call('DELETE', paths.job(job.id)).catch(() => leaving.abort());
  });
  out.closed.addEventListener('abort', () => leaving.abort(), { once: true });
  const pieces = await client.stream('POST', paths.runs(service, at), { body: request, signal: leaving.signal });
  try {
    for await (const frame of readFrames(pieces)) {
      switch (frame.kind) {
        case 'job':
          job = frame.job;
          feed(invocation, { job: frame.job, terminal, signal: leaving.signal });
          break;
        case 'stdout':
        case 'stderr':
          await write(frame.kind === 'stdout' && !json ? host.stdout : host.stderr, frame.bytes);
          break;
        case 'ended':
          terminal?.[Symbol.dispose]();
          if (json) out.json(frame.job);
          if (frame.job.result === 'timeout') out.err.line(say.jobTimedOut(frame.job.id));
          return interrupts > 0 ? interrupted : exitCodeOf(frame.job);
        case 'failed':
          throw failure('internal', frame.message);
        case 'alive':
          break;
      }
    }
  } catch (error) {
    if (leaving.signal.aborted) return out.closed.aborted ? unread : interrupted;
    if (failureDocument(error).code !== 'no_daemon') throw error;
  }
  throw failure('no_daemon', say.jobLost(job?.id ?? service), { hint: say.jobEndsWithClient });
}

/** What is typed or piped goes to the job until either ends; that it reads no more, or has ended, is no error. */
function feed(
  { client, host }: Invocation,
  {
    job,
    terminal,
    signal,
  }: { readonly job: JobDocument; readonly terminal: LocalTerminal | null; readonly signal: AbortSignal },
): void {
  const input = terminal === null ? (host.stdin as AsyncIterable<Uint8Array>) : terminal.input();
  void client.pour(paths.jobInput(job.id), input, signal).catch(() => undefined);
  terminal?.onResize((size: TerminalSizeRequest) => {
    void client.call('POST', paths.jobTerminal(job.id), size).catch(() => undefined);
  });
}

/** As fast as the reader reads; one that has gone (EPIPE) reads nothing. */
function write(stream: NodeJS.WritableStream, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (!stream.writable) return resolve();
    stream.write(bytes, () => resolve());
  });
}
