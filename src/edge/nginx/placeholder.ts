import { webcrypto } from 'node:crypto';
import { join } from 'node:path';
import { exists, writeDurably } from '../../lib/files.ts';
import type { EdgeFolder } from './folder.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** The certificate that nginx wants in order to start and that no client ever sees; made once. It is signed by itself, for a name that cannot exist. */
export async function makePlaceholder(folder: EdgeFolder): Promise<void> {
  const pem = join(folder.certificates, 'placeholder.pem');
  const key = join(folder.certificates, 'placeholder.key');
  if ((await exists(pem)) && (await exists(key))) return;
  // Needed once in the life of an edge, and large.
  const { cryptoProvider, PemConverter, X509CertificateGenerator } = await import('@peculiar/x509');
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  cryptoProvider.set(webcrypto);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=placeholder.invalid',
    notBefore: new Date('2020-01-01T00:00:00Z'),
    notAfter: new Date('2120-01-01T00:00:00Z'),
    signingAlgorithm: algorithm,
    keys,
  });
  const privateKey = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  await writeDurably(key, PemConverter.encode(privateKey, 'PRIVATE KEY'));
  await writeDurably(pem, certificate.toString('pem'));
}
