import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isHost } from '../../model/names.ts';
import type { EdgeCertificate } from '../certificate.ts';

/** What is wrong with certificates, one sentence each; keys are not told. */
export function checkCertificates(certificates: readonly EdgeCertificate[]): string[] {
  const seen = new Map<string, string>();
  return certificates.flatMap((certificate) => [...checkOne(certificate), ...claims(certificate, seen)]);
}

function checkOne(certificate: EdgeCertificate): string[] {
  const name = nameOf(certificate);
  const problems: string[] = [];
  if (!/^[0-9a-f]{32}$/.test(certificate.id)) problems.push(`${name}: the id is no 32 digits of hex`);
  if (certificate.names.length === 0) problems.push(`${name}: it has no name`);
  for (const host of certificate.names) if (!isHost(host)) problems.push(`${name}: ${host} is no lower-case host name`);
  const chain = chainOf(certificate.chain);
  const key = keyOf(certificate.key);
  if (chain === null) problems.push(`${name}: the chain is not PEM of certificates`);
  if (key === null) problems.push(`${name}: the key is not PEM of a private key`);
  if (chain !== null && key !== null && chain[0]?.checkPrivateKey(key) === false)
    problems.push(`${name}: the key does not belong to the certificate`);
  return problems;
}

/** Two certificates for one name of one purpose: nobody could say which is presented. */
function claims(certificate: EdgeCertificate, seen: Map<string, string>): string[] {
  return certificate.names.flatMap((host) => {
    const claim = `${certificate.purpose ?? ''} ${host}`;
    const other = seen.get(claim);
    seen.set(claim, certificate.id);
    return other === undefined || other === certificate.id
      ? []
      : [`${nameOf(certificate)}: ${host} has another one too`];
  });
}

function nameOf({ id, names }: EdgeCertificate): string {
  return `certificate ${id} (${names.join(', ')})`;
}

function chainOf(pem: string): X509Certificate[] | null {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (blocks === null) return null;
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return null;
  }
}

function keyOf(pem: string): KeyObject | null {
  try {
    return createPrivateKey(pem);
  } catch {
    return null;
  }
}
