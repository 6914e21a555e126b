import { basename } from 'node:path';
import { http } from '../lib/http.ts';

/**
 * The program behind the hooks of repositories that are pushed to (githooks(5)): `push-hook.ts pre-receive|post-receive`. It hands what git says to the
 * daemon, over its Unix socket, and prints what the daemon answers, which git shows to the pusher. A line that begins with a blank is text; `=0` and `=1` at
 * the end are the verdict, which is this program's exit code. It knows nothing else, so that all decisions are the daemon's.
 */
const { KAPAL_PUSH_SOCKET: socketPath = '', KAPAL_PUSH_PATH: path = '' } = process.env;
const [stage = ''] = process.argv.slice(2);

process.exitCode = 1;
// A pusher that went away must not end what is under way.
process.stdout.on('error', () => undefined);
const request = http.request(
  { socketPath, path: `${path}/${stage}`, method: 'POST', headers: { 'content-type': 'application/x-kapal-push' } },
  (response) => {
    let rest = '';
    response.setEncoding('utf8').on('data', (piece: string) => {
      const lines = `${rest}${piece}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) read(line);
    });
    response.on('error', lost);
    response.on('end', () => {
      if (response.statusCode !== 200) say(refusalOf(rest));
    });
  },
);
request.on('error', lost);
request.write(`${JSON.stringify({ options: options(), quarantine: quarantine() })}\n`);
process.stdin.pipe(request);

function read(line: string): void {
  if (line.startsWith('=')) process.exitCode = line === '=0' ? 0 : 1;
  else if (line.startsWith(' ')) say(line.slice(1));
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function lost(): void {
  say('Kapal: the daemon went away. What it has on record goes on when it is back: kapal events');
}

/** `git push -o`: githooks(5). */
function options(): string[] {
  const count = Math.min(Number(process.env['GIT_PUSH_OPTION_COUNT'] ?? 0), 50);
  return Array.from({ length: count }, (_, index) => process.env[`GIT_PUSH_OPTION_${index}`] ?? '');
}

function quarantine(): string | null {
  const folder = process.env['GIT_QUARANTINE_PATH'];
  return folder === undefined || stage !== 'pre-receive' ? null : basename(folder);
}

function refusalOf(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: { message?: string } };
    return `Kapal: ${error?.message ?? 'the daemon refused the push'}`;
  } catch {
    return 'Kapal: the daemon refused the push';
  }
}
