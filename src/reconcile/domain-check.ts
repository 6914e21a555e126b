import type { CertificateDocument, DomainCheckDocument, DomainFinding } from '../api/contract/types.ts';
import { findingsOf, type Reached } from '../certificates/findings.ts';
import { isLocalName } from '../model/domains.ts';
import type { Dependencies } from './dependencies.ts';

/** Addresses that are looked at. */
const most = 4;

/** Looks at a name as an authority would, as far as that can be done from here. `probe` is answered by the edge meanwhile. */
export async function checkDomain(
  { certificates }: Pick<Dependencies, 'certificates'>,
  input: {
    readonly host: string;
    readonly probe: { readonly token: string; readonly answer: string };
    readonly certificate: CertificateDocument;
  },
): Promise<DomainCheckDocument> {
  const { host, probe, certificate } = input;
  const standing = standingOf(host, certificate);
  if (isLocalName(host)) return document(host, [localName(host), standing]);
  const { network, acme } = certificates;
  const name = host.replace(/^\*\./, 'kapal-check.');
  const path = `/.well-known/acme-challenge/${probe.token}`;
  const [dns, caa, skew, identities] = await Promise.all([
    network.records(host),
    network.caa(host),
    acme === null ? null : network.clockSkew(acme.directory),
    acme === null ? [] : acme.caaIdentities().catch((): readonly string[] => []),
  ]);
  const reached: Reached[] = await Promise.all(
    dns.addresses.slice(0, most).map(async (address) => {
      const [http, https] = await Promise.all([
        network.get({ address, port: 80, host: name, path }),
        network.handshake({ address, port: 443, host }),
      ]);
      return { address, http, https };
    }),
  );
  const findings = findingsOf({
    host,
    dns,
    caa,
    skew,
    identities,
    reached,
    ownAddresses: network.ownAddresses(),
    answer: probe.answer,
    expectsCertificate: certificate.source !== null,
  });
  return document(host, [...findings, standing]);
}

function document(host: string, findings: readonly DomainFinding[]): DomainCheckDocument {
  return { host, sound: findings.every(({ result }) => result !== 'problem'), findings };
}

function localName(host: string): DomainFinding {
  return {
    subject: 'dns',
    result: 'ok',
    code: 'local-name',
    facts: { host },
    message: `${host} means the visitor's own machine (RFC 6761): there is nothing to look up`,
    advice: null,
  };
}

/** The certificate itself, as `domain list` has it. */
function standingOf(host: string, certificate: CertificateDocument): DomainFinding {
  const { state, issuer, notAfter, problem, hint, root } = certificate;
  const facts = {
    host,
    state,
    issuer: issuer ?? '',
    end: notAfter?.slice(0, 10) ?? '',
    problem: problem ?? '',
    root: root ?? '',
  };
  const base = { subject: 'certificate', code: `certificate-${state}`, facts } as const;
  if (state === 'valid') {
    const more = problem === null ? '' : `; ${problem}`;
    const advice = root === null ? hint : `Clients accept it once they trust ${root}.`;
    return {
      ...base,
      result: problem === null ? 'ok' : 'warning',
      message: `held: of ${issuer}, until ${facts.end}${more}`,
      advice,
    };
  }
  if (state === 'asking' || state === 'waiting')
    return {
      ...base,
      result: 'unknown',
      message: 'an authority is being asked for a certificate',
      advice: 'See: kapal domain list',
    };
  return { ...base, result: 'problem', message: `no certificate: ${problem ?? state}`, advice: hint };
}
