import { createRequire } from 'node:module';
import type * as Http from 'node:http';
import type * as Https from 'node:https';

const require = createRequire(import.meta.url);

/**
 * `node:http` as CommonJS gives it. An ES import of it reads every export, and the getters of `WebSocket` and its like load undici:
 * 35 ms and 9 MB (seen on Node 24.21) that nothing here uses.
 */
export const http = require('node:http') as typeof Http;

/** Loaded by who speaks TLS: what does not starts without it. */
export function loadHttps(): typeof Https {
  return require('node:https') as typeof Https;
}
