import { KapalError } from '../model/errors.ts';

/** The URL of a remote, taken apart so that its password goes neither to a command line nor into the record. */
export interface GitUrl {
  /** Without password; for git, for the record and for people. Equal for equal remotes. */
  readonly shown: string;
  /** `user:password` of an http(s) URL, for an Authorization header. */
  readonly credentials: string | null;
  /** `https://host:port`, where the credentials belong; null for other schemes. */
  readonly origin: string | null;
}

const HOST = /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])$/i;
const USER = /^[A-Za-z0-9._][A-Za-z0-9._-]*$/;
/** `git@host:path`: git's short form of ssh (gitprotocol: "scp-like"). */
const SCP = /^([^/@:]+)@([^/@:]+|\[[^\]]+\]):(?!\/\/)(.+)$/;
const LONGEST = 2_000;

/** Reads the URL of a remote: https, http, ssh, git, and `git@host:path`. Throws KapalError `source_refused` for all else. */
export function parseGitUrl(text: string): GitUrl {
  if (text.length > LONGEST) throw refused('The URL is too long');
  // A newline or a NUL, plain or as %0a, would be a line of its own in a protocol, a second question to a credential helper.
  if (/[\p{Cc}\s]/u.test(text) || /%(?:0[0-9a-f]|1[0-9a-f]|7f)/i.test(text))
    throw refused('The URL holds a control character or a blank');
  if (text.startsWith('-')) throw refused('The URL begins with a dash');
  if (/^[a-z0-9+.-]*::/i.test(text)) throw refused('The URL names a transport that starts a program');
  const scp = SCP.exec(text);
  if (scp !== null) return parseShort(scp);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase() ?? null;
  if (scheme === 'https' || scheme === 'http') return parseWeb(text);
  if (scheme === 'ssh' || scheme === 'git') return parseShell(text);
  if (scheme === null || scheme === 'file') throw local();
  throw refused(`URLs of the scheme ${scheme}: are not fetched`);
}

/** Any text as it may be printed: what stands where a URL has its user and password is taken out. Never throws. */
export function redactUrl(text: string): string {
  return text.replace(/(\b[a-z][a-z0-9+.-]*:\/\/)([^/?#\s]*)@/gi, '$1***@');
}

function parseWeb(text: string): GitUrl {
  const url = parsed(text);
  // What WHATWG reads leniently, `https:///host`, no person writes on purpose.
  if (!HOST.test(url.hostname) || /^https?:\/{3}/i.test(text)) throw refused('The host of the URL is no host name');
  if (url.search !== '') throw refused('The URL has a query');
  const { origin, pathname } = url;
  const [user, password] = [url.username, url.password].map(decoded);
  const credentials = url.username === '' && url.password === '' ? null : `${user}:${password}`;
  return { shown: `${origin}${pathname}`, credentials, origin };
}

function parseShell(text: string): GitUrl {
  const url = parsed(text);
  const user = decoded(url.username);
  if (!HOST.test(url.hostname)) throw refused('The host of the URL is no host name');
  if (user !== '' && !USER.test(user)) throw refused('The user of the URL is no user name');
  if (url.password !== '') throw refused('ssh and git URLs take no password', 'Let the daemon use an ssh key.');
  if (url.search !== '' || !/^\/+[^-/]/.test(decoded(url.pathname))) throw refused('The path of the URL is no path');
  const at = user === '' ? '' : `${user}@`;
  return { shown: `${url.protocol}//${at}${url.host}${url.pathname}`, credentials: null, origin: null };
}

function parseShort([text, user = '', host = '', path = '']: RegExpExecArray): GitUrl {
  if (!USER.test(user) || !HOST.test(host)) throw refused('The URL names no user at a host');
  if (/^[-:]/.test(path)) throw refused('The path of the URL is no path');
  return { shown: text, credentials: null, origin: null };
}

function parsed(text: string): URL {
  if (!URL.canParse(text)) throw refused('The URL cannot be read');
  const url = new URL(text);
  if (url.hash !== '') throw refused('The URL has a fragment', 'Name the branch with --branch.');
  return url;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw refused('The URL is not encoded as URLs are');
  }
}

function refused(what: string, hint = 'Use https://HOST/PATH, ssh://USER@HOST/PATH or git@HOST:PATH.'): KapalError {
  return new KapalError('source_refused', what, { hint });
}

function local(): KapalError {
  return refused(
    'The daemon reads no path of its own machine that a client names',
    'Give the folder to the command line, which sends it: kapal deploy FOLDER [--branch BRANCH].',
  );
}
