/** Items as they come, with `pulse` after each silence of so many milliseconds; ends with its source, or soon after the signal aborts. */
export async function* withHeartbeat<T>(
  items: AsyncIterable<T>,
  { silence, signal, pulse }: { readonly silence: number; readonly signal: AbortSignal; readonly pulse: T },
): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  const aborted = Promise.withResolvers<'aborted'>();
  const abort = () => aborted.resolve('aborted');
  signal.addEventListener('abort', abort, { once: true });
  let next = iterator.next();
  try {
    while (!signal.aborted) {
      const result = await sooner([next, aborted.promise], silence);
      if (result === 'aborted') return;
      if (result === 'silence') yield pulse;
      else if (result.done === true) return;
      else {
        yield result.value;
        next = iterator.next();
      }
    }
  } finally {
    signal.removeEventListener('abort', abort);
    // Nobody waits for what it still says.
    next.catch(() => undefined);
    iterator.return?.().catch(() => undefined);
  }
}

/** What comes first, or `silence` after so many milliseconds. */
async function sooner<T, U>(
  promises: readonly [Promise<T>, Promise<U>],
  milliseconds: number,
): Promise<T | U | 'silence'> {
  const { promise, resolve } = Promise.withResolvers<'silence'>();
  const timer = setTimeout(resolve, milliseconds, 'silence');
  try {
    return await Promise.race([...promises, promise]);
  } finally {
    clearTimeout(timer);
  }
}
