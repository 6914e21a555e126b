import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { createAcmeAuthority } from '../../src/certificates/acme/authority.ts';
import { createLocalAuthority } from '../../src/certificates/local/authority.ts';
import { createRootStore } from '../../src/certificates/local/trust.ts';
import { createNetworkView } from '../../src/certificates/network/view.ts';
import type { DnsRecords } from '../../src/certificates/port.ts';
import type { HttpChallenge } from '../../src/edge/port.ts';
import { createSimulatedEdge, type SimulatedEdge } from '../../src/edge/simulated/driver.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { KapalError } from '../../src/model/errors.ts';
import type { ServiceId } from '../../src/model/service.ts';
import type { CertificateNeeds } from '../../src/reconcile/certificate-needs.ts';
import { Certificates } from '../../src/reconcile/certificates.ts';
import { createVault } from '../../src/secrets/vault.ts';
import { openStore } from '../../src/state/open.ts';
import type { Store } from '../../src/state/store.ts';
import { service } from '../unit/state/sample.ts';
import type { Pebble } from './certificates-pebble.ts';

export const site = 'shop/production/web' as ServiceId;

/** Real time, which a test moves forward: what is due then comes at once. */
export class JumpingClock implements Clock {
  #ahead = 0;
  readonly #waiting = new Map<object, { readonly at: number; readonly wake: () => void; timer: NodeJS.Timeout }>();

  now(): number {
    return Date.now() + this.#ahead;
  }

  steady(): number {
    return Math.floor(performance.timeOrigin + this.monotonic());
  }

  monotonic(): number {
    return performance.now() + this.#ahead;
  }

  after(milliseconds: number, wake: () => void): Disposable {
    const key = {};
    const fire = () => {
      this.#waiting.delete(key);
      wake();
    };
    const timer = setTimeout(fire, milliseconds);
    this.#waiting.set(key, { at: this.monotonic() + milliseconds, wake: fire, timer });
    return {
      [Symbol.dispose]: () => {
        clearTimeout(timer);
        this.#waiting.delete(key);
      },
    };
  }

  jump(milliseconds: number): void {
    this.#ahead += milliseconds;
    const now = this.monotonic();
    for (const [key, { at, wake, timer }] of this.#waiting.entries().toArray()) {
      clearTimeout(timer);
      if (at <= now) wake();
      else this.#waiting.set(key, { at, wake, timer: setTimeout(wake, at - now) });
    }
  }
}

/** The loop of certificates over a record in memory, and what serves proofs to the authority: a small server of HTTP and of TLS behind the simulated edge. */
export class CertificatesKapal implements AsyncDisposable {
  readonly store: Store;
  readonly edge: SimulatedEdge;
  readonly clock = new JumpingClock();
  readonly complaints: string[] = [];
  readonly #folder: string;
  readonly #servers: { readonly http: Server; readonly tls: TlsServer };
  readonly #key = randomBytes(32);
  #answers: readonly HttpChallenge[] = [];
  loop: Certificates;
  /** The authority's looks at proofs that were refused. */
  isDeaf = false;
  /** As an engine that cannot present certificates for TLS-ALPN-01. */
  takesProofs = true;

