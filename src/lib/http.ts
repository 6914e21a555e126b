import { createRequire } from 'node:module';
import type * as Http from 'node:http';

/**
 * `node:http` as CommonJS gives it. An ES import of it reads every export, and the getters of `WebSocket` and its like load undici:
 * 35 ms and 9 MB (seen on Node 24.21) that nothing here uses.
 */
export const http = createRequire(import.meta.url)('node:http') as typeof Http;
