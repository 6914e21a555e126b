import type { RolloutFailure } from '../rollout/view.ts';
import type { ServiceContext } from './service-context.ts';

/**
 * A failure with what its message cannot know: at which port the instance listens instead of its own. An app that ignores PORT is the most common
 * reason for not being ready. To be asked while the instance still runs.
 */
export async function withListening(
  { needs }: Pick<ServiceContext, 'needs'>,
  failure: RolloutFailure | null,
): Promise<RolloutFailure | null> {
  if (failure === null || failure.instance === null || needs.portFinder === undefined) return failure;
  const instance = needs.store.instances.get(failure.instance);
  if (instance === null || instance.handle === null || instance.port === null) return failure;
  const ports = await needs.portFinder.listeningPorts(instance.handle);
  if (ports.length === 0 || ports.includes(instance.port)) return failure;
  const named = `port${ports.length === 1 ? '' : 's'} ${ports.join(', ')}`;
  return { ...failure, message: `${failure.message}; it listens on ${named} instead` };
}
