import { randomInt } from 'node:crypto';
import { createServer, type ListenOptions, type Server } from 'node:net';

/**
 * A port that nobody listens on, below those of instances (20000) and of the kernel (32768), where connections and other tests take theirs: one of the
 * kernel's could be another's by the time that it is bound. It is this process's until that ends, also against tests that run beside it.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = randomInt(10_000, 20_000);
    const reserved = await listening({ path: reservation(port) });
    if (reserved === null) continue;
    const found = await listening({ host: '127.0.0.1', port });
    if (found !== null) {
      await new Promise((resolve) => found.close(resolve));
      return port;
    }
    reserved.close();
  }
  throw new Error('no free port');
}

/** A name that one process of the machine can have, and that ends with it: an abstract Unix socket (unix(7)). */
function reservation(port: number): string {
  return `\0kapal-test-port-${port}`;
}

/** Keeps no process alive; null where the address is another's. */
function listening(at: ListenOptions): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer().unref();
    server.once('error', () => resolve(null));
    server.listen(at, () => resolve(server));
  });
}
