import { readFile, writeFile } from 'node:fs/promises';
import { crashpoint } from '../../lib/crashpoint.ts';
import { isMissing, readIfThere } from '../../lib/files.ts';
import { Turns } from '../../lib/turns.ts';
import { KapalError } from '../../model/errors.ts';
import type { Network, NetworkRequest } from '../port.ts';
import { addressText, firstFree, gatewayOf, prefixOf } from './addresses.ts';
import { inside, ip, nft, said } from './commands.ts';
import { exchange } from './exchange.ts';
import { innerRules, machineRules, noMachineRules, linkPrefix, ownRules, type Resolver, resolversOf } from './rules.ts';
import { missingPrograms } from './programs.ts';
import { forwardWalls, linksOf, namesOf, type NetworkNames, runsIn, usedPrefixes } from './world.ts';

export interface LinuxNetworkOptions {
  /** Eight characters `[a-z0-9]` that tell installs on one machine apart. */
  readonly install: string;
  /** The Node that the exchange which proves a network is made with. */
  readonly node: string;
  /** Told once, when something of the machine itself had to be changed. */
  readonly said: (text: string) => void;
}

/** A run that never is: its network is made to see whether networks can be. */
const trial = 'trial';

const forwarding = '/proc/sys/net/ipv4/ip_forward';

/** Fixed text. Inside: what arrives for 127.0.0.1 is taken, and ports below 1024 are as free as all others (ip-sysctl). */
const innerSettings =
  'echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet && echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start';

/** Networks of network namespaces, each with a pair of virtual links to the machine. Changes no rules but those of its own table. */
export async function createLinuxNetwork(options: LinuxNetworkOptions): Promise<Network> {
  return new LinuxNetwork(options, await missingPrograms());
}

class LinuxNetwork implements Network {
  refusal: string | null;
  readonly #options: LinuxNetworkOptions;
  /** What is made and removed is so one at a time: the machine's rules stand for all. */
  readonly #turns = new Turns();
  /** Given out, and perhaps not made yet. */
  readonly #promised = new Set<string>();
  readonly #own = new Map<string, string>();
  #proof: Promise<string | null> | null = null;

  constructor(options: LinuxNetworkOptions, refusal: string | null) {
    this.#options = options;
    this.refusal = refusal;
  }

  prove(): Promise<string | null> {
    if (this.refusal !== null) return Promise.resolve(this.refusal);
    this.#proof ??= this.#inTurn(() => this.#try());
    return this.#proof;
  }

  choose(taken: ReadonlySet<string>): Promise<string> {
    return this.#inTurn(() => this.#choose(taken));
  }

  attach(request: NetworkRequest): Promise<string> {
    return this.#inTurn(() => this.#attach(request));
  }

