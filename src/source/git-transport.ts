import { type ExecResult, exec, plainEnvironment } from '../lib/exec.ts';
import { KapalError } from '../model/errors.ts';
import { type GitUrl, redactUrl } from './git-url.ts';

export interface RemoteCall {
  readonly gitDir: string;
  readonly remote: GitUrl;
  readonly signal: AbortSignal;
  /** For a remote with a key of its own, in the place of the ssh of the daemon's user. */
  readonly ssh?: Readonly<Record<string, string>>;
}

/** Of one command. Milliseconds. */
const LIMIT = 10 * 60_000;

/** How this machine reaches others: its proxies, its certificates, its ssh agent and its git configuration. */
const INHERITED: readonly string[] = [
  'HOME XDG_CONFIG_HOME SSH_AUTH_SOCK',
  'http_proxy https_proxy all_proxy no_proxy HTTPS_PROXY ALL_PROXY NO_PROXY',
  'GIT_SSL_CAINFO GIT_SSL_CAPATH SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE',
].flatMap((names) => names.split(' '));

/** Fixed text: git hands it to a shell. */
const SSH = 'ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o ConnectTimeout=15';

/**
 * Runs a git command that may speak with a remote: no transport that starts a program, no hook, no prompt, no submodule. It does not throw
 * for a failure, only for an aborted signal.
 */
export async function remoteGit(call: RemoteCall, args: readonly string[]): Promise<ExecResult> {
  call.signal.throwIfAborted();
  const settings = ['protocol.ext.allow=never', 'core.hooksPath=/dev/null', 'core.fsmonitor=false', 'gc.auto=0'];
  const options = ['--git-dir', call.gitDir, ...settings.flatMap((setting) => ['-c', setting])];
  const result = await exec('git', [...options, ...args], {
    cwd: call.gitDir,
    env: transportEnvironment(call),
    timeout: LIMIT,
    signal: call.signal,
  });
  call.signal.throwIfAborted();
  return result;
}

function transportEnvironment({ remote, ssh }: RemoteCall): Record<string, string> {
  const inherited = INHERITED.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return plainEnvironment({
    ...Object.fromEntries(inherited),
    GIT_ALLOW_PROTOCOL: 'https:http:ssh:git',
    GIT_TERMINAL_PROMPT: '0',
    ...(ssh ?? { GIT_SSH_COMMAND: SSH }),
    GIT_LFS_SKIP_SMUDGE: '1',
    // A remote that says nothing for a minute is gone (git-config(1), http.lowSpeedLimit).
    GIT_HTTP_LOW_SPEED_LIMIT: '1',
    GIT_HTTP_LOW_SPEED_TIME: '60',
    ...authorization(remote),
  });
}

/** By environment, which other users cannot read, where they see every command line; and for this origin only, so that no redirect carries it on. */
function authorization({ credentials, origin }: GitUrl): Record<string, string> {
  if (credentials === null || origin === null) return {};
  return {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `http.${origin}/.extraHeader`,
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${Buffer.from(credentials).toString('base64')}`,
  };
}

/** What git said, as an error of the catalogue. `verb` completes "git could not ... URL". */
export function gitFailure({ remote, ssh }: RemoteCall, result: ExecResult, verb: string): KapalError {
  if (result.missing) {
    return new KapalError('source_failed', 'git is not installed on this machine', {
      hint: 'Install it: apt-get install git',
    });
  }
  const said = saidLines(result.stderr);
  const reason = result.timedOut
    ? `it took longer than ${LIMIT / 60_000} minutes`
    : (said.findLast((line) => HINTS.some(([pattern]) => pattern.test(line))) ??
      said.at(-1) ??
      `exit code ${result.code}`);
  return new KapalError('source_failed', `git could not ${verb} ${remote.shown}: ${reason}`, {
    hint: keyHint(result.stderr, ssh) ?? hintFor(result.stderr),
    log: said,
  });
}

/** The last lines of a program's messages, which hold text of the remote: no control characters, no passwords. */
function saidLines(text: string): string[] {
  const lines = redactUrl(text)
    .split('\n')
    .map((line) => line.replace(/\p{Cc}/gu, ' ').trim());
  return lines.filter((line) => line !== '').slice(-12);
}

const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /could not read Username|Authentication failed|Permission denied|invalid credentials|returned error: 40[13]/i,
    "The repository is private, or not there. Put a token into the URL (https://TOKEN@HOST/PATH), or let Kapal make a deploy key (kapal hook add), or give the daemon's user an ssh key.",
  ],
  [
    /not found|does not exist|does not appear to be a git repository/i,
    'Check the URL. A private repository also looks as if it were not there.',
  ],
  [/Could not resolve host|Name or service not known/i, 'Check the host name, and the name servers of this machine.'],
  [
    /Host key verification failed/i,
    "The host's key differs from the one in the known_hosts file of the daemon's user.",
  ],
  [
    /certificate|SSL/i,
    'The certificate of the host is not trusted here. Add its authority to this machine (GIT_SSL_CAINFO names a file).',
  ],
  [/Connection refused|timed out|Failed to connect|unreachable/i, 'Check that this machine reaches the host.'],
];

/** Where a deploy key was used, and the hosts that it has met are known. */
function keyHint(stderr: string, ssh: RemoteCall['ssh']): string | undefined {
  if (ssh === undefined) return undefined;
  const known = `${ssh['KAPAL_SSH_FOLDER']}/known_hosts`;
  if (/Host key verification failed/i.test(stderr))
    return `The host's key differs from the one it had when it was met first, in ${known}. Where its owner says that the new one is right, remove the line of the host there.`;
  if (/Permission denied/i.test(stderr))
    return 'Add the deploy key to the repository, as one that may read: kapal hook list --json prints it.';
  return undefined;
}

function hintFor(stderr: string): string | undefined {
  return HINTS.find(([pattern]) => pattern.test(stderr))?.[1];
}
