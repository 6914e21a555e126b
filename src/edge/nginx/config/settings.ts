import type { SocketAddress } from '../address.ts';

/** Everything that the configuration is made of. Two folders with the same settings have the same text: nothing in it names the folder. */
export interface EngineSettings {
  readonly http: SocketAddress;
  /** `null`: no HTTPS. */
  readonly https: SocketAddress | null;
  readonly workers: number;
  /** System user and group of the workers; `null` where the master is not root and cannot change. */
  readonly user: { readonly name: string; readonly group: string } | null;
  /** Absolute paths of nginx modules to load, in their order; none where they are built in. */
  readonly modules: readonly string[];
  /** Patterns of further Lua modules (`/usr/share/lua/5.1/?.lua`), and of those in C. */
  readonly luaPath: readonly string[];
  readonly luaCPath: readonly string[];
  /** Folder with Kapal's Lua, relative to the edge's folder. */
  readonly engine: string;
  /** File descriptors that a worker may have, at most what the kernel allows here. */
  readonly descriptors: number;
  /** MiB of shared memory for routes, pools, policies and certificates. */
  readonly tableMemory: number;
  /** The authorities that this machine trusts, for upstreams over TLS; `null` where there are none. */
  readonly authorities: Authorities | null;
}

/** Absolute: one file with all of them, or a folder where OpenSSL finds each by the digest of its name (openssl-rehash(1)). */
export interface Authorities {
  readonly kind: 'file' | 'folder';
  readonly path: string;
}
