import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type * as library from '@peculiar/x509';
import { makeFolder, readIfThere, writeDurably } from '../../lib/files.ts';
import type { IssuedCertificate, LocalAuthority } from '../port.ts';

const day = 86_400_000;
/** Clients of Apple refuse leaves of more than 825 days, even of a root that the user trusts; 90 days is what public authorities give. */
const lifetime = { root: 10 * 365 * day, leaf: 90 * day } as const;
/** Clocks of clients may be behind. */
const slack = 3_600_000;
const signing = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** The root is published in `folder`, 0644. */
export function createLocalAuthority({ folder }: { readonly folder: string }): LocalAuthority {
  return {
    async makeRoot(now) {
      const { x509, keys, key } = await ground();
      const name = `CN=Kapal local authority of ${x509Text(hostname())}`;
      const certificate = await x509.X509CertificateGenerator.createSelfSigned({
        serialNumber: serial(),
        name,
        notBefore: new Date(now - slack),
        notAfter: new Date(now + lifetime.root),
        signingAlgorithm: signing,
        keys,
        extensions: [
          new x509.BasicConstraintsExtension(true, 0, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
          await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
          nameConstraints(x509),
        ],
      });
      return { chain: `${certificate.toString('pem')}\n`, key };
    },

    async publish(root) {
      const path = join(folder, 'root.pem');
      await makeFolder(folder, 0o755);
      if ((await readIfThere(path)) !== root) await writeDurably(path, root, 0o644);
      return path;
    },

    async issue(root, { name, now }) {
      const { x509, keys, key } = await ground();
      const issuer = new x509.X509Certificate(root.chain);
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serial(),
        subject: 'CN=Kapal local name',
        issuer: issuer.subject,
        notBefore: new Date(now - slack),
        notAfter: new Date(Math.min(now + lifetime.leaf, issuer.notAfter.getTime())),
        signingAlgorithm: signing,
        publicKey: keys.publicKey,
        signingKey: await signingKey(root),
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }]),
          await x509.AuthorityKeyIdentifierExtension.create(await issuer.publicKey.export()),
        ],
      });
      return { chain: `${certificate.toString('pem')}\n`, key };
    },
  };
}

/** The library, loaded at the first use, and a fresh key. */
async function ground(): Promise<{ x509: typeof library; keys: webcrypto.CryptoKeyPair; key: string }> {
  const x509 = await import('@peculiar/x509');
  const keys = await webcrypto.subtle.generateKey(signing, true, ['sign', 'verify']);
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return { x509, keys, key: key.export({ format: 'pem', type: 'pkcs8' }).toString() };
}

function signingKey({ key }: IssuedCertificate): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(key).export({ format: 'der', type: 'pkcs8' });
  return webcrypto.subtle.importKey('pkcs8', der, signing, false, ['sign']);
}

/** RFC 5280 4.1.2.2: positive, at most 20 octets. */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

/**
 * RFC 5280 4.2.1.10, permitted: `localhost` and what is below it. Whoever trusts this root trusts it for these names alone, and its key is worth
 * nothing against the sites they visit.
 */
function nameConstraints(x509: typeof library): InstanceType<(typeof library)['Extension']> {
  const name = Buffer.from('localhost', 'ascii');
  const tagged = (tag: number, content: Uint8Array) => Buffer.concat([Buffer.from([tag, content.length]), content]);
  const subtree = tagged(0x30, tagged(0x82, name));
  return new x509.Extension('2.5.29.30', true, tagged(0x30, tagged(0xa0, subtree)));
}

/** What of a host's name may stand in a distinguished name without quoting (RFC 4514 2.4). */
function x509Text(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9.-]/g, '').slice(0, 32);
}
