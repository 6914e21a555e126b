import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { EdgeCertificate } from '../../src/edge/certificate.ts';
import { createPlane, type OpenPlane } from '../../src/edge/embedded/plane/plane.ts';
import type { AccessEntry, PlaneLimits } from '../../src/edge/embedded/plane/types.ts';
import { TlsFront } from '../../src/edge/embedded/tls/front.ts';
import { CertificatePublisher } from '../../src/edge/embedded/tls/publisher.ts';
import { proxyPool } from '../conformance/edge.ts';
import { makeCertificate } from './nginx-certificates.ts';

/** A plane with TLS in this process, with limits of its own; `a.test` leads to the ports that it was given. */
export class SecurePlane implements AsyncDisposable {
  readonly plane: OpenPlane;
  readonly front: TlsFront;
  readonly log: AccessEntry[] = [];
  readonly faults: unknown[] = [];
  readonly reports: string[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'kapal-edge-tls-'));
  /** What the front takes for the time, added to the real one. */
  later = 0;
  readonly #server: Server;

  private constructor(limits: Partial<PlaneLimits>) {
    this.plane = createPlane({
      answerStatic: () => Promise.reject(new Error('no static files here')),
      hasFile: () => Promise.resolve(false),
      errorPage: (status) => ({ contentType: 'text/plain', body: Buffer.from(`error ${status}`) }),
      log: (entry) => this.log.push(entry),
      fault: (error) => this.faults.push(error),
      now: () => Date.now(),
      limits,
    });
    const now = (): number => Date.now() + this.later;
    this.front = new TlsFront({ folder: this.folder, now, report: (text) => this.reports.push(text) });
    this.#server = createServer({ noDelay: true }, (socket) =>
      this.plane.take(socket, (ground) => this.front.accept(ground, socket)),
    );
  }

  static async start(ports: readonly number[], limits: Partial<PlaneLimits> = {}): Promise<SecurePlane> {
    const secure = new SecurePlane(limits);
    secure.#server.listen(0, '127.0.0.1');
    await once(secure.#server, 'listening');
    const pool = { ...proxyPool('p', ports), maxBodySize: 1 << 30, responseTimeout: 60_000 };
    secure.plane.apply({ version: 1, routes: [{ host: 'a.test', path: '/', pool: 'p' }], pools: [pool], streams: [] });
    await secure.present([await makeCertificate(['a.test'])]);
    return secure;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async present(certificates: readonly EdgeCertificate[]): Promise<void> {
    const publisher = new CertificatePublisher({
      folder: this.folder,
      owner: () => Promise.resolve({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }),
      now: () => Date.now() + this.later,
      push: () => Promise.resolve(this.front.reload()),
    });
    await publisher.publish(certificates);
  }

  connect(servername = 'a.test', options: ConnectionOptions = {}): TLSSocket {
    const own = { host: '127.0.0.1', port: this.port, servername, rejectUnauthorized: false };
    const socket = connect({ ...own, ...options });
    socket.on('error', () => undefined);
    return socket;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.plane.close();
    this.#server.close();
    await once(this.#server, 'close');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
