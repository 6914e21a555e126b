import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { covers } from '../model/domains.ts';
import { KapalError } from '../model/errors.ts';
import type { IssuedCertificate } from './port.ts';

/** What a chain says of itself. Moments are milliseconds since the epoch. */
export interface ChainFacts {
  /** DNS names of the leaf, lower-case. */
  readonly names: readonly string[];
  readonly issuer: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Reads the leaf of a PEM chain. Throws KapalError `certificate_invalid`. */
export function factsOf(chain: string): ChainFacts {
  const [leaf] = certificatesOf(chain);
  if (leaf === undefined) throw invalid('there is no certificate in it');
  return {
    names: namesOf(leaf),
    issuer: nameOf(leaf.issuer),
    notBefore: leaf.validFromDate.getTime(),
    notAfter: leaf.validToDate.getTime(),
  };
}

/** Tells certificates apart: another chain or key has another digest. */
export function digestOf({ chain, key }: IssuedCertificate): string {
  return createHash('sha256').update(chain).update('\0').update(key).digest('hex').slice(0, 32);
}

/**
 * A certificate from the operator's files, put in order: the key as PKCS #8, the chain from the leaf up without what does not belong to it. Throws
 * KapalError `certificate_invalid` saying what is wrong: no or an encrypted key, a key of another certificate, a host that is not covered, expired.
 */
export function readOwnCertificate(input: {
  readonly chain: string;
  readonly key: string;
  readonly host: string;
  readonly now: number;
}): IssuedCertificate {
  const key = readKey(input.key);
  const certificates = certificatesOf(input.chain);
  if (certificates.length === 0)
    throw invalid('there is no certificate in the file', 'Expected PEM: -----BEGIN CERTIFICATE-----');
  const leaf = certificates.find((certificate) => certificate.checkPrivateKey(key));
  if (leaf === undefined) throw invalid('the key belongs to none of the certificates in the file');
  checkLeaf(leaf, input);
  const chain = inOrder(leaf, certificates);
  return {
    chain: chain
      .map((certificate) => certificate.toString().trim())
      .join('\n')
      .concat('\n'),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function checkLeaf(leaf: X509Certificate, { host, now }: { readonly host: string; readonly now: number }): void {
  const names = namesOf(leaf);
  if (leaf.ca && names.length === 0) throw invalid('the key belongs to an authority, not to a server');
  if (!names.some((name) => covers(name, host)))
    throw invalid(
      `the certificate is not for ${host}`,
      names.length === 0 ? 'It has no DNS names (subjectAltName).' : `It is for ${names.join(', ')}.`,
    );
  if (leaf.validToDate.getTime() <= now) throw invalid(`the certificate expired on ${day(leaf.validToDate)}`);
  if (leaf.validFromDate.getTime() > now) throw invalid(`the certificate is valid from ${day(leaf.validFromDate)} on`);
}

/** Each certificate followed by the one that issued it; a root that signed itself is left out, for clients have it or do not trust it (RFC 8446 4.4.2). */
function inOrder(leaf: X509Certificate, all: readonly X509Certificate[]): X509Certificate[] {
  const chain = [leaf];
  for (let last = leaf; ; ) {
    const issuer = all.find(
      (other) => !chain.includes(other) && last.checkIssued(other) && last.verify(other.publicKey),
    );
    if (issuer === undefined) break;
    chain.push(issuer);
    last = issuer;
  }
  const last = chain.at(-1);
  if (chain.length > 1 && last !== undefined && last.checkIssued(last)) chain.pop();
  return chain;
}

function certificatesOf(text: string): X509Certificate[] {
  return [...text.matchAll(BLOCK)].map(([pem]) => {
    try {
      return new X509Certificate(pem);
    } catch (error) {
      throw invalid('a certificate in it cannot be read', undefined, error);
    }
  });
}

function readKey(text: string): KeyObject {
  if (/ENCRYPTED/.test(text))
    throw invalid(
      'the key is encrypted',
      'Write it without a passphrase: openssl pkey -in KEY -out PLAIN; Kapal encrypts it itself.',
    );
  try {
    return createPrivateKey(text);
  } catch (error) {
    throw invalid('the key cannot be read', 'Expected PEM: -----BEGIN PRIVATE KEY-----', error);
  }
}

function namesOf(leaf: X509Certificate): string[] {
  const found = [...(leaf.subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^,"]+)/g)].map(([, name = '']) =>
    name.toLowerCase(),
  );
  return [...new Set(found)];
}

/** The organisation of an issuer's name, else its common name: `CN=R11\nO=Let's Encrypt` is `Let's Encrypt R11`. */
function nameOf(distinguished: string): string {
  const field = (key: string) => new RegExp(`(?:^|\\n)${key}=(.*)`).exec(distinguished)?.[1];
  const [organisation, common] = [field('O'), field('CN')];
  if (organisation === undefined || common === undefined || common.includes(organisation))
    return common ?? organisation ?? distinguished.replaceAll('\n', ', ');
  return `${organisation} ${common}`;
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function invalid(what: string, hint?: string, cause?: unknown): KapalError {
  return new KapalError('certificate_invalid', `The certificate cannot be used: ${what}`, { hint, cause });
}