  private constructor(parts: { folder: string; http: Server; tls: TlsServer }) {
    this.#folder = parts.folder;
    this.#servers = parts;
    this.store = openStore(':memory:');
    this.edge = createSimulatedEdge({ clock: this.clock });
    this.loop = this.#make({ acme: null, dns: null, ports: [8080, 8443] });
    parts.http.on('request', (asked, answer) => {
      const found = this.#answers.find(
        ({ host, token }) =>
          asked.url === `/.well-known/acme-challenge/${token}` && asked.headers.host?.split(':')[0] === host,
      );
      answer.writeHead(found === undefined || this.isDeaf ? 404 : 200);
      answer.end(found?.answer ?? 'nothing here');
    });
    parts.tls.on('tlsClientError', () => undefined);
  }

  static async start(): Promise<CertificatesKapal> {
    const folder = await mkdtemp(join(tmpdir(), 'kapal-certificates-'));
    const http = createServer();
    let kapal: CertificatesKapal | null = null;
    const tls = createTlsServer({
      ALPNCallback: ({ protocols }) =>
        protocols.find((protocol) => protocol === 'acme-tls/1' || protocol === 'http/1.1'),
      SNICallback: (name, done) => {
        const shown = kapal?.edge.presented().filter(({ names }) => names.includes(name)) ?? [];
        // The authority's look is the only one while a proof is there.
        const one = shown.find(({ purpose }) => purpose === 'acme-tls/1') ?? shown[0];
        if (one === undefined || kapal?.isDeaf === true) done(new Error('unrecognized name'));
        else done(null, createSecureContext({ cert: one.chain, key: one.key }));
      },
    });
    http.listen(0, '127.0.0.1');
    tls.listen(0, '127.0.0.1');
    await Promise.all([once(http, 'listening'), once(tls, 'listening')]);
    kapal = new CertificatesKapal({ folder, http, tls });
    await kapal.edge.ensure();
    kapal.store.services.insert(service({ id: site, host: 'web.localhost', privatePort: null }));
    return kapal;
  }

  get httpPort(): number {
    return portOf(this.#servers.http);
  }

  get tlsPort(): number {
    return portOf(this.#servers.tls);
  }

  /** A daemon that asks this authority, as if it served these ports. The one before is as if killed, or ended before by `loop.close()`. */
  async begin(
    pebble: Pebble | null,
    options: { readonly dns?: DnsRecords; readonly ports?: readonly [number, number | null] } = {},
  ): Promise<void> {
    const acme =
      pebble === null
        ? null
        : createAcmeAuthority({ directory: pebble.directory, roots: pebble.caText, userAgent: 'kapal/test' });
    this.loop = this.#make({ acme, dns: options.dns ?? null, ports: options.ports ?? [80, 443] });
    await this.loop.begin();
    this.loop.open();
    await this.loop.pass();
  }

  addDomain(host: string): void {
    this.store.domains.add({ host, path: '/', service: site, source: 'added' });
    this.loop.wake();
  }

  events(): string[] {
    return this.store.events.last(100).map(({ kind, message }) => `${kind} ${message}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.loop.close();
    this.#servers.http.closeAllConnections();
    for (const server of [this.#servers.http, this.#servers.tls]) await new Promise((resolve) => server.close(resolve));
    this.store.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #make(parts: {
    acme: CertificateNeeds['certificates']['acme'];
    dns: DnsRecords | null;
    ports: readonly [number, number | null];
  }): Certificates {
    const [httpPort, httpsPort] = parts.ports;
    const complain = (facts: object, message: string) =>
      void this.complaints.push(`${message} ${JSON.stringify(facts)}`);
    const needs: CertificateNeeds = {
      store: this.store,
      vault: createVault(this.#key),
      clock: this.clock,
      random: { bytes: (count) => randomBytes(count), fraction: () => 0 },
      log: { info: () => undefined, warn: complain, error: complain },
      edge: this.#refusing(),
      certificates: {
        acme: parts.acme,
        email: 'operator@example.com',
        isPublic: false,
        dns: parts.dns,
        local: createLocalAuthority({ folder: join(this.#folder, 'local') }),
        roots: createRootStore(),
        network: createNetworkView(),
      },
      settings: {
        version: '0.0.0',
        data: this.#folder,
        timeZone: 'UTC',
        socket: '',
        api: '',
        http: `127.0.0.1:${httpPort}`,
        httpPort,
        https: httpsPort === null ? null : `127.0.0.1:${httpsPort}`,
        httpsPort,
        domain: 'localhost',
        buildSlots: 1,
        startSlots: 4,
        buildMemory: null,
        keepFree: 'auto',
        edgeWhy: '',
        runtimeWhy: '',
      },
    };
    return new Certificates({
      needs,
      answer: (challenges) => {
        this.#answers = challenges;
        return Promise.resolve();
      },
      changed: () => undefined,
      told: () => undefined,
    });
  }

  #refusing(): SimulatedEdge {
    const { edge } = this;
    const present: SimulatedEdge['present'] = (certificates) => {
      if (!this.takesProofs && certificates.some(({ purpose }) => purpose !== undefined))
        return Promise.reject(new KapalError('not_supported', 'no acme-tls/1 here'));
      return edge.present(certificates);
    };
    return new Proxy(edge, { get: (target, key) => (key === 'present' ? present : methodOf(target, key)) });
  }
}

function methodOf(target: object, key: string | symbol): unknown {
  const value: unknown = Reflect.get(target, key);
  return typeof value === 'function' ? value.bind(target) : value;
}

function portOf(server: Server | TlsServer): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  return address.port;
}
