import { KapalError } from '../model/errors.ts';
import { type ServiceId, serviceKey } from '../model/service.ts';
import { isAlone, type Spec } from '../spec/spec.ts';
import type { InstanceRow, ReleaseRow, RolloutRow, ServiceRow } from '../state/records.ts';
import type { Dependencies } from './dependencies.ts';
import { gapText } from './disks.ts';
import type { ServiceContext } from './service-context.ts';

type Needs = Pick<Dependencies, 'store' | 'network'>;

/** Where an attempt is to listen. */
export interface Place {
  /** The port that it is told, null for what does not listen. */
  readonly port: number | null;
  /** Null: at 127.0.0.1, with all that runs on the machine. */
  readonly address: string | null;
}

/** The port on which the app of a release listens whatever PORT says: as declared, else as it was seen; null for one that follows PORT, as far as is known. */
export function insistedBy({ store }: Pick<Needs, 'store'>, service: ServiceId, release: number | null): number | null {
  const row = release === null ? null : store.releases.get(service, release);
  return row === null ? null : (row.spec.port ?? row.insists);
}

/** Whether instances can have a port each of their own, all with one number. */
export function isSeparable({ network }: Pick<Needs, 'network'>): boolean {
  return network !== undefined && network.refusal === null;
}

/** The same, tried on this machine: what looks possible may be refused. */
export async function proveSeparable({ network }: Pick<Needs, 'network'>): Promise<boolean> {
  return network !== undefined && (await network.prove()) === null;
}

/**
 * Instances may not run side by side: what serves insists on a port, there is one of each number, and what is to take its place may want it too. Where only
 * the successor insists, the two do not meet.
 */
export function sharesPort(needs: Needs, row: ServiceRow, rollout: Pick<RolloutRow, 'from'> | null): boolean {
  if (isSeparable(needs)) return false;
  return [row.current, rollout?.from ?? null].some((release) => insistedBy(needs, row.id, release) !== null);
}

/** Why so many instances of a release cannot run here; null where they can. */
export function obstacleTo(
  needs: Needs,
  input: { service: ServiceId; release: number | null; desired: number },
): string | null {
  const { service, release, desired } = input;
  const port = insistedBy(needs, service, release);
  if (port === null || desired <= 1 || isSeparable(needs)) return null;
  return `${serviceKey(service).service} always listens on port ${port} and ignores PORT, so that ${desired} instances cannot run side by side here: ${whyNot(needs)}`;
}

/** What to do about it, for hints. */
export const waysOut =
  'Let the app read PORT; or take one instance; or run the daemon as root with ip (package iproute2) and nft (package nftables), which gives each instance the port to itself.';

function whyNot({ network }: Pick<Needs, 'network'>): string {
  return network?.refusal ?? 'this runtime gives no instance a network of its own';
}

/**
 * Throws `port_insisted` for what is known before a build: several instances, or two services, that are declared to insist on one port where there is one of
 * each number.
 */
export async function admitPorts(needs: Needs, spec: Spec, environment: string): Promise<void> {
  if (spec.services.every(({ port }) => port === undefined) || (await proveSeparable(needs))) return;
  const own = new Set(spec.services.map(({ name }) => `${spec.project}/${environment}/${name}`));
  const taken = new Map<number, string>();
  for (const row of needs.store.services.all()) {
    const port = row.removing || row.stopped || own.has(row.id) ? null : insistedBy(needs, row.id, row.current);
    if (port !== null) taken.set(port, `${serviceKey(row.id).service} of ${serviceKey(row.id).project}`);
  }
  for (const { name, port, instances } of spec.services) {
    if (port === undefined) continue;
    const other = taken.get(port);
    const problem =
      other !== undefined
        ? `${other} insists on it too`
        : instances > 1
          ? `${instances} instances cannot share it`
          : null;
    if (problem !== null)
      throw new KapalError('port_insisted', `${name}: port: ${port}: ${problem} here: ${whyNot(needs)}`, {
        hint: waysOut,
      });
    taken.set(port, name);
  }
}

/** Chooses where the next attempt of a release listens. `apart`: in a network of its own, whatever is known of the release. */
export async function placeOf(
  { needs, ports, id }: Pick<ServiceContext, 'needs' | 'ports' | 'id'>,
  release: Pick<ReleaseRow, 'number'>,
  { apart }: { readonly apart: boolean },
): Promise<Place> {
  const insisted = insistedBy(needs, id, release.number);
  // A release that nobody has seen yet is told a port of its own, so that one that follows PORT again is noticed.
  const port = insisted ?? (await ports.take());
  const current = needs.store.services.get(id)?.current ?? null;
  const expected = insisted ?? insistedBy(needs, id, current);
  if (needs.network === undefined || (expected === null && !apart) || !(await proveSeparable(needs)))
    return { port, address: null };
  const taken = needs.store.instances.all().flatMap(({ address }) => address ?? []);
  return { port, address: await needs.network.choose(new Set(taken)) };
}

/** The ports on which an instance is expected to listen itself. */
export function ownPorts(needs: Needs, { service, release, port }: InstanceRow): readonly number[] {
  const current = needs.store.services.get(service)?.current ?? null;
  const known = [port, insistedBy(needs, service, release), insistedBy(needs, service, current)];
  return [...new Set(known.filter((one) => one !== null))];
}

/** Throws `port_taken` with its holder, where an instance insists on a port of the machine that somebody else has. */
export async function requireFree(
  needs: Pick<Dependencies, 'store' | 'isPortFree' | 'portFinder' | 'portHolder'>,
  { id, service, release, port, address }: InstanceRow,
): Promise<void> {
  if (address !== null || port === null || insistedBy(needs, service, release) !== port) return;
  if (await needs.isPortFree(port)) return;
  const { service: name } = serviceKey(service);
  throw new KapalError(
    'port_taken',
    `port ${port}, on which ${name} insists, is held by ${await holderOf(needs, { port, except: id })}`,
    { hint: waysOut },
  );
}

/** Who has a port of the machine, in words. */
export async function holderOf(
  { store, portFinder, portHolder }: Pick<Dependencies, 'store' | 'portFinder' | 'portHolder'>,
  { port, except }: { readonly port: number; readonly except: string },
): Promise<string> {
  for (const { id, service, address, handle } of store.instances.all()) {
    if (id === except || address !== null || handle === null) continue;
    const listeners = (await portFinder?.listeners(handle)) ?? [];
    if (!listeners.some((listener) => listener.port === port)) continue;
    const key = serviceKey(service);
    return `${key.service} of ${key.project} (instance ${id})`;
  }
  return portHolder?.(port) ?? 'another program';
}

/** In words: how long nothing answered in a rollout, and why what ran had to end before its successor started. */
export function gapOf(
  { store }: Pick<Needs, 'store'>,
  { service, from, to, vacatedAt }: RolloutRow,
  end: number,
): string | null {
  if (vacatedAt === null) return null;
  const port = insistedBy({ store }, service, from) ?? insistedBy({ store }, service, to);
  const hasDisk = [from, to].some((number) => {
    const release = number === null ? null : store.releases.get(service, number);
    return release !== null && isAlone(release.spec);
  });
  const why = hasDisk || port === null ? 'it has a disk' : `it always listens on port ${port}`;
  return gapText(service, end - vacatedAt, why);
}
