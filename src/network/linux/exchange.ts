import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { ExecResult } from '../../lib/exec.ts';

/** Milliseconds for a connection through a new network. */
const patience = 4_000;

/**
 * Fixed text, run inside by Node: listens on 127.0.0.1 at the port in argv[2], and says so to the machine's 127.0.0.1 at argv[1]; ends when it was asked, or
 * after its time.
 */
const peer = `const net = require('node:net');
const [, outside, own] = process.argv;
const server = net.createServer((socket) => { socket.end('inside'); server.close(); outward.end(); });
const outward = new net.Socket().on('error', () => process.exit(1));
server.listen(Number(own), '127.0.0.1', () => outward.connect(Number(outside), '127.0.0.1'));
setTimeout(() => process.exit(2), ${patience}).unref();`;

/** Sends something out of a network and into it, as apps and the edge do. Throws in words what does not get through. */
export async function exchange(way: {
  readonly address: string;
  readonly node: string;
  readonly inside: (argv: readonly string[]) => Promise<ExecResult>;
  readonly own: (ports: readonly number[]) => Promise<void>;
}): Promise<void> {
  await using machine = await listening();
  const { port } = machine;
  // Any number but that one: inside, nothing else listens.
  const own = port === 3000 ? 3001 : 3000;
  await way.own([own]);
  const running = way.inside([way.node, '-e', peer, String(port), String(own)]);
  const ended = running.then(({ code, stderr }) => {
    throw new Error(`127.0.0.1 of the machine is not reached from inside: ${stderr.trim() || `code ${code}`}`);
  });
  await Promise.race([machine.called, ended]);
  await said({ host: way.address, port: own });
  ended.catch(() => undefined);
  await running;
}

async function listening(): Promise<AsyncDisposable & { readonly port: number; readonly called: Promise<unknown> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => void sockets.add(socket.on('error', () => undefined).resume()));
  const called = once(server, 'connection');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const at = server.address();
  return {
    port: typeof at === 'object' && at !== null ? at.port : 0,
    called,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function said(at: { readonly host: string; readonly port: number }): Promise<void> {
  const socket = connect(at).setTimeout(patience);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('data', () => resolve());
      socket.once('timeout', () => reject(new Error(`no answer within ${patience / 1000} s`)));
      socket.once('error', reject);
      socket.once('end', () => reject(new Error('closed')));
    });
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new Error(`what listens on 127.0.0.1 inside is not reached from the machine: ${words}`, { cause: error });
  } finally {
    socket.destroy();
  }
}
