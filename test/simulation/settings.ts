import { join } from 'node:path';
import type { Dependencies } from '../../src/reconcile/dependencies.ts';

/** How simulated daemons are set, but for what is told. */
export function simulatedSettings(
  data: string,
  more: Partial<Dependencies['settings']> = {},
): Dependencies['settings'] {
  return {
    version: '0.0.0',
    data,
    socket: join(data, 'kapal.sock'),
    api: '127.0.0.1:7700',
    http: '127.0.0.1:8080',
    httpPort: 8080,
    https: null,
    httpsPort: null,
    domain: 'localhost',
    timeZone: 'UTC',
    buildMemory: null,
    buildSlots: 2,
    startSlots: 4,
    keepFree: 'auto',
    edgeWhy: 'simulated',
    runtimeWhy: 'simulated',
    ...more,
  };
}
