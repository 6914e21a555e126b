import { createHash, randomBytes, webcrypto } from 'node:crypto';
import {
  cryptoProvider,
  type Extension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { EdgeCertificate } from '../../src/edge/certificate.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** A certificate for these names that is signed by itself, and valid since so many hours. */
export async function makeCertificate(
  names: readonly string[],
  more: Pick<EdgeCertificate, 'purpose'> = {},
  hours = 0,
): Promise<EdgeCertificate> {
  cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const extensions: Extension[] = [new SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value })))];
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: randomBytes(8).toString('hex'),
    name: `CN=${names[0] ?? ''}`,
    notBefore: new Date(Date.now() - 60_000 - hours * 3_600_000),
    notAfter: new Date(Date.now() + 86_400_000),
    signingAlgorithm: algorithm,
    keys,
    extensions,
  });
  const chain = certificate.toString('pem');
  const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  const id = createHash('sha256').update(chain).update(key).digest('hex').slice(0, 32);
  return { id, names, chain, key, ...more };
}
