import { Resolver } from 'node:dns/promises';
import { request } from 'node:http';
import { networkInterfaces } from 'node:os';
import { connect, type PeerCertificate } from 'node:tls';
import { errorCode } from '../../lib/files.ts';
import { covers } from '../../model/domains.ts';
import type { CaaFacts, DnsFacts, Fetched, NetworkView, Presented } from '../network-port.ts';

/** Milliseconds. */
const patience = { dns: 3_000, connect: 5_000 } as const;
const mostBytes = 64 * 1024;
/** Names on the way to an address; more is a loop. */
const mostAliases = 8;

/** `servers` (`host:port`) are asked in place of the machine's resolvers; `directory` is asked for the time. */
export function createNetworkView(options: { readonly servers?: readonly string[] } = {}): NetworkView {
  const resolver = new Resolver({ timeout: patience.dns, tries: 2 });
  if (options.servers !== undefined && options.servers.length > 0) resolver.setServers([...options.servers]);
  return {
    records: (host) => recordsOf(resolver, host),
    caa: (host) => caaOf(resolver, host),
    ownAddresses: () =>
      Object.values(networkInterfaces()).flatMap((addresses) =>
        (addresses ?? []).filter(({ internal }) => !internal).map(({ address }) => address),
      ),
    get: fetchOnce,
    handshake: shakeHands,
    clockSkew,
  };
}

async function recordsOf(resolver: Resolver, host: string): Promise<DnsFacts> {
  const name = host.startsWith('*.') ? `kapal-check${host.slice(1)}` : host;
  const settled = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const addresses = settled.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  const failed = settled.find((one) => one.status === 'rejected');
  return {
    addresses,
    aliases: await aliasesOf(resolver, name),
    error: addresses.length > 0 || failed === undefined ? null : codeOf(failed.reason),
    resolvers: resolver.getServers(),
  };
}

async function aliasesOf(resolver: Resolver, host: string): Promise<string[]> {
  const aliases: string[] = [];
  for (let name = host; aliases.length < mostAliases; ) {
    const [next] = await resolver.resolveCname(name).catch((): string[] => []);
    if (next === undefined || aliases.includes(next)) break;
    aliases.push(next.toLowerCase());
    name = next;
  }
  return aliases;
}

/** From the name upwards; the first that has any decides (RFC 8659 3). */
async function caaOf(resolver: Resolver, host: string): Promise<CaaFacts> {
  const labels = host.replace(/^\*\./, '').split('.');
  for (let from = 0; from < labels.length; from += 1) {
    const name = labels.slice(from).join('.');
    try {
      const records = await resolver.resolveCaa(name);
      if (records.length === 0) continue;
      const value = (tag: 'issue' | 'issuewild') =>
        records.flatMap((record) => {
          const text = record[tag];
          return typeof text === 'string' ? [text.split(';')[0]?.trim() ?? ''] : [];
        });
      return { at: name, issue: value('issue'), issueWildcard: value('issuewild'), error: null };
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'ENODATA' && code !== 'ENOTFOUND') return { at: null, issue: [], issueWildcard: [], error: code };
    }
  }
  return { at: null, issue: [], issueWildcard: [], error: null };
}

function fetchOnce(input: Parameters<NetworkView['get']>[0]): Promise<Fetched> {
  const { address, port, host, path } = input;
  return new Promise((resolve) => {
    const failed = (error: unknown) => resolve({ kind: 'failed', error: codeOf(error) });
    const outgoing = request(
      { host: address, port, path, headers: { host, 'user-agent': 'kapal-domain-check' }, agent: false },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          body += part;
          if (body.length > mostBytes) response.destroy();
        });
        response.on('error', failed);
        response.on('close', () =>
          resolve({
            kind: 'answer',
            status: response.statusCode ?? 0,
            body,
            date: momentOf(response.headers.date),
          }),
        );
      },
    );
    const timer = setTimeout(() => outgoing.destroy(new Error('ETIMEDOUT')), patience.connect);
    outgoing.on('close', () => clearTimeout(timer));
    outgoing.on('error', failed);
    outgoing.end();
  });
}

function shakeHands(input: Parameters<NetworkView['handshake']>[0]): Promise<Presented> {
  const { address, port, host } = input;
  const servername = host.startsWith('*.') ? `kapal-check${host.slice(1)}` : host;
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, servername, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    const timer = setTimeout(() => socket.destroy(new Error('ETIMEDOUT')), patience.connect);
    socket.on('secureConnect', () => {
      // Typed as always there; it is an empty object where the server sent none.
      const certificate: Partial<PeerCertificate> = socket.getPeerCertificate();
      resolve(presentedOf(certificate, socket.authorizationError, servername));
      socket.destroy();
    });
    socket.on('close', () => clearTimeout(timer));
    socket.on('error', (error) => resolve({ kind: 'failed', error: codeOf(error) }));
  });
}

function presentedOf(
  certificate: Partial<PeerCertificate>,
  refusal: Error | string | null | undefined,
  host: string,
): Presented {
  const names = (certificate.subjectaltname ?? '')
    .split(', ')
    .flatMap((one) => (one.startsWith('DNS:') ? [one.slice(4)] : []));
  const { issuer, valid_to: end } = certificate;
  const reason =
    refusal === null || refusal === undefined ? null : typeof refusal === 'string' ? refusal : refusal.message;
  return {
    kind: 'certificate',
    names,
    issuer: [issuer?.O, issuer?.CN].filter((part) => part !== undefined).join(' '),
    notAfter: end === undefined ? 0 : Date.parse(end),
    refusal: reason ?? (names.some((name) => covers(name, host)) ? null : 'ERR_TLS_CERT_ALTNAME_INVALID'),
  };
}

/** By the Date field of whoever answers there; half of the way is taken off. Certificates of strangers do: only the time is asked. */
async function clockSkew(url: string): Promise<number | null> {
  const { request: ask } = url.startsWith('https:') ? await import('node:https') : await import('node:http');
  return await new Promise((resolve) => {
    const begun = Date.now();
    const outgoing = ask(url, { method: 'HEAD', agent: false, rejectUnauthorized: false }, (response) => {
      response.resume();
      const there = momentOf(response.headers.date);
      resolve(there === null ? null : Math.round((begun + Date.now()) / 2 - there));
    });
    const timer = setTimeout(() => outgoing.destroy(), patience.connect);
    outgoing.on('close', () => clearTimeout(timer));
    outgoing.on('error', () => resolve(null));
    outgoing.end();
  });
}

function momentOf(header: string | undefined): number | null {
  const moment = Date.parse(header ?? '');
  return Number.isNaN(moment) ? null : moment;
}

function codeOf(error: unknown): string {
  return errorCode(error) ?? (error instanceof Error ? error.message : String(error));
}