  own(run: string, ports: readonly number[]): Promise<void> {
    const wanted = textOf(ports);
    if (this.#own.get(run) === wanted) return Promise.resolve();
    return this.#inTurn(async () => {
      const { path } = namesOf(this.#options.install, run);
      if (!(await runsIn(this.#options.install)).includes(run)) return;
      await nft(ownRules(ports), path);
      this.#own.set(run, wanted);
    });
  }

  detach(run: string): Promise<void> {
    return this.#inTurn(() => this.#detach(run));
  }

  retain(runs: () => ReadonlySet<string>): Promise<void> {
    return this.#inTurn(async () => {
      const there = await runsIn(this.#options.install);
      const kept = runs();
      for (const run of there) if (!kept.has(run)) await this.#detach(run);
      if (there.some((run) => kept.has(run))) await this.#ruleMachine(null);
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.take('network', work);
  }

  async #choose(taken: ReadonlySet<string>): Promise<string> {
    const used = await usedPrefixes();
    const start = Number.parseInt(this.#options.install, 36) / 36 ** 8;
    const address = firstFree({ used, taken: new Set([...taken, ...this.#promised]), start });
    if (address === null)
      throw new KapalError('runtime_failed', 'no private address is free for the network of an instance', {
        hint: 'The routes of this machine cover all of 10.213.0.0/16, 172.29.0.0/16, 192.168.213.0/24 and 100.127.0.0/16.',
      });
    this.#promised.add(address);
    return address;
  }

  async #attach({ run, address, own }: NetworkRequest): Promise<string> {
    const names = namesOf(this.#options.install, run);
    await this.#makeNamespace(names);
    crashpoint('network.namespace.made');
    await this.#makeLink(names, address);
    crashpoint('network.link.made');
    const resolvers = await machineResolvers();
    await nft(innerRules({ address, own, resolvers }), names.path);
    this.#own.set(run, textOf(own));
    await this.#ruleMachine(null);
    crashpoint('network.rules.made');
    await this.#forward();
    this.#promised.delete(address);
    return names.path;
  }

  /** One whose making was cut short is a plain file, which nothing can enter. */
  async #makeNamespace({ namespace, path }: NetworkNames): Promise<void> {
    if ((await runsIn(this.#options.install)).some((run) => namesOf(this.#options.install, run).path === path)) {
      if ((await inside(path, ['true'])).ok) return;
      await ip(['netns', 'delete', namespace]);
    }
    await ip(['netns', 'add', namespace]);
  }

  async #makeLink({ namespace, path, link }: NetworkNames, address: string): Promise<void> {
    const gateway = gatewayOf(address);
    if ((await readIfThere(`/sys/class/net/${link}/ifindex`)) === null)
      await ip(['link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace]);
    // No IPv6 on it: nothing but this machine is meant to know the way.
    await setting(`/proc/sys/net/ipv6/conf/${link}/disable_ipv6`, '1').catch(ignoreMissing);
    await setting(`/proc/sys/net/ipv4/conf/${link}/route_localnet`, '1');
    await ip(['-batch', '-'], `address replace ${gateway}/30 dev ${link}\nlink set dev ${link} up\n`);
    await ip(
      ['-netns', namespace, '-batch', '-'],
      `link set dev lo up\naddress replace ${address}/30 dev eth0\nlink set dev eth0 up\nroute replace default via ${gateway}\n`,
    );
    said('sh', ['-c', innerSettings], await inside(path, ['/bin/sh', '-c', innerSettings]));
  }

  /** The namespace goes last: what is left of a removal that was cut short is found by it. */
  async #detach(run: string): Promise<void> {
    const { namespace, link } = namesOf(this.#options.install, run);
    this.#own.delete(run);
    await this.#ruleMachine(link);
    crashpoint('network.rules.removed');
    if ((await readIfThere(`/sys/class/net/${link}/ifindex`)) !== null) await ip(['link', 'delete', link]);
    crashpoint('network.link.removed');
    if ((await runsIn(this.#options.install)).includes(run)) await ip(['netns', 'delete', namespace]);
    crashpoint('network.namespace.removed');
  }

  /** The rules that follow from the links that are there, but for one that is to go. */
  async #ruleMachine(except: string | null): Promise<void> {
    const { install } = this.#options;
    const addresses = (await linksOf(install))
      .filter(({ link }) => link !== except)
      .map(({ address }) => addressText((prefixOf(address)?.base ?? 0) + 1))
      .toSorted();
    const resolvers = addresses.length === 0 ? [] : await machineResolvers();
    await nft(addresses.length === 0 ? noMachineRules(install) : machineRules({ install, addresses, resolvers }), null);
  }

  async #forward(): Promise<void> {
    if ((await readFile(forwarding, 'utf8')).trim() !== '0') return;
    await setting(forwarding, '1');
    this.#options.said(
      'net.ipv4.ip_forward was 0 and is 1 now: instances with a network of their own reach the Internet through this machine',
    );
  }

  /** A network is made, both ways through it are gone once, and it is removed. */
  async #try(): Promise<string | null> {
    try {
      const address = await this.#choose(new Set());
      try {
        const path = await this.#attach({ run: trial, address, own: [] });
        const own = (ports: readonly number[]) => nft(ownRules(ports), path);
        await exchange({ address, node: this.#options.node, inside: (argv) => inside(path, argv), own });
        const walls = await forwardWalls();
        if (walls.length > 0) this.#options.said(wallText(linkPrefix(this.#options.install), walls));
      } finally {
        await this.#detach(trial);
      }
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      this.refusal = `this machine gives instances no networks of their own (${words})`;
    }
    return this.refusal;
  }
}

function wallText(links: string, walls: readonly string[]): string {
  return `the firewall of this machine drops what is forwarded (${walls.join(', ')}): instances with a network of their own reach this machine, and others only where it lets through what comes from interfaces ${links}*`;
}

async function machineResolvers(): Promise<readonly Resolver[]> {
  const text = (await readIfThere('/etc/resolv.conf')) ?? '';
  return resolversOf(text, await readIfThere('/run/systemd/resolve/resolv.conf'));
}

function textOf(ports: readonly number[]): string {
  return ports.toSorted((a, b) => a - b).join(' ');
}

/** A value of the kernel's (proc(5)). */
async function setting(path: string, value: string): Promise<void> {
  await writeFile(path, value);
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
