import { randomBytes, X509Certificate } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { makeFolder, syncFolder } from '../../../lib/files.ts';
import { KapalError } from '../../../model/errors.ts';
import type { EdgeCertificate } from '../../certificate.ts';
import type { WorkerAccount } from '../launch.ts';
import { placeOwned, writeOwned } from '../owned-file.ts';
import { certificateFile, digestOf, readStored, type StoredCertificate, storedIds } from './certificate-folder.ts';
import { contextOf } from './profile.ts';
import { readTicketSeed, seedLifetime, ticketFile, type TicketSeed } from './tickets.ts';

/** Files that are written side by side: each waits for the disk. */
const atOnce = 16;

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
  /** What this daemon has handed in or found there, by id: not read again with every change. */
  readonly #written = new Map<string, string>();
  #turn: Promise<unknown> = Promise.resolve();
  #seededAt = Number.NEGATIVE_INFINITY;

  constructor(options: CertificatePublisherOptions) {
    this.#options = options;
  }

  /** Throws `edge_failed` naming a certificate that is not sound; then nothing has changed. */
  publish(certificates: readonly EdgeCertificate[]): Promise<void> {
    const round = this.#turn.then(async () => {
      await this.#save(await this.#stored(certificates));
      for (const certificate of certificates) this.#written.set(certificate.id, markOf(certificate));
      await this.renewTickets();
      await this.#push(certificates);
    });
    this.#turn = round.catch(() => undefined);
    return round;
  }

  /** A worker that cannot present what it was given may have met a file that was damaged since: then all are read and written again. */
  async #push(certificates: readonly EdgeCertificate[]): Promise<void> {
    const digest = digestOf(certificates.map(({ id }) => id));
    try {
      await this.#options.push(digest);
    } catch {
      this.#written.clear();
      await this.#save(await this.#stored(certificates));
      await this.#options.push(digest);
    }
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

  /** In the form of the file, or `null` for what is there already: an id is a digest, so it was found sound when it came. */
  async #stored(certificates: readonly EdgeCertificate[]): Promise<Map<string, StoredCertificate | null>> {
    const there = new Set(storedIds(this.#options.folder));
    const stored = new Map<string, StoredCertificate | null>();
    for (const certificate of certificates) {
      const { id } = certificate;
      if (there.has(id) && (this.#written.get(id) === markOf(certificate) || this.#isOnDisk(certificate))) {
        stored.set(id, null);
      } else {
        stored.set(id, soundOf(certificate));
        // A thousand certificates take a second of checking, in which the daemon has other things to do too.
        await turn();
      }
    }
    return stored;
  }

  #isOnDisk(certificate: EdgeCertificate): boolean {
    try {
      const there = readStored(this.#options.folder, certificate.id);
      return (
        there.chain === certificate.chain && there.key === certificate.key && markOf(there) === markOf(certificate)
      );
    } catch {
      return false;
    }
  }

  /** New ones come before old ones go: a worker that starts meanwhile never finds a name without its certificate. */
  async #save(certificates: ReadonlyMap<string, StoredCertificate | null>): Promise<void> {
    const { folder } = this.#options;
    await makeFolder(folder, 0o700);
    const owner = await this.#options.owner();
    const fresh = [...certificates.values()].filter((certificate) => certificate !== null);
    for (let at = 0; at < fresh.length; at += atOnce) {
      const some = fresh.slice(at, at + atOnce);
      await Promise.all(
        some.map((each) => placeOwned(certificateFile(folder, each.id), { content: JSON.stringify(each), owner })),
      );
    }
    if (fresh.length > 0) await syncFolder(folder);
    const gone = storedIds(folder).filter((id) => !certificates.has(id));
    for (const id of gone) {
      this.#written.delete(id);
      await unlink(certificateFile(folder, id));
    }
    if (gone.length > 0) await syncFolder(folder);
  }
}

/** What an id does not say. */
function markOf({ names, purpose }: Pick<EdgeCertificate, 'names' | 'purpose'>): string {
  return `${names.join()} ${purpose ?? ''}`;
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
