/**
 * The same limits as the embedded engine's (src/edge/embedded/plane/limits.ts), in nginx's own words. Sizes in bytes, times in milliseconds.
 */
export const limits = {
  /** One header line or the request line: 16 KiB; two such buffers make the 32 KiB of a whole head. */
  headBuffers: 2,
  headBuffer: 16 * 1024,
  headTimeout: 15_000,
  bodyTimeout: 60_000,
  keepAliveTimeout: 75_000,
  lingerTimeout: 2_000,
  connectTimeout: 2_500,
  upstreamIdleTimeout: 1_500,
  /** Idle connections to endpoints that one worker keeps, over all endpoints: the oldest goes first. */
  upstreamIdle: 1_024,
  /** The same for one name over TLS. */
  secureUpstreamIdle: 128,
  /** Bodies up to here are held whole before the request goes on, so that it can be repeated. */
  holdSize: 64 * 1024,
  /** Client and upstream side both count: 16,384 are 8,000 requests under way in one worker. */
  connections: 16_384,
  /** Requests of one client connection. HTTP/2: what a client that resets each stream can cost before it must connect again. */
  requestsPerConnection: 10_000,
  streams: 128,
  /** Time that a worker of a replaced configuration has for what is under way. */
  handOver: 30_000,
} as const;

/** Descriptors asked for: each connection one, and room for files, logs and temporary bodies. */
export const wantedDescriptors = limits.connections + 4_096;

/** Connections that fit in so many descriptors. */
export function connectionsWithin(descriptors: number): number {
  return Math.max(256, Math.min(limits.connections, descriptors - 512));
}
