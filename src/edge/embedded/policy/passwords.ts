import { createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import type { BasicAuth, BasicUser } from '../../policy.ts';

/** Derivations at one time: libuv's pool has four threads, and files are read by them too. */
const atOnce = 2;
/** Requests that wait for a derivation at most; a flood of guesses is not to pile up behind the pool. */
const maxWaiting = 256;
const digestSize = 32;

/** Whether a password is right; `busy`: it was not looked at. */
export type Verification = 'right' | 'wrong' | 'busy';

/** Derives keys off the event loop, a few at a time. */
export class Derivations {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** PBKDF2-HMAC-SHA256; `null`: too many wait already. */
  async derive(password: Buffer, user: Pick<BasicUser, 'salt' | 'iterations'>): Promise<Buffer | null> {
    if (this.#running >= atOnce) {
      if (this.#waiting.length >= maxWaiting) return null;
      // Whoever ends hands its place on.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await derived(password, user);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

/** The users of one policy. What was found right is remembered by a keyed digest, so that only the first request of a visitor costs a derivation. */
export class Passwords {
  readonly challenge: string;
  readonly #users: ReadonlyMap<string, BasicUser>;
  readonly #derivations: Derivations;
  readonly #key = randomBytes(32);
  /** Only of right credentials: not more than there are users. */
  readonly #right = new Set<string>();
  readonly #underWay = new Map<string, Promise<Verification>>();
  /** Nobody's: a name that is not there costs as much as one that is. */
  readonly #nobody: BasicUser;

  constructor(auth: BasicAuth, derivations: Derivations) {
    this.challenge = `Basic realm="${auth.realm}", charset="UTF-8"`;
    this.#derivations = derivations;
    this.#users = new Map(auth.users.map((user) => [Buffer.from(user.name).toString('latin1'), user]));
    const iterations = Math.max(1, ...auth.users.map((user) => user.iterations));
    this.#nobody = {
      name: '',
      salt: randomBytes(16).toString('hex'),
      iterations,
      digest: randomBytes(digestSize).toString('hex'),
    };
  }

  /** Takes the Authorization field. At once where it says nothing, is malformed, or was found right before. */
  verify(authorization: string | null): Verification | Promise<Verification> {
    const credentials = credentialsOf(authorization);
    if (credentials === null) return 'wrong';
    const digest = createHmac('sha256', this.#key).update(credentials).digest('base64');
    if (this.#right.has(digest)) return 'right';
    let verification = this.#underWay.get(digest);
    if (verification === undefined) {
      verification = this.#derive(credentials, digest).finally(() => this.#underWay.delete(digest));
      this.#underWay.set(digest, verification);
    }
    return verification;
  }

  async #derive(credentials: Buffer, digest: string): Promise<Verification> {
    const colon = credentials.indexOf(0x3a);
    const user = this.#users.get(credentials.toString('latin1', 0, colon));
    const known = user ?? this.#nobody;
    const key = await this.#derivations.derive(credentials.subarray(colon + 1), known);
    if (key === null) return 'busy';
    const same = timingSafeEqual(key, Buffer.from(known.digest, 'hex'));
    if (!same || user === undefined) return 'wrong';
    this.#right.add(digest);
    return 'right';
  }
}

/** `user:password` in bytes (RFC 7617 2); `null` where the field is not exactly one of this scheme. */
function credentialsOf(authorization: string | null): Buffer | null {
  const [, text = ''] = /^basic +([A-Za-z0-9+/]{2,4096}={0,2})$/i.exec(authorization ?? '') ?? [];
  const credentials = Buffer.from(text, 'base64');
  return credentials.includes(0x3a) ? credentials : null;
}

function derived(password: Buffer, { salt, iterations }: Pick<BasicUser, 'salt' | 'iterations'>): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    pbkdf2(password, Buffer.from(salt, 'hex'), iterations, digestSize, 'sha256', (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
