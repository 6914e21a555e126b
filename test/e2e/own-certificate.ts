import { createPrivateKey, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const signing = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const day = 86_400_000;

/** A chain of leaf and intermediate of an authority of the test's own, as a company's might issue it. `days` may be negative: expired so long ago. */
export async function makeCertificate(input: {
  readonly names: readonly string[];
  readonly days: number;
}): Promise<{ readonly chain: string; readonly key: string; readonly root: string }> {
  const pair = () => webcrypto.subtle.generateKey(signing, true, ['sign', 'verify']);
  const [rootKeys, middleKeys, leafKeys] = [await pair(), await pair(), await pair()];
  const span = { notBefore: new Date(Date.now() - 90 * day), signingAlgorithm: signing };
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...span,
    serialNumber: '01',
    name: 'CN=Test Root',
    notAfter: new Date(Date.now() + 900 * day),
    keys: rootKeys,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  const middle = await x509.X509CertificateGenerator.create({
    ...span,
    serialNumber: '02',
    subject: 'CN=Test Intermediate, O=Test Authority',
    issuer: root.subject,
    notAfter: new Date(Date.now() + 900 * day),
    publicKey: middleKeys.publicKey,
    signingKey: rootKeys.privateKey,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  const leaf = await x509.X509CertificateGenerator.create({
    ...span,
    serialNumber: '03',
    subject: `CN=${input.names[0]}`,
    issuer: middle.subject,
    notAfter: new Date(Date.now() + input.days * day),
    publicKey: leafKeys.publicKey,
    signingKey: middleKeys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.SubjectAlternativeNameExtension(input.names.map((value) => ({ type: 'dns', value }))),
    ],
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', leafKeys.privateKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' });
  return {
    chain: `${leaf.toString('pem')}\n${middle.toString('pem')}\n`,
    key: key.toString(),
    root: `${root.toString('pem')}\n`,
  };
}
