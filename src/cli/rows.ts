import { asFailure, isFailureDocument } from '../api/contract/exit.ts';
import type { Invocation } from './command.ts';
import { Patience } from './operation/patience.ts';

/** Prints rows of a log: those that are there, or with `--follow` also what comes, until nobody reads or the daemon stays away. */
export async function followRows<Row>(
  invocation: Invocation,
  source: { readonly path: (follow: boolean) => string; readonly print: (row: Row) => void },
): Promise<number> {
  const { client, flags, out, json } = invocation;
  if (flags.has('follow')) return follow(invocation, source);
  const rows = await client.get<readonly Row[]>(source.path(false));
  if (json) out.json(rows);
  else for (const row of rows) source.print(row);
  return 0;
}

async function follow<Row>(
  { client, out, say }: Invocation,
  source: { readonly path: (follow: boolean) => string; readonly print: (row: Row) => void },
): Promise<number> {
  const patience = new Patience({ client, say, note: (text) => out.err.line(text) });
  let after: string | null = null;
  while (!out.closed.aborted) {
    try {
      for await (const { event, id, data } of client.events(source.path(true), { signal: out.closed, after })) {
        patience.back();
        const value: unknown = JSON.parse(data);
        if (event === 'error' && isFailureDocument(value)) throw asFailure(value.error);
        after = id ?? after;
        source.print(value as Row);
      }
      await patience.rest();
    } catch (error) {
      await patience.bear(error);
    }
  }
  return 0;
}
