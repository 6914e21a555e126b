import type { RouteTable } from '../port.ts';

/** The part of a table that is HTTP, and the part that is private streams; a pool that both name is in both. */
export function splitTable(table: RouteTable): { readonly http: RouteTable; readonly streams: RouteTable } {
  const streamed = new Set(table.streams.map(({ pool }) => pool));
  const routed = new Set(table.routes.map(({ pool }) => pool));
  const { version, streams, pools } = table;
  return {
    http: { ...table, streams: [], pools: pools.filter(({ id }) => routed.has(id) || !streamed.has(id)) },
    streams: { version, routes: [], pools: pools.filter(({ id }) => streamed.has(id)), streams },
  };
}
