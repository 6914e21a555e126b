import { resolve } from 'node:path';
import { failure } from '../../api/contract/exit.ts';
import type { Invocation, Option } from '../command.ts';
import type { Flags } from '../flags.ts';
import type { AcmeOptions, CliHost, DaemonOptions } from '../host.ts';
import { addressText, parseAddress } from './address-text.ts';
import { keepFreeText, parseKeepFree } from './keep-free.ts';

/** Options of the daemon, of `up` and `service install` alike. */
export const daemonOptions: readonly Option[] = [
  { flags: '--http <address>', description: 'where visitors come in; :80 as root, else :8080' },
  {
    flags: '--https <address>',
    description: 'the same over TLS; :443 as root, else :8443, where that is free; none for not at all',
  },
  {
    flags: '--acme-email <address>',
    description:
      "get certificates for public domains by ACME; says yes to the authority's terms, and where it may write to",
  },
  { flags: '--acme-directory <url>', description: "directory of the authority; Let's Encrypt's unless told" },
  {
    flags: '--acme-ca <file>',
    description: 'PEM roots by which the directory itself is verified: private authorities',
  },
  {
    flags: '--acme-hook <program>',
    description: 'writes records for wildcards into DNS; called as PROGRAM present|cleanup NAME VALUE',
  },
  { flags: '--api <address>', description: 'where the API answers over TCP; 127.0.0.1:7700 unless told' },
  { flags: '--edge <engine>', description: 'auto, nginx or embedded; auto takes nginx where it can serve' },
  { flags: '--runtime <engine>', description: 'auto or process' },
  {
    flags: '--keep-free <size>',
    description:
      'of the data folder’s disk, below which no build is begun: 2GiB, 5%, or 0 for no limit; 5%, at most 1GiB, unless told',
  },
  { flags: '--domain <base>', description: 'services without domains answer below it; localhost unless told' },
];

/** Host names (RFC 1123) that services can be put below. */
const BASE = /^(?=.{1,200}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** What a command line asks of the daemon. Throws `usage` and `not_supported`. */
export function readDaemonOptions({ flags, data, host }: Invocation): Omit<DaemonOptions, 'onReady'> {
  const http = parseAddress(flags.text('http') ?? (host.root ? ':80' : ':8080'), { flag: '--http', alone: null });
  return {
    data,
    http,
    https: httpsOf(flags.text('https'), { host, http }),
    acme: acmeOf(flags, host),
    api: parseAddress(flags.text('api') ?? '7700', { flag: '--api', alone: '127.0.0.1' }),
    edge: engine(flags.text('edge'), { flag: '--edge', known: ['auto', 'embedded', 'nginx'], later: [] }),
    runtime: engine(flags.text('runtime'), { flag: '--runtime', known: ['auto', 'process'], later: ['swarm'] }),
    domain: base(flags.text('domain') ?? 'localhost'),
    keepFree: parseKeepFree(flags.text('keepFree')),
  };
}

/** The command line that means these options. */
export function daemonArguments(options: Omit<DaemonOptions, 'onReady'>): readonly string[] {
  const { data, http, https, acme, api, edge, runtime, domain, keepFree } = options;
  const pairs = {
    data,
    http: addressText(http),
    https: https === null ? 'none' : https.asked ? addressText(https.address) : null,
    'acme-email': acme.email,
    'acme-directory': acme.directory,
    'acme-ca': acme.ca,
    'acme-hook': acme.hook,
    api: addressText(api),
    edge,
    runtime,
    domain,
    'keep-free': keepFreeText(keepFree),
  };
  return Object.entries(pairs).flatMap(([flag, value]) => (value === null ? [] : [`--${flag}`, value]));
}

/** By default where plain HTTP is: who asks for loopback alone does not open a port to the world. */
function httpsOf(
  text: string | undefined,
  { host, http }: { readonly host: CliHost; readonly http: DaemonOptions['http'] },
): DaemonOptions['https'] {
  if (text === 'none') return null;
  if (text === undefined) return { address: { host: http.host, port: host.root ? 443 : 8443 }, asked: false };
  return { address: parseAddress(text, { flag: '--https', alone: null }), asked: true };
}

/** An address that an authority can write to (RFC 8555 7.3: `mailto` with one address and no header fields). */
const EMAIL = /^[A-Za-z0-9.!#$%&'*+/=^_`{|}~-]{1,64}@(?=.{1,253}$)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+$/;

function acmeOf(flags: Flags, host: CliHost): AcmeOptions {
  const [email, directory] = [flags.text('acmeEmail') ?? null, flags.text('acmeDirectory') ?? null];
  const [ca, hook] = [flags.text('acmeCa'), flags.text('acmeHook')];
  if (email !== null && !EMAIL.test(email))
    throw failure('usage', `--acme-email ${email}: expected an address, such as you@example.com`);
  if (directory !== null && !/^https:\/\/[^\s/]/.test(directory))
    throw failure('usage', `--acme-directory ${directory}: expected the https URL of a directory`);
  const lonely = Object.entries({ '--acme-directory': directory, '--acme-ca': ca, '--acme-hook': hook }).find(
    ([, value]) => value !== null && value !== undefined,
  );
  if (email === null && lonely !== undefined)
    throw failure('usage', `${lonely[0]} without --acme-email: no authority is asked before its terms are agreed to`, {
      hint: 'Add --acme-email YOU@EXAMPLE.COM.',
    });
  const absolute = (path: string | undefined) => (path === undefined ? null : resolve(host.cwd, path));
  return { email, directory, ca: absolute(ca), hook: absolute(hook) };
}

function engine<Known extends string>(
  text: string | undefined,
  { flag, known, later }: { flag: string; known: readonly [Known, ...Known[]]; later: readonly string[] },
): Known {
  if (text === undefined) return known[0];
  const found = known.find((word) => word === text);
  if (found !== undefined) return found;
  if (later.includes(text))
    throw failure('not_supported', `${flag} ${text} comes with a later version`, {
      hint: `This version has: ${known.join(', ')}.`,
    });
  throw failure('usage', `${flag} ${text}: expected ${known.join(' or ')}`);
}

function base(text: string): string {
  const domain = text.toLowerCase();
  if (BASE.test(domain)) return domain;
  throw failure('usage', `--domain ${text}: expected a host name, such as apps.example.com`);
}
