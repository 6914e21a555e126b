import type { IncomingMessage } from 'node:http';
import type { Log } from '../lib/log.ts';
import type { Commands } from '../reconcile/commands.ts';
import type { HookCommands } from '../reconcile/hooks/hooks.ts';
import type { PushCommands } from '../reconcile/pushes/pushes.ts';
import { buildApp } from './app.ts';
import { EventStreams } from './event-stream.ts';
import { type Listener, listenOnSocket, listenOnTcp } from './listeners.ts';

export interface ApiOptions {
  readonly commands: Commands;
  readonly pushes: PushCommands;
  readonly hooks: HookCommands;
  /** What callers over TCP have to bear. */
  readonly token: string;
  /** Absolute, at most 107 bytes (unix(7)); its folder is there and belongs to the daemon. */
  readonly socketPath: string;
  /** An address; `0.0.0.0` or `::` for every interface. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly version: string;
  readonly log: Log;
  /** Names the program that listens on a port, for the message that it is taken. */
  readonly describeHolder?: (port: number) => string;
  /** Milliseconds of silence after which an event stream says that it is alive. 15 s unless told. */
  readonly heartbeat?: number;
}

export interface Api {
  /**
   * Begins to answer, on the Unix socket and over TCP. `url` is the API's as people reach it. Throws KapalError `daemon_running` when
   * something answers on the socket, `port_taken` when the TCP port is held.
   */
  listen(): Promise<{ readonly url: string }>;
  /** Takes no more requests, ends event streams, lets other answers finish for at most two seconds. */
  close(): Promise<void>;
}

/** The API over one data folder: one app behind two listeners. Nothing is open before `listen`. */
export async function createApi(options: ApiOptions): Promise<Api> {
  const streams = new EventStreams(options.heartbeat ?? 15_000);
  const local = new WeakSet<IncomingMessage>();
  const app = await buildApp({ ...options, streams, isLocal: (request) => local.has(request) });
  const listeners: Listener[] = [];
  return {
    async listen() {
      try {
        const socket = await listenOnSocket(options.socketPath, (request, response) => {
          local.add(request);
          app.routing(request, response);
        });
        listeners.push(socket);
        const tcp = await listenOnTcp(options, (request, response) => app.routing(request, response));
        listeners.push(tcp);
        return { url: tcp.url };
      } catch (error) {
        await Promise.all(listeners.splice(0).map((listener) => listener.close()));
        throw error;
      }
    },
    async close() {
      streams.close();
      await Promise.all(listeners.splice(0).map((listener) => listener.close()));
      await app.close();
    },
  };
}
