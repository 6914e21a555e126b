import type { PlaneLimits } from './types.ts';

const kibi = 1024;

export const defaultLimits: PlaneLimits = {
  maxConnections: 16_384,
  headSize: 32 * kibi,
  requestLineSize: 16 * kibi,
  headerCount: 128,
  handshakeTimeout: 10_000,
  headTimeout: 15_000,
  keepAliveTimeout: 75_000,
  bodyTimeout: 60_000,
  lingerTimeout: 2_000,
  drainIdleTimeout: 1_000,
  connectTimeout: 2_500,
  upstreamIdleTimeout: 1_500,
  maxIdlePerEndpoint: 256,
  maxPerEndpoint: 4_096,
  holdSize: 64 * kibi,
  holdTime: 100,
  replaySize: 64 * kibi,
};

/** How often deadlines are looked at, in milliseconds: one timer for all connections. */
export const sweepInterval = 250;
