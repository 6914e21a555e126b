import { isHost } from '../model/names.ts';
import type { ProxyPool } from './pool.ts';

/** What is wrong with how a pool spreads and limits its requests, one sentence each; empty when it is sound. */
export function checkBalancing(pool: ProxyPool): string[] {
  const { slowStart, maxConnections, queue, waitForEndpoint, sticky, tls } = pool;
  const problems: string[] = [];
  if (slowStart !== undefined && !(Number.isFinite(slowStart) && slowStart > 0))
    problems.push(`slowStart ${slowStart} is not above 0`);
  if (maxConnections !== undefined && !(Number.isSafeInteger(maxConnections) && maxConnections > 0))
    problems.push(`maxConnections ${maxConnections} is no whole number from 1`);
  if (queue !== undefined && maxConnections === undefined) problems.push('it has a queue but no maxConnections');
  problems.push(...checkQueue('queue', queue), ...checkQueue('waitForEndpoint', waitForEndpoint));
  if (sticky !== undefined) problems.push(...checkSticky(sticky));
  if (typeof tls?.serverName === 'string' && !isHost(tls.serverName) && !/^[0-9a-f.:]+$/.test(tls.serverName))
    problems.push(`the server name ${JSON.stringify(tls.serverName)} is no lower-case host name`);
  for (const { id, since } of pool.endpoints)
    if (since !== undefined && !Number.isFinite(since)) problems.push(`endpoint ${id}: since ${since} is no time`);
  return problems.map((problem) => `pool ${pool.id}: ${problem}`);
}

function checkQueue(name: 'queue' | 'waitForEndpoint', queue: ProxyPool['queue']): string[] {
  if (queue === undefined) return [];
  const { size, timeout } = queue;
  const problems: string[] = [];
  if (!(Number.isSafeInteger(size) && size >= 0))
    problems.push(`the size ${size} of ${name} is no whole number from 0`);
  if (!(Number.isFinite(timeout) && timeout > 0)) problems.push(`the timeout ${timeout} of ${name} is not above 0`);
  return problems;
}

/** RFC 6265 4.1.1: the cookie's name is a token. The key is not told, whatever is wrong with it. */
function checkSticky({ cookie, key, maxAge }: NonNullable<ProxyPool['sticky']>): string[] {
  const problems: string[] = [];
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/.test(cookie)) problems.push('the sticky cookie has no proper name');
  if (!/^[0-9a-f]{64}$/.test(key)) problems.push('the key of the sticky cookie is not 32 bytes in hex');
  if (maxAge !== undefined && !(Number.isSafeInteger(maxAge) && maxAge > 0))
    problems.push(`the sticky cookie's maxAge ${maxAge} is no whole number from 1`);
  return problems;
}
