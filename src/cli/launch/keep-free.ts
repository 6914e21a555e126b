import { failure } from '../../api/contract/exit.ts';
import type { DaemonOptions } from '../host.ts';

const SIZE = /^(?<number>\d{1,9}(?:\.\d{1,3})?)\s*(?<unit>%|(?:[kmgt]i?)?b?)$/i;
const units: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** Reads `2GiB`, `500MB` (1024 times 1024 bytes as well), `5%`, `0`; nothing is `auto`. Throws `usage`. */
export function parseKeepFree(text: string | undefined): DaemonOptions['keepFree'] {
  if (text === undefined || text === 'auto') return 'auto';
  const { number = '', unit = '' } = SIZE.exec(text.trim())?.groups ?? {};
  if (number === '') throw wrong(text);
  if (unit === '%') {
    if (Number(number) > 50) throw wrong(text);
    return { share: Number(number) / 100 };
  }
  return { bytes: Math.floor(Number(number) * (units[unit.toLowerCase().replace(/i?b$/, '')] ?? 1)) };
}

/** The text that reads as this; null where it need not be said. */
export function keepFreeText(keep: DaemonOptions['keepFree']): string | null {
  if (keep === 'auto') return null;
  return 'bytes' in keep ? `${keep.bytes}` : `${Number((keep.share * 100).toFixed(3))}%`;
}

function wrong(text: string): Error {
  return failure('usage', `--keep-free ${text}: expected a size such as 2GiB, a share up to 50% such as 5%, or 0`);
}
