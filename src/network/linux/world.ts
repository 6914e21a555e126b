import { readdir } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isMissing } from '../../lib/files.ts';
import { type Prefix, prefixOf } from './addresses.ts';
import { ip, nftChains } from './commands.ts';
import { linkPrefix } from './rules.ts';

/** Where ip-netns(8) keeps the names of namespaces. */
const namespaces = '/run/netns';

/** The names of what a run's network is made of; derived, so that a daemon that did not make them finds them. */
export interface NetworkNames {
  readonly namespace: string;
  readonly path: string;
  /** The machine's end of its link: 15 characters, as many as there are (IFNAMSIZ). */
  readonly link: string;
}

export function namesOf(install: string, run: string): NetworkNames {
  const namespace = `${namespacePrefix(install)}${run}`;
  const digest = createHash('sha256').update(run).digest().readUIntBE(0, 6).toString(36).padStart(6, '0').slice(-6);
  return { namespace, path: `${namespaces}/${namespace}`, link: `${linkPrefix(install)}${digest}` };
}

function namespacePrefix(install: string): string {
  return `kapal-${install}-`;
}

/** The runs of an install that have a namespace, or what is left of one. */
export async function runsIn(install: string): Promise<readonly string[]> {
  const prefix = namespacePrefix(install);
  try {
    return (await readdir(namespaces))
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

const links = z.array(
  z.object({
    ifname: z.string().optional(),
    addr_info: z.array(z.object({ family: z.string(), local: z.string(), prefixlen: z.number() })).optional(),
  }),
);
const routes = z.array(z.object({ dst: z.string().optional() }));

/** The machine's ends of links, each with its address: those of this install. */
export async function linksOf(
  install: string,
): Promise<readonly { readonly link: string; readonly address: string }[]> {
  const prefix = linkPrefix(install);
  return (await allLinks()).flatMap(({ ifname = '', addr_info = [] }) =>
    ifname.startsWith(prefix)
      ? addr_info.flatMap(({ family, local }) => (family === 'inet' ? [{ link: ifname, address: local }] : []))
      : [],
  );
}

/** All IPv4 networks that this machine has an address in, or a route to other than the default one. */
export async function usedPrefixes(): Promise<readonly Prefix[]> {
  const own = (await allLinks()).flatMap(({ addr_info = [] }) =>
    addr_info.flatMap(({ local, prefixlen }) => prefixOf(`${local}/${prefixlen}`) ?? []),
  );
  const known = routes.parse(parsed(await ip(['-j', '-4', 'route', 'show', 'table', 'all'])));
  return [...own, ...known.flatMap(({ dst = '' }) => prefixOf(dst) ?? [])];
}

async function allLinks(): Promise<z.infer<typeof links>> {
  return links.parse(parsed(await ip(['-j', '-4', 'address', 'show'])));
}

/** It prints nothing at all where there is nothing. */
function parsed(text: string): unknown {
  return text.trim() === '' ? [] : JSON.parse(text);
}

const chains = z.object({
  nftables: z.array(
    z.object({
      chain: z
        .object({
          family: z.string(),
          table: z.string(),
          name: z.string(),
          hook: z.string().optional(),
          policy: z.string().optional(),
        })
        .optional(),
    }),
  ),
});

/** Chains of others that drop what is forwarded unless a rule says otherwise: `ip filter FORWARD`. */
export async function forwardWalls(): Promise<readonly string[]> {
  return chains
    .parse(parsed(await nftChains()))
    .nftables.flatMap(({ chain }) =>
      chain?.hook === 'forward' && chain.policy === 'drop' ? [`${chain.family} ${chain.table} ${chain.name}`] : [],
    );
}
