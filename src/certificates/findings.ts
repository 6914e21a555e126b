import { isIP } from 'node:net';
import type { CaaFacts, DnsFacts, Fetched, Presented } from './network-port.ts';

export type FindingSubject = 'dns' | 'address' | 'http' | 'challenge' | 'caa' | 'https' | 'clock';

export interface Finding {
  readonly subject: FindingSubject;
  readonly result: 'ok' | 'warning' | 'problem' | 'unknown';
  readonly code: string;
  readonly facts: Readonly<Record<string, string>>;
  readonly message: string;
  readonly advice: string | null;
}

/** What was seen of one address of the name. */
export interface Reached {
  readonly address: string;
  readonly http: Fetched;
  readonly https: Presented;
}

export interface Observations {
  readonly host: string;
  readonly dns: DnsFacts;
  readonly ownAddresses: readonly string[];
  readonly reached: readonly Reached[];
  /** What the edge answers to the probe. */
  readonly answer: string;
  readonly caa: CaaFacts;
  /** How the authority calls itself in CAA; empty where none is asked, or it does not say. */
  readonly identities: readonly string[];
  /** Milliseconds that this machine's clock is ahead; null where it could not be asked. */
  readonly skew: number | null;
  /** HTTPS is served, and a certificate should be presented. */
  readonly expectsCertificate: boolean;
}

/** Milliseconds: authorities and clients bear less than this of a wrong clock badly. */
const mostSkew = 60_000;

/** Pure: from what was seen to what it means and what to do. */
export function findingsOf(seen: Observations): Finding[] {
  return [
    dnsFinding(seen),
    ...seen.dns.addresses.map((address) => addressFinding(address, seen.ownAddresses)),
    ...seen.reached.flatMap((reached) => reachedFindings(reached, seen)),
    caaFinding(seen),
    ...(seen.skew === null ? [] : [clockFinding(seen.skew)]),
  ];
}

function dnsFinding({ host, dns, ownAddresses }: Observations): Finding {
  const resolvers = dns.resolvers.join(', ');
  const target = ownAddresses.filter((address) => !isPrivate(address))[0] ?? 'THE PUBLIC ADDRESS OF THIS SERVER';
  const facts = {
    host,
    resolvers,
    target,
    addresses: dns.addresses.join(', '),
    aliases: dns.aliases.join(' -> '),
    error: dns.error ?? '',
  };
  if (dns.addresses.length > 0) {
    const via = dns.aliases.length === 0 ? '' : ` by way of ${facts.aliases}`;
    return finding('dns', 'ok', {
      code: 'dns-found',
      facts,
      message: `${host} is ${facts.addresses}${via} (asked ${resolvers})`,
    });
  }
  if (dns.error === 'ENOTFOUND' || dns.error === 'ENODATA') {
    return finding('dns', 'problem', {
      code: 'dns-missing',
      facts,
      message: `${host} has neither an A nor an AAAA record (asked ${resolvers})`,
      advice: `Add an A record at the name's DNS provider: ${host} -> ${target}. It may take until the old answer's TTL is over.`,
    });
  }
  return finding('dns', 'unknown', {
    code: 'dns-unanswered',
    facts,
    message: `the resolver ${resolvers} did not answer for ${host} (${dns.error ?? 'no reason'})`,
    advice: 'Look whether this machine can resolve names at all, then again.',
  });
}

function addressFinding(address: string, own: readonly string[]): Finding {
  const facts = { address, own: own.join(', ') };
  if (own.includes(address))
    return finding('address', 'ok', {
      code: 'address-here',
      facts,
      message: `${address} is an address of this machine`,
    });
  if (own.some((one) => !isPrivate(one) && isIP(one) === isIP(address)) && !isPrivate(address)) {
    return finding('address', 'warning', {
      code: 'address-elsewhere',
      facts,
      message: `${address} is none of this machine's addresses (${facts.own})`,
      advice: 'Right where something in front passes requests on to this machine; else let the record point here.',
    });
  }
  return finding('address', 'unknown', {
    code: 'address-unknown',
    facts,
    message: `${address} is none of this machine's addresses (${facts.own || 'none'}); behind a router or a cloud's NAT that is as it should be, and cannot be told from here`,
    advice: 'Look whether the router or cloud passes ports 80 and 443 of that address to this machine.',
  });
}

function reachedFindings({ address, http, https }: Reached, seen: Observations): Finding[] {
  return [httpFinding(address, http, seen.answer), ...(seen.expectsCertificate ? [httpsFinding(address, https)] : [])];
}

