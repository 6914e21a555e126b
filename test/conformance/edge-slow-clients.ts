import { connect, type Socket } from 'node:net';

/** Clients that take their time, each on a connection of its own, spread over addresses of loopback. */
export class SlowClients implements Disposable {
  readonly #sockets: Socket[] = [];
  #drip: NodeJS.Timeout | null = null;
  #closed = 0;

  /** Connections that the edge has ended. */
  get closed(): number {
    return this.#closed;
  }

  get count(): number {
    return this.#sockets.length;
  }

  /** Opens so many, a hundred at a time, each beginning with `first`. `reads`: whether it takes what it is sent. */
  async open(
    port: number,
    { count, first, reads }: { readonly count: number; readonly first: string; readonly reads: boolean },
  ): Promise<void> {
    while (this.#sockets.length < count) {
      const batch = Array.from({ length: Math.min(100, count - this.#sockets.length) }, (_, index) =>
        this.#one(port, this.#sockets.length + index),
      );
      const opened = await Promise.all(batch);
      for (const socket of opened) {
        socket.write(first);
        if (reads) socket.resume();
        this.#sockets.push(socket);
      }
    }
  }

  /** Each sends a byte of `endless` after each pause, until it is ended. Milliseconds. */
  drip(endless: string, pause: number): void {
    this.#drip = setInterval(() => {
      for (const socket of this.#sockets) {
        if (socket.writable) socket.write(endless);
      }
    }, pause);
  }

  [Symbol.dispose](): void {
    if (this.#drip !== null) clearInterval(this.#drip);
    for (const socket of this.#sockets) socket.destroy();
  }

  #one(port: number, index: number): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, localAddress: `127.0.0.${(index % 200) + 2}` });
      socket.once('connect', () => {
        socket.off('error', reject);
        socket.on('error', () => undefined);
        resolve(socket);
      });
      socket.once('error', reject);
      socket.once('end', () => socket.destroy());
      socket.once('close', () => (this.#closed += 1));
    });
  }
}
