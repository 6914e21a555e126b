import { randomBytes, X509Certificate } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { makeFolder, syncFolder } from '../../../lib/files.ts';
import { KapalError } from '../../../model/errors.ts';
import type { EdgeCertificate } from '../../certificate.ts';
import type { WorkerAccount } from '../launch.ts';
import { writeOwned } from '../owned-file.ts';
import { certificateFile, digestOf, readStored, type StoredCertificate, storedIds } from './certificate-folder.ts';
import { contextOf } from './profile.ts';
import { readTicketSeed, seedLifetime, ticketFile, type TicketSeed } from './tickets.ts';

export interface CertificatePublisherOptions {
  readonly folder: string;
  /** Whose the files are. */
  readonly owner: () => Promise<WorkerAccount>;
  readonly now: () => number;
  /** Resolves when every live worker presents the set with this digest (`digestOf`). */
  readonly push: (digest: string) => Promise<void>;
}

/** Brings whole sets of certificates to disk and then to every worker, one after the other in the order in which they are handed in. */
export class CertificatePublisher {
  readonly #options: CertificatePublisherOptions;
  #turn: Promise<unknown> = Promise.resolve();
  #seededAt = Number.NEGATIVE_INFINITY;

  constructor(options: CertificatePublisherOptions) {
    this.#options = options;
  }

  /** Throws `edge_failed` naming a certificate that is not sound; then nothing has changed. */
  publish(certificates: readonly EdgeCertificate[]): Promise<void> {
    const round = this.#turn.then(async () => {
      await this.#save(await this.#stored(certificates));
      await this.renewTickets();
      await this.#options.push(digestOf(certificates.map(({ id }) => id)));
    });
    this.#turn = round.catch(() => undefined);
    return round;
  }

  /** Replaces the seed of session tickets when it is a day old. Workers read it with the next certificates, or at their start. */
  async renewTickets(): Promise<void> {
    const { folder, now, owner } = this.#options;
    if (now() - this.#seededAt < seedLifetime) return;
    this.#seededAt = readTicketSeed(folder)?.since ?? Number.NEGATIVE_INFINITY;
    if (now() - this.#seededAt < seedLifetime) return;
    const seed: TicketSeed = { since: now(), seed: randomBytes(32).toString('hex') };
    await makeFolder(folder, 0o700);
    await writeOwned(ticketFile(folder), { content: JSON.stringify(seed), owner: await owner() });
    this.#seededAt = seed.since;
  }

  /** In the form of the file. Those that are there already were checked when they came: an id is a digest. */
  async #stored(certificates: readonly EdgeCertificate[]): Promise<Map<string, StoredCertificate>> {
    const stored = new Map<string, StoredCertificate>();
    for (const certificate of certificates) {
      const known = this.#onDisk(certificate);
      stored.set(certificate.id, known ?? soundOf(certificate));
      // A thousand certificates take a second of checking, in which the daemon has other things to do too.
      if (known === null) await turn();
    }
    return stored;
  }

  #onDisk(certificate: EdgeCertificate): StoredCertificate | null {
    if (!/^[0-9a-f]{32}$/.test(certificate.id)) return null;
    try {
      const there = readStored(this.#options.folder, certificate.id);
      const same = (['chain', 'key', 'purpose'] as const).every((part) => there[part] === certificate[part]);
      return same && there.names.join() === certificate.names.join() ? there : null;
    } catch {
      return null;
    }
  }

  /** New ones come before old ones go: a worker that starts meanwhile never finds a name without its certificate. */
  async #save(certificates: ReadonlyMap<string, StoredCertificate>): Promise<void> {
    const { folder } = this.#options;
    await makeFolder(folder, 0o700);
    const owner = await this.#options.owner();
    for (const [id, certificate] of certificates) {
      if (this.#onDisk(certificate) !== null) continue;
      await writeOwned(certificateFile(folder, id), { content: JSON.stringify(certificate), owner });
    }
    const gone = storedIds(folder).filter((id) => !certificates.has(id));
    for (const id of gone) await unlink(certificateFile(folder, id));
    if (gone.length > 0) await syncFolder(folder);
  }
}

function soundOf(certificate: EdgeCertificate): StoredCertificate {
  const { id, names, chain, key, purpose } = certificate;
  try {
    if (!/^[0-9a-f]{32}$/.test(id)) throw new Error('its id is no digest');
    if (names.length === 0) throw new Error('it has no name');
    const notBefore = Date.parse(new X509Certificate(chain).validFrom);
    contextOf(certificate);
    return { id, names, chain, key, notBefore, ...(purpose === undefined ? {} : { purpose }) };
  } catch (error) {
    // What OpenSSL says never holds a part of the key.
    const reason = error instanceof Error ? error.message : String(error);
    throw new KapalError('edge_failed', `The certificate for ${names.join(', ') || id} is not sound: ${reason}`, {
      cause: error,
    });
  }
}
