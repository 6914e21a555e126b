import { answersLoopback } from '../runtime/loopback.ts';
import type { Listener } from '../runtime/port.ts';
import type { RolloutFailure } from '../rollout/view.ts';
import type { InstanceRow } from '../state/records.ts';
import { holderOf, isSeparable } from './placing.ts';
import type { ServiceContext } from './service-context.ts';
import { wantedPort } from './wanted-port.ts';

/** What the kernel shows of an instance, and what it was built for. */
export interface Listening {
  /** The port that it was given. */
  readonly port: number;
  readonly listeners: readonly Listener[];
  /** A connection to the port was refused at 127.0.0.1: what is at `::` takes IPv6 alone. */
  readonly refused: boolean;
  /** What the artifact runs on, and who asked for that: `Node 24.21.0, by engines.node of package.json`. */
  readonly about: string | null;
}

/**
 * A failure with what its message cannot know: where the instance listens instead of its own port, or that it listens nowhere. An app that ignores
 * PORT is the most common reason for not being ready. To be asked while the instance still runs.
 */
export async function withListening(
  { needs, releases }: Pick<ServiceContext, 'needs' | 'releases'>,
  failure: RolloutFailure | null,
): Promise<RolloutFailure | null> {
  if (failure === null || failure.instance === null || needs.portFinder === undefined) return failure;
  const instance = needs.store.instances.get(failure.instance);
  if (instance === null || instance.handle === null || instance.port === null) return failure;
  const { phase } = await needs.runtime.observe(instance.handle);
  if (phase !== 'running') return withHolder(needs, { failure, instance });
  const listeners = await needs.portFinder.listeners(instance.handle);
  const about = releases.get(instance.release)?.release.artifact?.runtime?.about ?? null;
  const refused = failure.message.includes('connection refused');
  const found = whereItListens({ port: instance.port, listeners, refused, about });
  return found === null ? failure : { ...failure, message: `${failure.message}; ${found}` };
}

/** Of an app that ended because somebody has the port that it wants, whatever PORT says: who. */
async function withHolder(
  needs: ServiceContext['needs'],
  { failure, instance }: { failure: RolloutFailure; instance: InstanceRow },
): Promise<RolloutFailure> {
  const port = await wantedPort(needs, instance);
  if (port === null && instance.lastExit?.code === 0)
    return {
      ...failure,
      message: `${failure.message}; a server that ends so may have found the port taken on which it always listens`,
    };
  if (port === null || port === instance.port) return failure;
  const { id } = instance;
  const holder =
    instance.address === null ? ` is held by ${await holderOf(needs, { port, except: id })}` : ' is in use';
  const message = `${failure.message}; port ${port}, which it wants whatever PORT says,${holder}`;
  const code = failure.code === 'boot_crashed' && !isSeparable(needs) ? 'port_insisted' : failure.code;
  return { ...failure, code, message };
}

/** Pure. Null where it listens as it should, so that the reason is another. */
export function whereItListens({ port, listeners, refused, about }: Listening): string | null {
  if (listeners.length === 0) {
    const runs = about === null ? '' : ` (it runs on ${about})`;
    return `it listens on no port at all${runs}: it may still wait for something, such as a database`;
  }
  const own = listeners.filter((listener) => listener.port === port);
  if (own.some(({ address }) => answersLoopback(address) && !(refused && address === '::'))) return null;
  if (own.length > 0)
    return `it listens at ${own.map(text).join(', ')} ${own.some(({ address }) => address === '::') ? 'for IPv6 alone' : 'only'}, which is not reached by 127.0.0.1: let it listen at HOST, or at 0.0.0.0`;
  const ports = [...new Set(listeners.map((listener) => listener.port))].toSorted((a, b) => a - b);
  return `it listens on port${ports.length === 1 ? '' : 's'} ${ports.join(', ')} instead`;
}

function text({ address, port }: Listener): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