function httpFinding(address: string, http: Fetched, answer: string): Finding {
  if (http.kind === 'failed') {
    return finding('http', 'problem', {
      code: 'http-closed',
      facts: { address, error: http.error },
      message: `port 80 of ${address} cannot be reached from here (${http.error})`,
      advice:
        'Open port 80 in the firewall and let it lead to Kapal; an authority proves the name there, from outside. Some routers do not let a machine reach its own public address.',
    });
  }
  const facts = { address, status: String(http.status) };
  if (http.status === 200 && http.body === answer)
    return finding('challenge', 'ok', {
      code: 'challenge-ok',
      facts,
      message: `port 80 of ${address} is this Kapal: it gave the answer to a trial challenge`,
    });
  return finding('challenge', 'problem', {
    code: 'challenge-other',
    facts,
    message: `port 80 of ${address} answers ${http.status} to a trial challenge, which is not what this Kapal answers`,
    advice:
      'Another web server answers there, or a proxy in front does not pass /.well-known/acme-challenge/ on. Let that path come here.',
  });
}

function httpsFinding(address: string, https: Presented): Finding {
  if (https.kind === 'failed') {
    return finding('https', 'problem', {
      code: 'https-closed',
      facts: { address, error: https.error },
      message: `no TLS at port 443 of ${address} (${https.error})`,
      advice: 'Open port 443 and let it lead to Kapal (--https).',
    });
  }
  const end = new Date(https.notAfter).toISOString().slice(0, 10);
  const facts = { address, names: https.names.join(', '), issuer: https.issuer, end, refusal: https.refusal ?? '' };
  if (https.refusal === null)
    return finding('https', 'ok', {
      code: 'https-trusted',
      facts,
      message: `port 443 of ${address} presents a certificate of ${https.issuer} until ${end}`,
    });
  return finding('https', 'warning', {
    code: 'https-untrusted',
    facts,
    message: `port 443 of ${address} presents a certificate of ${https.issuer} for ${facts.names}, which clients refuse (${https.refusal})`,
    advice: 'Once a certificate is issued this goes; if it stays, another server answers there.',
  });
}

function caaFinding({ host, caa, identities }: Observations): Finding {
  if (caa.error !== null) {
    return finding('caa', 'warning', {
      code: 'caa-unanswered',
      facts: { host, error: caa.error },
      message: `the CAA records of ${host} could not be looked up (${caa.error})`,
      advice: 'An authority refuses a name whose CAA lookup fails: look at its name servers.',
    });
  }
  const wildcard = host.startsWith('*.') && caa.issueWildcard.length > 0;
  const allowed = wildcard ? caa.issueWildcard : caa.issue;
  const facts = { host, at: caa.at ?? '', allowed: allowed.join(', ') || '-', authority: identities.join(', ') };
  if (caa.at === null || (caa.issue.length === 0 && !wildcard))
    return finding('caa', 'ok', {
      code: 'caa-none',
      facts,
      message: `no CAA record forbids any authority for ${host}`,
    });
  if (identities.length === 0)
    return finding('caa', 'unknown', {
      code: 'caa-some',
      facts,
      message: `CAA at ${facts.at} allows ${facts.allowed}; no authority is asked by this Kapal`,
    });
  if (identities.some((identity) => allowed.includes(identity)))
    return finding('caa', 'ok', { code: 'caa-allows', facts, message: `CAA at ${facts.at} allows ${facts.authority}` });
  return finding('caa', 'problem', {
    code: 'caa-forbids',
    facts,
    message: `CAA at ${facts.at} allows ${facts.allowed}, not ${facts.authority}`,
    advice: `Add to ${facts.at}: CAA 0 ${wildcard ? 'issuewild' : 'issue'} "${identities[0]}"`,
  });
}

function clockFinding(skew: number): Finding {
  const seconds = String(Math.round(Math.abs(skew) / 1000));
  const facts = { seconds, direction: skew > 0 ? 'ahead' : 'behind' };
  if (Math.abs(skew) <= mostSkew)
    return finding('clock', 'ok', {
      code: 'clock-right',
      facts,
      message: `this machine's clock is right to ${seconds} s`,
    });
  return finding('clock', 'problem', {
    code: 'clock-wrong',
    facts,
    message: `this machine's clock is ${seconds} s ${facts.direction}`,
    advice:
      'Certificates are good from a moment to a moment: set the clock, for example with systemd-timesyncd or chrony.',
  });
}

function finding(
  subject: FindingSubject,
  result: Finding['result'],
  said: { code: string; facts: Finding['facts']; message: string; advice?: string },
): Finding {
  return { subject, result, code: said.code, facts: said.facts, message: said.message, advice: said.advice ?? null };
}

/** Networks that are not of the Internet (RFC 1918, 6598, 3927, 4193, 4291). */
function isPrivate(address: string): boolean {
  if (isIP(address) === 6) return /^(?:f[cd]|fe[89ab]|::1$)/i.test(address);
  return /^(?:10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(
    address,
  );
}
