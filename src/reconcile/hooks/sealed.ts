import type { HookRow } from '../../state/records.ts';
import type { Dependencies } from '../dependencies.ts';
import { parseGitUrl } from '../../source/git-url.ts';

/** What of a hook is kept sealed. */
export interface Sealed {
  /** With password. */
  readonly url: string;
  readonly secret: string;
  readonly privateKey: string | null;
}

type Sealing = Pick<Dependencies, 'vault'>;

export function sealHook({ vault }: Sealing, id: string, sealed: Sealed): string {
  return vault.seal(JSON.stringify(sealed), contextOf(id));
}

export function openHook({ vault }: Sealing, row: Pick<HookRow, 'id' | 'sealed'>): Sealed {
  return JSON.parse(vault.open(row.sealed, contextOf(row.id)).reveal()) as Sealed;
}

/** The deploy key that was made for this remote, first of a hook for which it has opened; null where there is none. Throws `source_refused` for no URL. */
export function deployKeyOf(needs: Pick<Dependencies, 'store' | 'vault'>, url: string): string | null {
  const { shown } = parseGitUrl(url);
  const rows = needs.store.hooks.all().filter((row) => row.url === shown && row.publicKey !== null);
  const row = rows.find(({ seen }) => seen !== null) ?? rows[0];
  return row === undefined ? null : openHook(needs, row).privateKey;
}

function contextOf(id: string) {
  return { owner: id, key: '@hook' };
}
