import { failure } from '../../api/contract/exit.ts';
import type { Invocation, Option } from '../command.ts';
import type { DaemonOptions } from '../host.ts';
import { addressText, parseAddress } from './address-text.ts';

/** Options of the daemon, of `up` and `service install` alike. */
export const daemonOptions: readonly Option[] = [
  { flags: '--http <address>', description: 'where visitors come in; :80 as root, else :8080' },
  { flags: '--https <address>', description: 'for a later version; left alone by this one' },
  { flags: '--api <address>', description: 'where the API answers over TCP; 127.0.0.1:7700 unless told' },
  { flags: '--edge <engine>', description: 'auto or embedded' },
  { flags: '--runtime <engine>', description: 'auto or process' },
  { flags: '--domain <base>', description: 'services without domains answer below it; localhost unless told' },
];

/** Host names (RFC 1123) that services can be put below. */
const BASE = /^(?=.{1,200}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** What a command line asks of the daemon. Says so where a part is left alone; throws `usage` and `not_supported`. */
export function readDaemonOptions({ flags, data, host, out, say }: Invocation): Omit<DaemonOptions, 'onReady'> {
  const https = flags.text('https');
  const options = {
    data,
    http: parseAddress(flags.text('http') ?? (host.root ? ':80' : ':8080'), { flag: '--http', alone: null }),
    api: parseAddress(flags.text('api') ?? '7700', { flag: '--api', alone: '127.0.0.1' }),
    edge: engine(flags.text('edge'), { flag: '--edge', known: ['auto', 'embedded'], later: ['nginx'] }),
    runtime: engine(flags.text('runtime'), { flag: '--runtime', known: ['auto', 'process'], later: ['swarm'] }),
    domain: base(flags.text('domain') ?? 'localhost'),
  } as const;
  if (https !== undefined)
    out.err.line(say.noHttps(addressText(parseAddress(https, { flag: '--https', alone: null }))));
  return options;
}

/** The command line that means these options. */
export function daemonArguments(options: Omit<DaemonOptions, 'onReady'>): readonly string[] {
  const { data, http, api, edge, runtime, domain } = options;
  const pairs = { data, http: addressText(http), api: addressText(api), edge, runtime, domain };
  return Object.entries(pairs).flatMap(([flag, value]) => [`--${flag}`, value]);
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
