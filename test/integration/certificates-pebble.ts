import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get, request } from 'node:http';
import { get as getSecurely } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalAuthority } from '../../src/certificates/local/authority.ts';
import { freePort } from '../free-port.ts';
import { until } from '../patience.ts';

export interface PebbleOptions {
  /** Ports at which it looks for the proofs of every name, at 127.0.0.1. */
  readonly httpPort: number;
  readonly tlsPort: number;
  /** Seconds that certificates live. */
  readonly validity?: number;
  /** Good nonces that it refuses, in percent. */
  readonly badNonces?: number;
  /** Where it listens; a free port unless told. */
  readonly port?: number;
}

/** An authority for tests (Debian's pebble) with a DNS server of its own (pebble-challtestsrv), on loopback. */
export class Pebble implements AsyncDisposable {
  readonly directory: string;
  /** PEM file: what the directory's TLS is verified by. */
  readonly ca: string;
  readonly caText: string;
  /** `host:port` of the DNS server. */
  readonly dns: string;
  readonly port: number;
  readonly #folder: string;
  readonly #management: number;
  readonly #dnsManagement: number;
  readonly #options: PebbleOptions;
  readonly #dnsServer: ChildProcess;
  #server: ChildProcess | null = null;
  said = '';

  private constructor(parts: {
    folder: string;
    caText: string;
    options: PebbleOptions;
    ports: readonly [number, number, number, number];
    dnsServer: ChildProcess;
  }) {
    const [port, management, dnsPort, dnsManagement] = parts.ports;
    this.#folder = parts.folder;
    this.#options = parts.options;
    this.#management = management;
    this.#dnsManagement = dnsManagement;
    this.#dnsServer = parts.dnsServer;
    this.port = port;
    this.directory = `https://localhost:${port}/dir`;
    this.ca = join(parts.folder, 'ca.pem');
    this.caText = parts.caText;
    this.dns = `127.0.0.1:${dnsPort}`;
  }

  static async start(options: PebbleOptions): Promise<Pebble> {
    const folder = await mkdtemp(join(tmpdir(), 'kapal-pebble-'));
    const ports = [options.port ?? (await freePort()), await freePort(), await freePort(), await freePort()] as const;
    const authority = createLocalAuthority({ folder: join(folder, 'root') });
    const root = await authority.makeRoot(Date.now());
    const leaf = await authority.issue(root, { name: 'localhost', now: Date.now() });
    await writeFile(join(folder, 'ca.pem'), root.chain);
    await writeFile(join(folder, 'cert.pem'), leaf.chain);
    await writeFile(join(folder, 'key.pem'), leaf.key);
    const dnsServer = startDns(ports[2], ports[3]);
    const pebble = new Pebble({ folder, caText: root.chain, options, ports, dnsServer });
    try {
      await until('the DNS server answers', () => reaches(`http://127.0.0.1:${ports[3]}/`));
      await pebble.begin();
    } catch (error) {
      await pebble[Symbol.asyncDispose]();
      throw error;
    }
    return pebble;
  }

  /** Starts the authority; it forgets everything when it ends. */
  async begin(): Promise<void> {
    const config = {
      pebble: {
        listenAddress: `127.0.0.1:${this.port}`,
        managementListenAddress: `127.0.0.1:${this.#management}`,
        certificate: join(this.#folder, 'cert.pem'),
        privateKey: join(this.#folder, 'key.pem'),
        httpPort: this.#options.httpPort,
        tlsPort: this.#options.tlsPort,
        ocspResponderURL: '',
        externalAccountBindingRequired: false,
        certificateValidityPeriod: this.#options.validity ?? 157_766_400,
      },
    };
    const path = join(this.#folder, 'config.json');
    await writeFile(path, JSON.stringify(config));
    const server = spawn('pebble', ['-config', path, '-dnsserver', this.dns], {
      env: {
        PATH: process.env['PATH'],
        PEBBLE_VA_NOSLEEP: '1',
        PEBBLE_AUTHZREUSE: '0',
        PEBBLE_WFE_NONCEREJECT: String(this.#options.badNonces ?? 30),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [server.stdout, server.stderr])
      stream.on('data', (part: Buffer) => (this.said += part.toString()));
    await started(server, 'pebble');
    this.#server = server;
    await until('pebble answers', () => this.#answers());
  }

  /** SIGKILL, as an authority that is away. */
  async end(): Promise<void> {
    await ended(this.#server);
    this.#server = null;
  }

  /** PEM of the root that certificates are verified by. */
  async root(): Promise<string> {
    return await this.#get(`https://localhost:${this.#management}/roots/0`);
  }

  /** Certificates that it issued, and other words of its log. */
  count(word: string): number {
    return this.said.split(word).length - 1;
  }

  /** Talks to the DNS server: `set-txt`, `clear-txt`, `add-a`, `add-caa`, `set-cname`, `set-servfail`, ... */
  tellDns(command: string, body: object): Promise<void> {
    return new Promise((resolve, reject) => {
      const outgoing = request(this.dnsManagement(command), { method: 'POST' }, (response) => {
        response.resume();
        response.on('end', () =>
          response.statusCode === 200 ? resolve() : reject(new Error(`${command}: ${response.statusCode}`)),
        );
      });
      outgoing.on('error', reject);
      outgoing.end(JSON.stringify(body));
    });
  }

  dnsManagement(command: string): string {
    return `http://127.0.0.1:${this.#dnsManagement}/${command}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await ended(this.#dnsServer);
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    if (this.#server?.exitCode !== null) throw new Error(`pebble ended: ${this.said}`);
    return await this.#get(this.directory).then(
      () => true,
      () => false,
    );
  }

  #get(url: string): Promise<string> {
    return new Promise((resolve, reject) => {
      getSecurely(url, { ca: this.caText, agent: false }, (response) => {
        let text = '';
        response.on('data', (part: Buffer) => (text += part.toString()));
        response.on('end', () => resolve(text));
        response.on('error', reject);
      }).on('error', reject);
    });
  }
}

function startDns(port: number, management: number): ChildProcess {
  const args = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-defaultIPv6', ''];
  return spawn(
    'pebble-challtestsrv',
    [...args, '-dns01', `127.0.0.1:${port}`, '-management', `127.0.0.1:${management}`],
    {
      stdio: 'ignore',
    },
  );
}

function reaches(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    get(url, { agent: false }, (response) => {
      response.resume();
      resolve(true);
    }).on('error', () => resolve(false));
  });
}

function started(child: ChildProcess, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) =>
      reject(new Error(`${name} cannot be started: apt-get install pebble`, { cause: error })),
    );
  });
}

async function ended(child: ChildProcess | null): Promise<void> {
  if (child === null || child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await over;
}
