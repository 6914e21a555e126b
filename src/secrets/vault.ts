import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { KapalError } from '../model/errors.ts';
import { loadOrCreateKey } from './key-file.ts';
import { Secret } from './secret.ts';

/** What a sealed text belongs to: it opens only under the same two words, so a row cannot be given another row's value. */
export interface SealContext {
  readonly owner: string;
  readonly key: string;
}

/** Encrypts at rest. Sealed texts are `v1:<id of the key>:<nonce, ciphertext and tag in base64url>`. */
export interface Vault {
  /** Tells keys apart without revealing them: 8 hexadecimal digits. */
  readonly keyId: string;
  seal(text: string | Secret, context: SealContext): string;
  /** Throws KapalError `state_damaged` where the key is another one or the text was changed. */
  open(sealed: string, context: SealContext): Secret;
}

const version = 'v1';
/** 96 bits, NIST SP 800-38D, 8.2.2: with random nonces at most 2^32 seals under one key. */
const nonceBytes = 12;
const tagBytes = 16;

/** Opens the vault whose key lies in `folder` (made, 0700, where missing). Throws KapalError `state_damaged` where the key cannot be trusted. */
export async function openVault(folder: string): Promise<Vault> {
  return createVault(await loadOrCreateKey(folder));
}

/** AES-256-GCM under a key of 32 bytes. */
export function createVault(key: Uint8Array): Vault {
  const keyId = createHash('sha256').update('kapal vault key\0').update(key).digest('hex').slice(0, 8);
  return {
    keyId,
    seal(text, context) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
      cipher.setAAD(additional(keyId, context));
      const plain = typeof text === 'string' ? text : text.reveal();
      const body = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `${version}:${keyId}:${body.toString('base64url')}`;
    },
    open(sealed, context) {
      const body = bodyOf(sealed, keyId, context);
      const decipher = createDecipheriv('aes-256-gcm', key, body.subarray(0, nonceBytes), { authTagLength: tagBytes });
      decipher.setAAD(additional(keyId, context));
      decipher.setAuthTag(body.subarray(-tagBytes));
      return new Secret(finish(decipher, body.subarray(nonceBytes, -tagBytes), context));
    },
  };
}

/** JSON, so that no two contexts read alike. */
function additional(keyId: string, context: SealContext): Buffer {
  return Buffer.from(JSON.stringify([version, keyId, context.owner, context.key]));
}

function bodyOf(sealed: string, keyId: string, context: SealContext): Buffer {
  const [format, id, body, more] = sealed.split(':');
  if (format !== version || id === undefined || body === undefined || more !== undefined) {
    throw unreadable(
      context,
      'it is not in a format that this Kapal knows',
      'Start the version of Kapal that wrote it.',
    );
  }
  if (id !== keyId) {
    const hint =
      "Restore the key file that belongs to this data folder's record; without it the value has to be set anew.";
    throw unreadable(context, `it was sealed with another key (${id}; the key here is ${keyId})`, hint);
  }
  const bytes = Buffer.from(body, 'base64url');
  if (bytes.length < nonceBytes + tagBytes) throw unreadable(context, 'it is cut short', anew);
  return bytes;
}

function finish(decipher: ReturnType<typeof createDecipheriv>, ciphertext: Buffer, context: SealContext): string {
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
  } catch {
    throw unreadable(context, 'it was changed, or belongs to something else', anew);
  }
}

const anew = 'Restore the record from a backup, or set the value anew.';

function unreadable(context: SealContext, why: string, hint: string): KapalError {
  return new KapalError(
    'state_damaged',
    `The sealed value of ${context.key} of ${context.owner} cannot be opened: ${why}`,
    { hint },
  );
}
