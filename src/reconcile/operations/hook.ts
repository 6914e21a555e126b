import type { ServiceId } from '../../model/service.ts';
import type { Dependencies } from '../dependencies.ts';

interface Watched {
  /** Calls back after every pass over the service. */
  watch(service: ServiceId, seen: () => void): Disposable;
}

/** Resolves when initialDeployHook of a release has ended, or where there is none; rejects when everything ends. */
export function hookEnded(
  around: { readonly needs: Pick<Dependencies, 'store'>; readonly loops: Watched; readonly leaving: AbortSignal },
  of: { readonly service: ServiceId; readonly release: number },
): Promise<void> {
  const { needs, loops, leaving } = around;
  const isAtWork = () =>
    needs.store.jobs.open(of.service).some(({ cause, release }) => cause === 'hook' && release === of.release);
  return new Promise((resolve, reject) => {
    const leave = () => end(() => reject(new Error('the daemon ends')));
    const look = () => {
      if (!isAtWork()) end(resolve);
    };
    const watching = loops.watch(of.service, look);
    const end = (settle: () => void) => {
      watching[Symbol.dispose]();
      leaving.removeEventListener('abort', leave);
      settle();
    };
    leaving.addEventListener('abort', leave, { once: true });
    if (leaving.aborted) leave();
    else look();
  });
}
