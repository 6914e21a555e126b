import { addressText, gatewayOf, prefixOf } from './addresses.ts';

/** A name server that /etc/resolv.conf names at a loopback address, and where it is reached from inside. */
export interface Resolver {
  readonly loopback: string;
  readonly reached: string;
  /** `reached` stands for that address of this machine; else it is another server's, which is reached as it is. */
  readonly standsIn: boolean;
}

/** Stand-ins of loopback addresses on their way to this machine, from a block that no host has (RFC 7335: 192.0.0.0/29; its upper half). */
const firstStandIn = prefixOf('192.0.0.4')?.base ?? 0;
const mostStandIns = 4;

/** What nft calls the tables of an install. */
export function tableOf(install: string): string {
  return `kapal_${install}`;
}

/** How the machine's ends of an install's networks begin. */
export function linkPrefix(install: string): string {
  return `k${install}`;
}

/**
 * Pure. The machine's rules for all networks of an install, as nft takes them in one transaction; the table is replaced whole. `addresses` of the runs.
 *
 * What comes from a run for its gateway goes to 127.0.0.1, from 127.0.0.1, so that programs which let in this machine alone let it in. What it sends further
 * leaves with this machine's address. Nothing that is forwarded reaches a run but answers.
 */
export function machineRules(input: {
  readonly install: string;
  readonly addresses: readonly string[];
  readonly resolvers: readonly Resolver[];
}): string {
  const { install, addresses } = input;
  const table = tableOf(install);
  const links = `"${linkPrefix(install)}*"`;
  const standIns = input.resolvers.filter(({ standsIn }) => standsIn);
  return `table ip ${table}
delete table ip ${table}
table ip ${table} {
  chain prerouting {
    type nat hook prerouting priority -100; policy accept;
    iifname ${links} ip daddr { ${addresses.map(gatewayOf).join(', ')} } dnat to 127.0.0.1
${standIns.map(({ loopback, reached }) => `    iifname ${links} ip daddr ${reached} dnat to ${loopback}\n`).join('')}  }
  chain input {
    type nat hook input priority 100; policy accept;
    iifname ${links} ip daddr 127.0.0.0/8 snat to 127.0.0.1
  }
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    ip saddr { ${addresses.join(', ')} } oifname != ${links} masquerade
  }
  chain forward {
    type filter hook forward priority 0; policy accept;
    oifname ${links} ct state established,related accept
    oifname ${links} drop
  }
}
`;
}

/** Pure. Removes them all; it is no error where there are none. */
export function noMachineRules(install: string): string {
  const table = tableOf(install);
  return `table ip ${table}\ndelete table ip ${table}\n`;
}

/**
 * Pure. The rules inside of a run's network. What it sends to 127.0.0.1 stays where it listens itself, and else leaves for the machine; what the machine
 * sends to its address arrives at 127.0.0.1, from 127.0.0.1.
 */
export function innerRules(input: {
  readonly address: string;
  readonly own: readonly number[];
  readonly resolvers: readonly Resolver[];
}): string {
  const { address } = input;
  const gateway = gatewayOf(address);
  return `table ip kapal
delete table ip kapal
table ip kapal {
  set own {
    type inet_service
${input.own.length === 0 ? '' : `    elements = { ${input.own.join(', ')} }\n`}  }
  chain output {
    type nat hook output priority -100; policy accept;
${input.resolvers.map(({ loopback, reached }) => `    ip daddr ${loopback} meta l4proto { tcp, udp } th dport 53 dnat to ${reached}\n`).join('')}    oifname "lo" ip daddr 127.0.0.0/8 tcp dport != @own dnat to ${gateway}
    oifname "lo" ip daddr 127.0.0.0/8 meta l4proto udp dnat to ${gateway}
  }
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    oifname "eth0" ip saddr 127.0.0.0/8 snat to ${address}
  }
  chain prerouting {
    type nat hook prerouting priority -100; policy accept;
    iifname "eth0" ip saddr ${gateway} meta l4proto tcp dnat to 127.0.0.1
  }
  chain input {
    type nat hook input priority 100; policy accept;
    iifname "eth0" ip saddr ${gateway} snat to 127.0.0.1
  }
}
`;
}

/** Pure. The ports on which a run itself listens, anew. */
export function ownRules(own: readonly number[]): string {
  return `flush set ip kapal own\n${own.length === 0 ? '' : `add element ip kapal own { ${own.join(', ')} }\n`}`;
}

/**
 * Pure. How name servers at loopback addresses are reached from inside, from the text of /etc/resolv.conf (resolv.conf(5)) and of the one that
 * systemd-resolved keeps with the servers behind it, null where it does not: its stub takes nothing that comes by another interface. 127.0.0.1 is reached as
 * all else there.
 */
export function resolversOf(text: string, behind: string | null): readonly Resolver[] {
  const [upstream] = behind === null ? [] : serversOf(behind).filter((server) => !server.startsWith('127.'));
  const local = [...new Set(serversOf(text))].filter((server) => server.startsWith('127.') && server !== '127.0.0.1');
  return local
    .slice(0, mostStandIns)
    .map((loopback, index) =>
      upstream === undefined
        ? { loopback, reached: addressText(firstStandIn + index), standsIn: true }
        : { loopback, reached: upstream, standsIn: false },
    );
}

function serversOf(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const [word, server] = line.trim().split(/\s+/);
    return word === 'nameserver' && server !== undefined && prefixOf(server) !== null ? [server] : [];
  });
}
